/*
 * What is remembered of servers from one session to the next, so that it need
 * not be asked again: capabilities, and what a server turned out not to take.
 */
#ifndef EVPOP_LIB_NET_MEMORY_H
#define EVPOP_LIB_NET_MEMORY_H

#include <evpop/client.h>

#include "lib/auth/keys.h"

/* Of one server, by host, port and protection. */
struct evpop_remembered {
	struct evpop_remembered *next;
	char *key;
	struct evpop_capabilities before, after; /* the log-in */
	/*
	 * Sessions in which commands went out behind the log-in, without
	 * waiting for its reply, and all were answered.
	 */
	unsigned int flights;
	bool no_pipelining; /* advertised, but it lost replies */
	bool no_flight;     /* nothing may go out behind a log-in */
	bool no_top;        /* a TOP was the end of a session */
	unsigned int initial_works, initial_refused; /* mechanisms */
};

/* The keys derived for log-ins, of all accounts; NULL without memory. */
struct evpop_keys *evpop_memory_keys(struct evpop_memory *);

/* The entry of a server, made where missing; NULL without memory. */
struct evpop_remembered *evpop_memory_get(struct evpop_memory *,
    const char *host, uint16_t port, enum evpop_tls) EVPOP_MUST_USE;

/* Forget what a server said; what it turned out not to take stays. */
void evpop_remembered_doubt(struct evpop_remembered *);

#endif
