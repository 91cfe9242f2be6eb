/*
 * The inside of the blocking client: its life, its calls and its commands
 * (easy.c), and messages, which are read piece by piece (easy_body.c).
 *
 * A call is made of evpop_easy_enter(), a request to the client behind,
 * evpop_easy_wait() and evpop_easy_leave(); after the last the easy may be
 * gone.
 */
#ifndef EVPOP_SESSION_EASY_H
#define EVPOP_SESSION_EASY_H

#include <event2/event_struct.h>

#include <evpop/easy.h>

enum evpop_easy_body {
	EVPOP_EASY_BODY_NONE = 0,
	EVPOP_EASY_BODY_OPEN, /* its end has not been seen */
	EVPOP_EASY_BODY_ENDED /* well; octets may still be kept */
};

struct evpop_easy {
	struct event_base *base;
	struct evpop_names *names; /* NULL: the host is an address */
	struct evpop_client *client;
	struct evpop_client_callbacks callbacks;
	evpop_trace_cb trace;
	void *trace_arg;

	struct evpop_result unusable; /* why there can be no connection */
	struct evpop_result result;   /* of the last call */
	struct evpop_result ending;   /* of the session, once it is over */
	bool is_over;
	bool is_told; /* a call has returned why it is over */

	unsigned int calls; /* under way; a second one is wrong */
	bool is_answered;   /* what it waits for has come */
	bool is_freed;      /* from inside it */
	struct evpop_reply reply;

	/* Listings. */
	evpop_easy_listed_cb listed;
	void *listed_arg;
	unsigned char *id; /* where UIDL n puts its answer */
	size_t id_size;

	/* A body. */
	enum evpop_easy_body body;
	uint64_t octets;     /* by the reply */
	unsigned char *into; /* what the reader wants filled */
	size_t room, got;
	unsigned char *kept; /* what the reader had no room for */
	size_t kept_room, kept_start, kept_end;
	bool is_draining;
	size_t drained;
	struct event drain_timer;
	struct evpop_result broken; /* why it was given up here */
};

/* States of the session in which a call makes sense: bits 1u << state. */
#define EVPOP_EASY_IN(state) (1u << EVPOP_STATE_##state)

/*
 * Begin a call that needs the session in one of these states.  False where it
 * is wrong now, or inside of another; the call ends with evpop_easy_leave() all
 * the same.
 */
bool evpop_easy_enter(struct evpop_easy *, unsigned int states) EVPOP_MUST_USE;

/* Begin a call that needs no session. */
bool evpop_easy_enter_any(struct evpop_easy *) EVPOP_MUST_USE;

/*
 * Turn the loop until the request is answered, if `error` says that it was
 * accepted, and note the outcome.
 */
void evpop_easy_wait(struct evpop_easy *, enum evpop_error error);

/* Whether the call succeeded, and the easy was not freed meanwhile. */
bool evpop_easy_went_well(const struct evpop_easy *);

/* End the call, free what was freed meanwhile, and return the outcome. */
enum evpop_error evpop_easy_leave(struct evpop_easy *);

/* The call was made wrongly, for this reason. */
void evpop_easy_misused(struct evpop_easy *, const char *reason);

/* Drop what the reader did not take. */
void evpop_easy_drop_kept(struct evpop_easy *);

#endif
