/*
 * Logs in on a connection: tries one mechanism after the other, decides what
 * may go out behind a log-in, waits for a derived key, and notes what the
 * server turned out to take.
 */
#ifndef EVPOP_LIB_NET_AUTHENTICATE_H
#define EVPOP_LIB_NET_AUTHENTICATE_H

#include "lib/net/connection.h"
#include "lib/net/request.h"

struct evpop_derive_request;

/* Members are private. */
struct evpop_authentication {
	struct evpop_connection *connection;
	struct evpop_requests *requests;
	struct evpop_memory *memory; /* or NULL */
	const struct evpop_bracket *bracket;
	/* The log-in, which is the oldest request, is over. */
	void (*answer)(const struct evpop_result *, void *arg);
	void *arg;
	struct evpop_client_request *request; /* the log-in's */
	struct evpop_login *login;
	unsigned int parts; /* commands of the attempt that are not done */
	struct evpop_derive_request *derivation; /* of a key; or NULL */
	struct evpop_client_request *probe;      /* under way; or NULL */
	enum evpop_mechanism mechanism;          /* last tried */
	unsigned int tried;                      /* mechanisms */
	enum evpop_again again;
};

/* All is borrowed. */
void evpop_authentication_init(struct evpop_authentication *,
    struct evpop_connection *, struct evpop_requests *, struct evpop_memory *,
    const struct evpop_bracket *,
    void (*answer)(const struct evpop_result *, void *arg), void *arg);

/* Wait for nothing any more. */
void evpop_authentication_cancel(struct evpop_authentication *);

/*
 * The request's turn has come: begin.  False where it must wait for a token,
 * which the client is asked for.
 */
bool evpop_authentication_begin(struct evpop_authentication *,
    struct evpop_client *, struct evpop_client_request *) EVPOP_MUST_USE;

/* The server has challenged, or one of the log-in's commands is done. */
void evpop_authentication_challenged(
    struct evpop_authentication *, const struct evpop_event *);
void evpop_authentication_done(
    struct evpop_authentication *, const struct evpop_event *);

/* Another request's command is done: is it the first behind the log-in? */
void evpop_authentication_follow(
    struct evpop_authentication *, const struct evpop_event *);

/* A key is computed; the server waits for us meanwhile. */
bool evpop_authentication_is_busy(const struct evpop_authentication *);

#endif
