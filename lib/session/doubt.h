/*
 * Whether a body is believed.  A server that is not well answers RETR with +OK
 * and nothing, or a part of the message.  So a body is compared with the size
 * by LIST; and an empty one, where the size tells nothing, with the header by
 * TOP. What is not known is asked for, and the body waits for the answer.
 */
#ifndef EVPOP_SESSION_DOUBT_H
#define EVPOP_SESSION_DOUBT_H

#include <evpop/sync.h>

struct evpop_doubt;

/* A body, as far as it has come. */
struct evpop_doubt_body {
	uint32_t index;   /* of its entry */
	uint64_t claimed; /* octets, by the reply to RETR; 0: not told */
	uint64_t octets;  /* that came */
	bool is_empty;    /* so far, but for line ends */
	void *message;    /* of the callbacks */
};

/*
 * The body is believed (EVPOP_ERROR_NONE) or not (EVPOP_ERROR_INCOMPLETE), or
 * the session ended before the answer (EVPOP_ERROR_CANCELLED).
 */
typedef void (*evpop_doubt_cb)(
    const struct evpop_doubt_body *, const struct evpop_result *, void *arg);

/* NULL without memory. */
struct evpop_doubt *evpop_doubt_new(struct evpop_client *,
    const struct evpop_listing *, const struct evpop_plan *, evpop_doubt_cb,
    void *arg) EVPOP_MUST_USE;
/* After the client is freed, or its session over.  NULL is allowed. */
void evpop_doubt_free(struct evpop_doubt *);

/* More of it came. */
void evpop_doubt_take(
    struct evpop_doubt_body *, const unsigned char *bytes, size_t length);

/* Whether the body is empty or short, so that its own octets do not decide. */
bool evpop_doubt_suspects(const struct evpop_doubt_body *);

/* Judge a body: the callback runs, now or once the server has answered. */
void evpop_doubt_judge(struct evpop_doubt *, const struct evpop_doubt_body *);

/* Bodies that wait for an answer. */
size_t evpop_doubt_waiting(const struct evpop_doubt *);

#endif
