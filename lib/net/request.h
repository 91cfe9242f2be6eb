/*
 * What was asked of a client, in the order it was asked.  A request becomes
 * one command of the core or several (connect: STLS, CAPA; login: AUTH, or USER
 * and PASS),
 * all of which carry the request as their argument.
 */
#ifndef EVPOP_LIB_NET_REQUEST_H
#define EVPOP_LIB_NET_REQUEST_H

#include <sys/queue.h>

#include <evpop/client.h>

#include "lib/net/login.h"

enum evpop_client_request_kind {
	EVPOP_REQUEST_COMMAND = 0, /* one command of the core */
	EVPOP_REQUEST_CONNECT,
	EVPOP_REQUEST_LOGIN
};

struct evpop_client_request {
	TAILQ_ENTRY(evpop_client_request) entry;
	enum evpop_client_request_kind kind;
	enum evpop_command command;
	uint32_t number, lines;
	uint64_t octets; /* RETR: what LIST said, or 0 */
	char *text;      /* LANG: the language, or NULL */
	evpop_line_cb line;
	struct evpop_login *login; /* LOGIN: until it is over */
	unsigned int parts;        /* commands of the core that are not done */
	bool submitted;
	evpop_reply_cb reply;
	evpop_listed_cb listed;
	const struct evpop_sink *sink; /* instead of reply */
	void *arg;
};

TAILQ_HEAD(evpop_client_requests, evpop_client_request);

/*
 * Hand the command of an ordinary request to the core.  EVPOP_ERROR_USAGE where
 * the session is over, EVPOP_ERROR_MEMORY.
 */
enum evpop_error evpop_client_request_submit(
    struct evpop_client_request *, struct evpop_proto *) EVPOP_MUST_USE;

/* The same for any command on behalf of a request. */
enum evpop_error evpop_client_request_part(struct evpop_client_request *,
    struct evpop_proto *, enum evpop_command) EVPOP_MUST_USE;

/* Wipe and free all it owns, but for itself. */
void evpop_client_request_clear(struct evpop_client_request *);

#endif
