/*
 * A proxy on loopback and on the event_base of the test: SOCKS 5 or HTTP
 * CONNECT, relaying to one server whatever it is asked for, or refusing as the
 * test says.
 */
#ifndef EVPOP_TESTS_UNIT_NET_PROXY_H
#define EVPOP_TESTS_UNIT_NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "lib/net/proxy.h"

struct net_proxy_options {
	enum evpop_proxy_kind kind;
	const char *user, *password; /* NULL: none is wanted */
	unsigned int refuse;         /* reply of SOCKS, status of HTTP */
	bool mute;     /* take the connection, and never say anything */
	bool hang_up;  /* close instead of answering the request */
	bool trickle;  /* answer octet by octet */
	bool together; /* success and what the server says first at once */
};

struct net_proxy {
	struct event_base *base;
	struct evconnlistener *listener;
	struct net_proxy_options options;
	uint16_t port, server_port;
	size_t accepted, open, refused_logins;
	char asked[300]; /* "4 127.0.0.1 995", "name pop.test 995" */
	struct net_proxied *connections;
};

/* On 127.0.0.1, in front of a server there. */
void net_proxy_start(struct net_proxy *, struct event_base *,
    const struct net_proxy_options *, uint16_t server_port);
/* Closes all connections. */
void net_proxy_stop(struct net_proxy *);

#endif
