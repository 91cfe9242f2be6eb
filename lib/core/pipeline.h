/*
 * Commands on their way to the server and back: the pipeline decides which may
 * go out now and knows which are owed an answer (RFC 2449 section 6.6).  First
 * in, first out; a reply belongs to the first.
 */
#ifndef EVPOP_CORE_PIPELINE_H
#define EVPOP_CORE_PIPELINE_H

#include <evpop/proto.h>

struct evpop_queued {
	struct evpop_request request; /* texts are owned, and wiped */
	char *text, *initial;
	bool had_text;       /* it is forgotten once sent */
	bool final;          /* AUTH: all is said, +OK means success */
	bool consumed;       /* sent, but taken for the answer to a challenge */
	bool is_early;       /* sent behind a log-in, ahead of its reply */
	bool swallowed;      /* AUTH: the command behind it was consumed */
	unsigned challenges; /* of AUTH, so far */
	size_t wire_length;  /* octets sent for it */
	uint64_t wire_end;   /* offset in the session's output behind it */
};

/*
 * Those that were sent and wait for their reply in front, those that wait to be
 * sent behind: a ring that grows, so that a steady state allocates nothing.
 * Zeroed, it is empty.
 */
struct evpop_queue {
	struct evpop_queued *slots;
	size_t room, head, length;
	size_t sent; /* how many in front were sent */
};

/*
 * Bytes on their way out, which may be secrets: wiped once they are written,
 * and when the buffer moves.  Zeroed, it is empty.
 */
struct evpop_output {
	char *bytes;
	size_t start, end, room;
	bool is_guarded; /* a secret is, or was, among them */
};

/* Zeroed, it is empty, and lets one command out at a time. */
struct evpop_pipeline {
	struct evpop_queue queue;
	struct evpop_output output;
	uint64_t encoded, written; /* octets of output, since the start */
	uint32_t window_commands;
	size_t window_octets, outstanding_octets;
	/* Of the commands owed an answer, none of them swallowed: */
	size_t logins; /* may enter the TRANSACTION state */
	size_t stops;  /* let nothing follow before their reply */
	/*
	 * Of them, those that went out behind a log-in, ahead of its reply:
	 * the server may have lost them.  Once the log-in is answered nothing
	 * follows before they are, or a reply might be taken for theirs.
	 */
	size_t early;
};

enum evpop_pipeline_status {
	EVPOP_PIPELINE_SENT,
	EVPOP_PIPELINE_WAITS, /* the window is full, or something stops it */
	EVPOP_PIPELINE_NO_MEMORY
};

/* Set how much may be under way at once; 0 changes nothing. */
void evpop_pipeline_set_window(
    struct evpop_pipeline *, uint32_t commands, size_t octets);

/* Copy a request to the end; false without memory. */
bool evpop_pipeline_push(
    struct evpop_pipeline *, const struct evpop_request *) EVPOP_MUST_USE;
/* Drop the last, which was not sent. */
void evpop_pipeline_retract(struct evpop_pipeline *);

/* How many there are; of them, those that are owed an answer. */
size_t evpop_pipeline_length(const struct evpop_pipeline *);
size_t evpop_pipeline_outstanding(const struct evpop_pipeline *);
/* One that may enter the TRANSACTION state is owed an answer. */
bool evpop_pipeline_awaits_login(const struct evpop_pipeline *);

/* The oldest command and the last, or NULL. */
struct evpop_queued *evpop_pipeline_first(const struct evpop_pipeline *);
const struct evpop_queued *evpop_pipeline_last(const struct evpop_pipeline *);

/* The i-th command that is owed an answer, or NULL. */
struct evpop_queued *evpop_pipeline_owed(
    const struct evpop_pipeline *, size_t i);

/* The next to go out, or NULL. */
const struct evpop_request *evpop_pipeline_unsent(
    const struct evpop_pipeline *);

/*
 * Encode the next command, unless it must wait.  On SENT, *line_r has
 * *length_r octets, CRLF not counted, and its texts are as they were until
 * evpop_pipeline_sent().
 */
enum evpop_pipeline_status evpop_pipeline_encode(
    struct evpop_pipeline *, const char **line_r, size_t *length_r);
void evpop_pipeline_sent(struct evpop_pipeline *);

/*
 * The first, an AUTH, was challenged.  Returns false where a command sent
 * behind it is what the server takes for the answer: that one is swallowed.
 */
bool evpop_pipeline_challenge(struct evpop_pipeline *);

/* Encode the answer to a challenge; false without memory. */
bool evpop_pipeline_respond(
    struct evpop_pipeline *, const char *response, bool final) EVPOP_MUST_USE;

/* The first is finished. */
void evpop_pipeline_pop(struct evpop_pipeline *);

/* Whether all of a command was written, so that an answer may come. */
bool evpop_pipeline_is_written(
    const struct evpop_pipeline *, const struct evpop_queued *);

/* Get the octets to write, or NULL; note that they were written; drop them. */
const unsigned char *evpop_pipeline_output(
    const struct evpop_pipeline *, size_t *length_r);
void evpop_pipeline_written(struct evpop_pipeline *, size_t length);
void evpop_pipeline_drop_output(struct evpop_pipeline *);

void evpop_pipeline_clear(struct evpop_pipeline *);

#endif
