/*
 * A POP3 server on loopback and on the event_base of the test.  It serves a
 * small maildrop as a well-behaved server would, but for what the rules of the
 * test say.
 */
#ifndef EVPOP_TESTS_UNIT_NET_SERVER_H
#define EVPOP_TESTS_UNIT_NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>
#include <openssl/ssl.h>

enum net_then {
	NET_GO_ON = 0,
	NET_CLOSE, /* once all is written */
	NET_RESET, /* likewise, but with RST */
	NET_TLS,   /* begin a handshake */
	NET_HALT,  /* say no more, whatever comes */
	NET_DEAF   /* read no more, either */
};

/* Answer to a command line, instead of what the server would say. */
struct net_rule {
	const char *command; /* the whole line, or "" for the connection */
	const char *reply;   /* octets as they are, or NULL for none */
	enum net_then then;
};

struct net_message {
	const char *octets; /* as sent, but not stuffed */
	size_t length;
};

struct net_server_options {
	SSL_CTX *tls;    /* implicit, or what STLS begins */
	bool stls;       /* offered, instead of implicit */
	bool pipelining; /* offered */
	bool no_capa;    /* -ERR */
	const struct net_rule *rules;
	size_t rule_count;
	const struct net_message *messages;
	size_t message_count;
	/* QUIT deletes what was marked; the others get new numbers. */
	bool deletes;
};

/* Of a server that deletes. */
#define NET_DELETES_MAX 1024

struct net_server {
	struct event_base *base;
	struct evconnlistener *listener;
	struct net_server_options options;
	uint16_t port;
	size_t accepted, open, resumed, flights;
	bool deleted[NET_DELETES_MAX];
	char log[65536]; /* commands received, each with a ';' behind */
	struct net_connection *connections;
};

/* On 127.0.0.1, or the loopback address given, and a free port or this one. */
void net_server_start(struct net_server *, struct event_base *,
    const struct net_server_options *, const char *address, uint16_t port);
/* Closes all connections. */
void net_server_stop(struct net_server *);

/* Say this, unasked, on every connection that was told to halt. */
void net_server_say(struct net_server *, const char *text);

/* On every connection that is deaf, read up to so many octets and drop them. */
void net_server_skip(struct net_server *, size_t octets);

/* Octets that wait for clients to read them. */
size_t net_server_waiting(const struct net_server *);

#endif
