/*
 * A server for blocking clients: that of net_server.h, on a loop and a thread
 * of its own.
 */
#ifndef EVPOP_TESTS_UNIT_TEST_SESSION_EASY_RUN_H
#define EVPOP_TESTS_UNIT_TEST_SESSION_EASY_RUN_H

#include <pthread.h>

#include <evpop/easy.h>

#include "tests/unit/net_server.h"

struct easy_server {
	struct net_server server; /* its log is to be read once it stopped */
	struct event_base *base;
	struct event *told;
	pthread_t thread;
	int channel[2];
};

#define assert_ok(call) assert_int_equal(call, EVPOP_ERROR_NONE)

/* Serve on 127.0.0.1, on the port server.server.port. */
void easy_server_start(struct easy_server *, const struct net_server_options *);
void easy_server_stop(struct easy_server *);

/* A client for it without TLS; the configuration may be NULL. */
struct evpop_easy *easy_make(
    const struct easy_server *, const struct evpop_client_config *);

/* The same, connected and logged in. */
struct evpop_easy *easy_begin(
    const struct easy_server *, const struct evpop_client_config *);

/* A server, and such a client of it. */
struct evpop_easy *easy_serve(struct easy_server *,
    const struct net_server_options *, const struct evpop_client_config *);
/* Frees the one and stops the other. */
void easy_end(struct evpop_easy *, struct easy_server *);

#endif
