/*
 * Commands on their way to the server and back: which may go out now, and which
 * of those that did is owed an answer (RFC 2449 section 6.6).  First in, first
 * out; a reply belongs to the first.
 */
#ifndef EVPOP_CORE_PIPELINE_H
#define EVPOP_CORE_PIPELINE_H

#include "lib/core/output.h"
#include "lib/core/queue.h"

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

/* The oldest command, or NULL. */
struct evpop_queued *evpop_pipeline_first(const struct evpop_pipeline *);

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

/* Octets of output were written. */
void evpop_pipeline_written(struct evpop_pipeline *, size_t length);

void evpop_pipeline_clear(struct evpop_pipeline *);

#endif
