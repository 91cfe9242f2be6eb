/*
 * The descriptor beneath TLS, as a BIO.  OpenSSL's own raises SIGPIPE, and a
 * library must not end a program because a server hung up; and it reads for as
 * long as there is anything, while others wait.
 */
#ifndef EVPOP_LIB_NET_TLS_SOCKET_H
#define EVPOP_LIB_NET_TLS_SOCKET_H

#include <event2/util.h>
#include <openssl/bio.h>

#include "lib/net/tls_failure.h"

struct evpop_tls_socket {
	evutil_socket_t fd;
	unsigned int reads;         /* since evpop_tls_socket_begin() */
	struct evpop_tls_seen seen; /* the server's first octets, and more */
};

/* The method of a BIO whose data is a struct evpop_tls_socket. */
BIO_METHOD *evpop_tls_socket_method(void);

/*
 * OpenSSL is about to be called.  Behind some reads it is told to come again,
 * in the loop's next turn: the descriptor is still readable then.
 */
void evpop_tls_socket_begin(struct evpop_tls_socket *);

/*
 * Take the rest of what is no TLS: some versions of OpenSSL read no more of it
 * than a record's header.
 */
void evpop_tls_socket_note_rest(struct evpop_tls_socket *);

#endif
