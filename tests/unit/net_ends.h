/*
 * What tests of whole sessions set up once for all of them: a loop and, for
 * those that need it, TLS at both ends.
 */
#ifndef EVPOP_TESTS_UNIT_NET_ENDS_H
#define EVPOP_TESTS_UNIT_NET_ENDS_H

#include <event2/event.h>
#include <openssl/ssl.h>

#include <evpop/client.h>

struct net_ends {
	struct event_base *base;
	SSL_CTX *server_tls;
	/* Trusts the server's key, by its pin. */
	struct evpop_tls_context *client_tls;
};

/* Between set-up and tear-down. */
extern struct net_ends net_ends;

/* For cmocka's groups: a loop alone, or TLS with it. */
int net_ends_set_up_loop(void **state);
int net_ends_set_up(void **state);
int net_ends_tear_down(void **state);

#endif
