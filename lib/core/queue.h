/*
 * The commands of a session, first in first out: those that were sent and wait
 * for their reply in front, those that wait to be sent behind.  A ring that
 * grows, so that a steady state allocates nothing.
 */
#ifndef EVPOP_CORE_QUEUE_H
#define EVPOP_CORE_QUEUE_H

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

/* Zeroed, it is empty. */
struct evpop_queue {
	struct evpop_queued *slots;
	size_t room, head, length;
	size_t sent; /* how many in front were sent */
};

/* Copy a request to the end; false without memory. */
bool evpop_queue_push(
    struct evpop_queue *, const struct evpop_request *) EVPOP_MUST_USE;

/* The i-th from the front; NULL past the end. */
struct evpop_queued *evpop_queue_at(const struct evpop_queue *, size_t i);

/* Wipe and free the texts of a queued command: it is sent, or will not be. */
void evpop_queued_forget_texts(struct evpop_queued *);

/* Drop the last, which was not sent. */
void evpop_queue_retract(struct evpop_queue *);

/* Drop the first. */
void evpop_queue_pop(struct evpop_queue *);

void evpop_queue_clear(struct evpop_queue *);

#endif
