/*
 * One client's connection: the socket, TLS, the delay that stands for a
 * network's round trip, and the pace at which its session may answer.
 */

#ifndef MAILDROPD_CONNECTION_H
#define MAILDROPD_CONNECTION_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <event2/util.h>

#include <openssl/ssl.h>

#include "session.h"

struct connection;

/* What all connections share, and what they count together. */
struct server {
	struct event_base *base;
	SSL_CTX *tls; /* or NULL */
	struct session_settings sessions;
	LIST_HEAD(, connection) connections;
	int64_t delay_us;
	size_t octets_per_second; /* to each client; 0: no such bound */
	/* Messages sent after which nothing is answered; 0: no such bound. */
	uint64_t hold_after;
	uint64_t connection_count;
	uint64_t open_count;
	uint64_t open_peak;
	uint64_t bytes_in; /* on the wire */
	uint64_t bytes_out;
	/* Commands that came when everything before them was answered. */
	uint64_t round_trips;
	uint64_t tls_handshakes;
	uint64_t tls_resumed;
	uint64_t tls_failures;
};

/*
 * Serves an accepted, non-blocking socket, which the connection closes in the
 * end.  With TLS the handshake comes first.
 */
void connection_start(struct server *, evutil_socket_t fd, bool tls);

/* Answers again, for good, where hold_after has kept it from answering. */
void connections_release(struct server *);

/* Closes every connection at once. */
void connections_close(struct server *);

#endif
