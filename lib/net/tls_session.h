/*
 * TLS sessions to resume, by server.  A ticket of TLS 1.3 is given out once
 * (RFC 8446 appendix C.4); older sessions may be used again.
 */
#ifndef EVPOP_LIB_NET_TLS_SESSION_H
#define EVPOP_LIB_NET_TLS_SESSION_H

#include <openssl/ssl.h>

#include <evpop/error.h>

/*
 * Each holds a certificate chain, some 10 KB; so many sessions with one server
 * can be under way and resumed at their next turn, and so many in all.
 */
#define EVPOP_TLS_SESSIONS_PER_SERVER ((size_t)16)
#define EVPOP_TLS_SESSIONS            ((size_t)1024)

struct evpop_tls_sessions;

/* None kept yet; NULL without memory. */
struct evpop_tls_sessions *evpop_tls_sessions_new(void) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_tls_sessions_free(struct evpop_tls_sessions *);

/* Keep a session, whose reference is taken; without memory it is dropped. */
void evpop_tls_sessions_put(
    struct evpop_tls_sessions *, const char *key, SSL_SESSION *);

/*
 * The server takes up no session again, as some do not that ask for the
 * client's certificate: what was kept of it goes, and none is kept any more.
 */
void evpop_tls_sessions_refuse(struct evpop_tls_sessions *, const char *key);

/* A session with a reference for the caller, or NULL. */
SSL_SESSION *evpop_tls_sessions_take(
    struct evpop_tls_sessions *, const char *key);

#endif
