/*
 * TLS sessions to resume, by server.  A ticket of TLS 1.3 is given out once
 * (RFC 8446 appendix C.4); older sessions may be used again.
 */
#ifndef EVPOP_LIB_NET_TLS_CACHE_H
#define EVPOP_LIB_NET_TLS_CACHE_H

#include <sys/queue.h>

#include <openssl/ssl.h>

/*
 * Each holds a certificate chain, some 10 KB; so many sessions with one server
 * can be under way and resumed at their next turn, and so many in all.
 */
#define EVPOP_TLS_CACHE_PER_SERVER ((size_t)16)
#define EVPOP_TLS_CACHE_SESSIONS   ((size_t)1024)

struct evpop_tls_cached;

/* Newest first.  Zeroed it must be initialised. */
struct evpop_tls_cache {
	TAILQ_HEAD(evpop_tls_cached_list, evpop_tls_cached) sessions;
	size_t count;
};

void evpop_tls_cache_init(struct evpop_tls_cache *);
void evpop_tls_cache_clear(struct evpop_tls_cache *);

/* Keep a session, whose reference is taken; without memory it is dropped. */
void evpop_tls_cache_put(
    struct evpop_tls_cache *, const char *key, SSL_SESSION *);

/* A session with a reference for the caller, or NULL. */
SSL_SESSION *evpop_tls_cache_take(struct evpop_tls_cache *, const char *key);

#endif
