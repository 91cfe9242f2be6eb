/*
 * What was asked of a client, in the order it was asked, and whose callbacks
 * are told of it.  A request becomes one command of the core or several
 * (connect: STLS, CAPA; log-in: AUTH, or USER and PASS, and again where one was
 * refused), all of which carry the request as their argument.
 *
 * Requests are handed to the core in their order and answered in it.  One that
 * may need more commands than it has under way is *open*: nothing behind it is
 * handed over until it is closed.  So the replies to a request's commands all
 * come before those of the next, whatever the server does.
 */
#ifndef EVPOP_LIB_NET_REQUEST_H
#define EVPOP_LIB_NET_REQUEST_H

#include <sys/queue.h>

#include <evpop/client.h>

struct evpop_login;

enum evpop_request_kind {
	EVPOP_REQUEST_COMMAND = 0, /* one command of the core */
	EVPOP_REQUEST_CONNECT,
	EVPOP_REQUEST_LOGIN
};

struct evpop_client_request {
	TAILQ_ENTRY(evpop_client_request) entry;
	enum evpop_request_kind kind;
	enum evpop_command command;
	uint32_t number, lines;
	uint64_t octets;           /* RETR: what LIST said, or 0 */
	char *text;                /* LANG: the language, or NULL; owned */
	struct evpop_login *login; /* LOGIN; owned */
	bool is_open;
	evpop_reply_cb reply;
	evpop_listed_cb listed;
	evpop_line_cb line;
	const struct evpop_sink *sink; /* instead of reply */
	void *arg;
};

TAILQ_HEAD(evpop_request_list, evpop_client_request);

/* Members are private. */
struct evpop_requests {
	struct evpop_request_list waiting;
	struct evpop_client_request *next; /* to be handed over, or NULL */
	struct evpop_request_list spare;   /* done with, to be used again */
};

void evpop_requests_init(struct evpop_requests *);
/* Wipe and free all, unanswered. */
void evpop_requests_clear(struct evpop_requests *);

/* Copy a request to the end, and own what it owns; NULL without memory. */
struct evpop_client_request *evpop_requests_push(struct evpop_requests *,
    const struct evpop_client_request *) EVPOP_MUST_USE;
/* The same right behind another. */
struct evpop_client_request *evpop_requests_insert(struct evpop_requests *,
    struct evpop_client_request *behind,
    const struct evpop_client_request *) EVPOP_MUST_USE;

/* The oldest, or NULL. */
struct evpop_client_request *evpop_requests_first(
    const struct evpop_requests *);

/*
 * The oldest that has yet to be handed to the core, unless an open one stands
 * before it; or NULL.
 */
struct evpop_client_request *evpop_requests_next(const struct evpop_requests *);

/* It may need more commands than it has under way; or it needs no more. */
void evpop_request_open(struct evpop_client_request *);
void evpop_request_close(struct evpop_client_request *);

/* The log-in of one. */
struct evpop_login *evpop_request_login(const struct evpop_client_request *);

/* The next request was handed over; the turn goes to the one behind it. */
void evpop_requests_advance(struct evpop_requests *);

/* Whether something behind this one, which is handed over, is so too. */
bool evpop_requests_follow(
    const struct evpop_requests *, const struct evpop_client_request *);

/*
 * Hand a command to the core on behalf of a request.  EVPOP_ERROR_USAGE where
 * the session is over, EVPOP_ERROR_MEMORY.
 */
enum evpop_error evpop_request_submit(struct evpop_client_request *,
    struct evpop_proto *, enum evpop_command) EVPOP_MUST_USE;

/* ---- the client (client.c), to those who ask (commands.c) ---- */

/*
 * Copy a request to the end of the client's queue and see to it from the loop.
 * What it owns is the client's then.  EVPOP_ERROR_USAGE where none is accepted
 * any more, or not yet; EVPOP_ERROR_MEMORY.
 */
enum evpop_error evpop_client_ask(
    struct evpop_client *, const struct evpop_client_request *) EVPOP_MUST_USE;

/* ---- what the caller is told ---- */

/* A listing's entry or line, or a span of a body; begin before the first. */
enum evpop_flow evpop_request_begin(const struct evpop_client_request *,
    struct evpop_client *, const struct evpop_event *);
enum evpop_flow evpop_request_data(const struct evpop_client_request *,
    struct evpop_client *, const struct evpop_event *);

/* The oldest is answered, and is gone then. */
void evpop_requests_answer(
    struct evpop_requests *, struct evpop_client *, const struct evpop_reply *);

#endif
