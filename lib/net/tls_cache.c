#include <stdlib.h>
#include <string.h>

#include "lib/net/tls_cache.h"

struct evpop_tls_cached {
	TAILQ_ENTRY(evpop_tls_cached) entry;
	SSL_SESSION *session;
	char key[];
};

void
evpop_tls_cache_init(struct evpop_tls_cache *cache)
{
	TAILQ_INIT(&cache->sessions);
	cache->count = 0;
}

static void
drop(struct evpop_tls_cache *cache, struct evpop_tls_cached *cached)
{
	TAILQ_REMOVE(&cache->sessions, cached, entry);
	cache->count--;
	SSL_SESSION_free(cached->session);
	free(cached);
}

void
evpop_tls_cache_clear(struct evpop_tls_cache *cache)
{
	struct evpop_tls_cached *cached;

	while ((cached = TAILQ_FIRST(&cache->sessions)) != NULL)
		drop(cache, cached);
}

/* Make room for one more of this server: the oldest goes. */
static void
trim(struct evpop_tls_cache *cache, const char *key)
{
	struct evpop_tls_cached *cached, *oldest = NULL;
	size_t same = 0;

	TAILQ_FOREACH(cached, &cache->sessions, entry) {
		if (strcmp(cached->key, key) == 0) {
			oldest = cached;
			same++;
		}
	}
	if (same >= EVPOP_TLS_CACHE_PER_SERVER)
		drop(cache, oldest);
	else if (cache->count >= EVPOP_TLS_CACHE_SESSIONS)
		drop(
		    cache, TAILQ_LAST(&cache->sessions, evpop_tls_cached_list));
}

void
evpop_tls_cache_put(
    struct evpop_tls_cache *cache, const char *key, SSL_SESSION *session)
{
	struct evpop_tls_cached *cached;
	size_t size = strlen(key) + 1;

	cached = malloc(sizeof(*cached) + size);
	if (cached == NULL) {
		SSL_SESSION_free(session);
		return;
	}
	trim(cache, key);
	cached->session = session;
	memcpy(cached->key, key, size);
	TAILQ_INSERT_HEAD(&cache->sessions, cached, entry);
	cache->count++;
}

SSL_SESSION *
evpop_tls_cache_take(struct evpop_tls_cache *cache, const char *key)
{
	struct evpop_tls_cached *cached, *next;
	SSL_SESSION *session;

	for (cached = TAILQ_FIRST(&cache->sessions); cached != NULL;
	     cached = next) {
		next = TAILQ_NEXT(cached, entry);
		if (strcmp(cached->key, key) != 0)
			continue;
		if (!SSL_SESSION_is_resumable(cached->session)) {
			drop(cache, cached);
			continue;
		}
		session = cached->session;
		SSL_SESSION_up_ref(session);
		if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
			drop(cache, cached);
		return session;
	}
	return NULL;
}
