/*
 * The first commands of a connection: after the greeting STLS if it is asked
 * for, the server's capabilities, and UTF8 if the server knows it.
 */
#ifndef EVPOP_LIB_NET_OPENING_H
#define EVPOP_LIB_NET_OPENING_H

#include <evpop/proto.h>

/* Zeroed, it has yet to begin.  Members are only read. */
struct evpop_opening {
	char *timestamp;             /* of the greeting, for APOP; or NULL */
	unsigned int parts;          /* commands that are not done */
	struct evpop_result failure; /* the first */
};

/*
 * Queue the commands, which carry the opening as their argument.  False
 * without memory.
 */
bool evpop_opening_ask(struct evpop_opening *, struct evpop_proto *,
    bool wants_tls, bool wants_capabilities) EVPOP_MUST_USE;

/*
 * The same with UTF8 (RFC 6856 section 2), ahead of the log-in: messages may
 * come as they are.  Who has not said so gets one with UTF-8 in its header as
 * another message, the original inside.  Without memory the session goes on.
 */
void evpop_opening_ask_utf8(struct evpop_opening *, struct evpop_proto *);

/* The server has greeted.  False without memory. */
bool evpop_opening_greeted(
    struct evpop_opening *, const struct evpop_event *) EVPOP_MUST_USE;

/*
 * One of the commands is done.  False where the server refuses TLS, so that
 * the connection is to be left for the failure.
 */
bool evpop_opening_done(
    struct evpop_opening *, const struct evpop_event *) EVPOP_MUST_USE;

/* The reason of the failure: its own, or else the end of the session. */
const struct evpop_result *evpop_opening_failure(
    const struct evpop_opening *, const struct evpop_result *end);

void evpop_opening_clear(struct evpop_opening *);

#endif
