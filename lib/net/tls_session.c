#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "lib/net/tls_session.h"

struct kept {
	TAILQ_ENTRY(kept) entry;
	SSL_SESSION *session; /* NULL: the server takes up none again */
	char key[];
};

/* Newest first. */
struct evpop_tls_sessions {
	TAILQ_HEAD(kept_list, kept) list;
	size_t count;
};

struct evpop_tls_sessions *
evpop_tls_sessions_new(void)
{
	struct evpop_tls_sessions *sessions = calloc(1, sizeof(*sessions));

	if (sessions != NULL)
		TAILQ_INIT(&sessions->list);
	return sessions;
}

static void
sessions_drop(struct evpop_tls_sessions *sessions, struct kept *kept)
{
	TAILQ_REMOVE(&sessions->list, kept, entry);
	sessions->count--;
	SSL_SESSION_free(kept->session);
	free(kept);
}

void
evpop_tls_sessions_free(struct evpop_tls_sessions *sessions)
{
	struct kept *kept;

	if (sessions == NULL)
		return;
	while ((kept = TAILQ_FIRST(&sessions->list)) != NULL)
		sessions_drop(sessions, kept);
	free(sessions);
}

/* Make room for one more of this server: the oldest goes. */
static void
sessions_trim(struct evpop_tls_sessions *sessions, const char *key)
{
	struct kept *kept, *oldest = NULL;
	size_t same = 0;

	TAILQ_FOREACH(kept, &sessions->list, entry) {
		if (strcmp(kept->key, key) == 0) {
			oldest = kept;
			same++;
		}
	}
	if (same >= EVPOP_TLS_SESSIONS_PER_SERVER)
		sessions_drop(sessions, oldest);
	else if (sessions->count >= EVPOP_TLS_SESSIONS)
		sessions_drop(sessions, TAILQ_LAST(&sessions->list, kept_list));
}

/* Takes the reference. */
static void
sessions_keep(
    struct evpop_tls_sessions *sessions, const char *key, SSL_SESSION *session)
{
	size_t size = strlen(key) + 1;
	struct kept *kept;

	kept = malloc(sizeof(*kept) + size);
	if (kept == NULL) {
		SSL_SESSION_free(session);
		return;
	}
	sessions_trim(sessions, key);
	kept->session = session;
	memcpy(kept->key, key, size);
	TAILQ_INSERT_HEAD(&sessions->list, kept, entry);
	sessions->count++;
}

static struct kept *
sessions_find(struct evpop_tls_sessions *sessions, const char *key)
{
	struct kept *kept;

	TAILQ_FOREACH(kept, &sessions->list, entry)
		if (strcmp(kept->key, key) == 0)
			break;
	return kept;
}

void
evpop_tls_sessions_put(
    struct evpop_tls_sessions *sessions, const char *key, SSL_SESSION *session)
{
	struct kept *kept = sessions_find(sessions, key);

	if (kept != NULL && kept->session == NULL)
		SSL_SESSION_free(session);
	else
		sessions_keep(sessions, key, session);
}

void
evpop_tls_sessions_refuse(struct evpop_tls_sessions *sessions, const char *key)
{
	struct kept *kept;

	while ((kept = sessions_find(sessions, key)) != NULL)
		sessions_drop(sessions, kept);
	sessions_keep(sessions, key, NULL);
}

SSL_SESSION *
evpop_tls_sessions_take(struct evpop_tls_sessions *sessions, const char *key)
{
	struct kept *kept, *next;
	SSL_SESSION *session;

	for (kept = TAILQ_FIRST(&sessions->list); kept != NULL; kept = next) {
		next = TAILQ_NEXT(kept, entry);
		if (strcmp(kept->key, key) != 0)
			continue;
		if (kept->session == NULL)
			return NULL;
		if (!SSL_SESSION_is_resumable(kept->session)) {
			sessions_drop(sessions, kept);
			continue;
		}
		session = kept->session;
		SSL_SESSION_up_ref(session);
		if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
			sessions_drop(sessions, kept);
		return session;
	}
	return NULL;
}
