/*
 * One client under test, and a record of all that its callbacks were told: one
 * word for each, "name:error", so that a test states a whole session in a
 * line.
 */
#ifndef EVPOP_TESTS_UNIT_NET_RUN_H
#define EVPOP_TESTS_UNIT_NET_RUN_H

#include <event2/event.h>

#include <evpop/client.h>

/* Nothing in these tests takes so long, on however slow a machine. */
#define NET_PATIENCE_S 100

struct net_run {
	struct event_base *base;
	struct evpop_client *client;
	char log[16384];          /* "connect:none login:auth closed:io " */
	struct evpop_result last; /* that came with a word other than none */
	struct evpop_result login, closed_result;
	enum evpop_quit quit;
	bool closed;
	/* Bodies. */
	unsigned char *body;
	size_t body_length, body_room, spans;
	uint64_t claimed;
	size_t pause_every; /* octets; 0: never */
	size_t paused_at;   /* what body_length was */
	bool pause_at_begin;
	const bool *is_full; /* pause while this is set; or NULL */
	bool paused;
	bool ended; /* the last body, well or badly */
	/* Free the client in the callback that writes this word's name. */
	const char *free_in;
	/* Cancel it there. */
	const char *cancel_in;
};

extern const struct evpop_sink net_run_sink;

/* A client on the base, and the record of it; the config's host may be NULL
 * for 127.0.0.1. */
void net_run_start(struct net_run *, struct event_base *, struct evdns_base *,
    const struct evpop_client_config *);
/* Ask for it; the answer is recorded under the request's name. */
void net_run_connect(struct net_run *);
void net_run_login(struct net_run *);
void net_run_stat(struct net_run *);
void net_run_list(struct net_run *, uint32_t number);
void net_run_uidl(struct net_run *, uint32_t number);
void net_run_retr(struct net_run *, uint32_t number);
void net_run_top(struct net_run *, uint32_t number, uint32_t lines);
void net_run_dele(struct net_run *, uint32_t number);
void net_run_noop(struct net_run *);
void net_run_quit(struct net_run *);

/* Turn the loop until the flag is set, at most NET_PATIENCE_S. */
void net_run_until(struct net_run *, const bool *flag);
/* Turn the loop for a while. */
void net_run_for(struct net_run *, int milliseconds);
/* Frees the client, if it is still there, and what the record holds. */
void net_run_finish(struct net_run *);

#endif
