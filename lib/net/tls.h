/*
 * TLS on a connected descriptor: handshake, verification, reading and writing,
 * none of which blocks.  The caller owns the descriptor and its events; what
 * may be read has been verified.
 */
#ifndef EVPOP_LIB_NET_TLS_H
#define EVPOP_LIB_NET_TLS_H

#include <event2/util.h>

#include <evpop/client.h>

#include "lib/auth/exchange.h"
#include "lib/net/io.h"

struct evpop_tls_channel;

/*
 * What is spoken within, by its name of ALPN (RFC 7301), so that a server of
 * something else is not taken for this one; NULL: it has no name there.  A new
 * context offers "pop3".  The name is borrowed; false without memory.
 */
bool evpop_tls_context_speak(
    struct evpop_tls_context *, const char *protocol) EVPOP_MUST_USE;

/*
 * A channel to `host`, as its certificate must name it; or NULL and the
 * reason.  Takes a reference on the context.
 */
struct evpop_tls_channel *evpop_tls_new(struct evpop_tls_context *,
    evutil_socket_t, const char *host, uint16_t port,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* A step of the handshake; EVPOP_IO_END is reported as EVPOP_IO_FAILED. */
enum evpop_io evpop_tls_handshake(
    struct evpop_tls_channel *, struct evpop_result *result_r) EVPOP_MUST_USE;

/*
 * After a handshake that failed: whether the server ended it when it was to go
 * on with an earlier session.  The next one begins anew.
 */
bool evpop_tls_resumption_failed(const struct evpop_tls_channel *);

/*
 * Read or write; on EVPOP_IO_DONE *length_r octets were moved, at least one.
 * After WANT_READ or WANT_WRITE a write is to be repeated with data that
 * begins with the same octets.
 */
enum evpop_io evpop_tls_read(struct evpop_tls_channel *, unsigned char *,
    size_t size, size_t *length_r,
    struct evpop_result *result_r) EVPOP_MUST_USE;
enum evpop_io evpop_tls_write(struct evpop_tls_channel *, const unsigned char *,
    size_t length, size_t *length_r,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* Room for a protocol's and a cipher's name. */
#define EVPOP_TLS_NAME 64
/*
 * "TLSv1.3 TLS_AES_256_GCM_SHA384", and when the peer's certificate expires:
 * Unix time; 0: it has none.
 */
void evpop_tls_describe(const struct evpop_tls_channel *,
    char name_r[EVPOP_TLS_NAME], int64_t *expires_r);

/*
 * The channel's data to bind a log-in to (RFC 9266, RFC 5929); none if it is
 * NULL.  Borrowed from the channel.
 */
void evpop_tls_binding(struct evpop_tls_channel *, struct evpop_channel *);

/* Whether the context has a certificate to show. */
bool evpop_tls_context_shows_certificate(const struct evpop_tls_context *);

/*
 * Whether a server that should begin in clear text speaks TLS, by the first
 * octets that it sends: an alert, since nobody shook hands with it.
 */
bool evpop_tls_is_record(const unsigned char *, size_t length);

/* Sends close_notify if that is possible at once; frees; sets to NULL. */
void evpop_tls_free(struct evpop_tls_channel **);

#endif
