/*
 * A program for the NetX POP3 client, as far as every test has one: a pool, an
 * IP instance, a client, and the server of net_server.h on a thread of its own.
 * What the client receives can be cut anywhere.
 */
#ifndef EVPOP_TESTS_UNIT_TEST_NETX_RUN_H
#define EVPOP_TESTS_UNIT_TEST_NETX_RUN_H

#include <stdbool.h>

#include <evpop-netx/nxd_pop3_client.h>

#include "tests/unit/test_session_easy_run.h"

#define NETX_PACKETS 4

/* Small, so that messages take several packets. */
#define NETX_PAYLOAD 16

struct netx_run {
	struct easy_server server;
	NX_PACKET_POOL pool;
	NX_IP ip;
	NX_POP3_CLIENT client;
	unsigned char memory[NETX_PACKETS * (sizeof(NX_PACKET) + NETX_PAYLOAD)];
	/* The last message that netx_read() read. */
	char body[65536];
	size_t length;
	/* How the client receives: at most `piece` octets at a time, or 0; and
	 * not beyond `cut` octets with what lies before it, or 0. */
	size_t piece, cut;
	_Atomic size_t received;
};

/* Two messages, of 47 octets together. */
extern const struct net_message netx_messages[2];

/* A server's options: these two messages, and rules. */
struct net_server_options netx_with_rules(
    const struct net_rule *, size_t rule_count);

/* A server, a pool of NETX_PACKETS with NETX_PAYLOAD, and an instance. */
void netx_start(struct netx_run *, const struct net_server_options *);
/* Deletes the client, checks that the pool has all its packets, stops. */
void netx_finish(struct netx_run *);

/* nx_pop3_client_create() by the harness' own options, which are patient. */
UINT netx_create(struct netx_run *, UINT apop);
/* The same, which must succeed. */
void netx_open(struct netx_run *);

/* Read the message that was begun, packet by packet, into `body`. */
UINT netx_read(struct netx_run *);

/*
 * Count, size, read and delete the first message, as a program does in turn;
 * the first status that is no success.
 */
UINT netx_take_first(struct netx_run *);

/* That the body is this text. */
void netx_check_body(const struct netx_run *, const char *text);

/* What the server was told; it is stopped for that. */
void netx_check_log(struct netx_run *, const char *log);

#endif
