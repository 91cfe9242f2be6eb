#include "lib/net/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A power of two.  Few programs know more servers than this well. */
#define BUCKETS 1024

struct evpop_memory {
	struct evpop_remembered *buckets[BUCKETS];
	struct evpop_keys *keys; /* NULL: none was needed yet */
};

struct evpop_memory *
evpop_memory_new(void)
{
	return calloc(1, sizeof(struct evpop_memory));
}

void
evpop_memory_free(struct evpop_memory *memory)
{
	struct evpop_remembered *server;
	size_t i;

	if (memory == NULL)
		return;
	for (i = 0; i < BUCKETS; i++) {
		while ((server = memory->buckets[i]) != NULL) {
			memory->buckets[i] = server->next;
			free(server->key);
			free(server);
		}
	}
	evpop_keys_free(memory->keys);
	free(memory);
}

struct evpop_keys *
evpop_memory_keys(struct evpop_memory *memory)
{
	if (memory->keys == NULL)
		memory->keys = evpop_keys_new(EVPOP_KEYS_MAX);
	return memory->keys;
}

void
evpop_memory_changed(
    struct evpop_memory *memory, evpop_memory_cb callback, void *arg)
{
	(void)memory;
	(void)callback;
	(void)arg;
}

bool
evpop_memory_restore(
    struct evpop_memory *memory, const struct evpop_memory_entry *entry)
{
	(void)memory;
	(void)entry;
	return true;
}

/* FNV-1a; a person names the servers, so nobody makes them collide. */
static size_t
bucket_of(const char *key)
{
	uint32_t hash = 2166136261u;

	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * 16777619u;
	return hash & (BUCKETS - 1);
}

static char *
make_key(const char *host, uint16_t port, enum evpop_tls tls)
{
	char *key, *at;

	if (asprintf(&key, "%d:%u:%s", (int)tls, (unsigned int)port, host) ==
	    -1)
		return NULL;
	for (at = key; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	return key;
}

struct evpop_remembered *
evpop_memory_get(struct evpop_memory *memory, const char *host, uint16_t port,
    enum evpop_tls tls)
{
	struct evpop_remembered *server;
	size_t bucket;
	char *key;

	key = make_key(host, port, tls);
	if (key == NULL)
		return NULL;
	bucket = bucket_of(key);
	for (server = memory->buckets[bucket]; server != NULL;
	     server = server->next) {
		if (strcmp(server->key, key) == 0) {
			free(key);
			return server;
		}
	}
	server = calloc(1, sizeof *server);
	if (server == NULL) {
		free(key);
		return NULL;
	}
	server->key = key;
	server->next = memory->buckets[bucket];
	memory->buckets[bucket] = server;
	return server;
}

void
evpop_remembered_doubt(struct evpop_remembered *server)
{
	memset(&server->before, 0, sizeof server->before);
	memset(&server->after, 0, sizeof server->after);
	server->flights = 0;
}
