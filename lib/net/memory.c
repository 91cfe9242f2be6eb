#include "lib/net/memory.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

/* A power of two.  Few programs know more servers than this well. */
#define BUCKETS 1024

struct entry {
	struct evpop_facts facts; /* the first: what is found by it is this */
	struct entry *next;
	char *host;
	uint16_t port;
	enum evpop_tls tls;
};

struct evpop_memory {
	struct entry *buckets[BUCKETS];
	struct evpop_facts_list changed; /* since they were last given out */
	struct evpop_keys *keys;         /* NULL: none was needed yet */
};

struct evpop_memory *
evpop_memory_new(void)
{
	struct evpop_memory *memory = calloc(1, sizeof *memory);

	if (memory != NULL)
		STAILQ_INIT(&memory->changed);
	return memory;
}

static void
memory_entry_free(struct entry *entry)
{
	if (entry != NULL)
		free(entry->host);
	free(entry);
}

void
evpop_memory_free(struct evpop_memory *memory)
{
	struct entry *entry;
	size_t i;

	if (memory == NULL)
		return;
	for (i = 0; i < BUCKETS; i++) {
		while ((entry = memory->buckets[i]) != NULL) {
			memory->buckets[i] = entry->next;
			memory_entry_free(entry);
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

static size_t
memory_bucket(const char *host, uint16_t port)
{
	return (size_t)(evpop_hash_name(host) ^ port) & (BUCKETS - 1);
}

static struct entry *
memory_entry_new(const char *host, uint16_t port, enum evpop_tls tls)
{
	struct entry *entry;

	entry = calloc(1, sizeof *entry);
	if (entry == NULL)
		return NULL;
	entry->host = strdup(host);
	entry->port = port;
	entry->tls = tls;
	if (entry->host != NULL)
		return entry;
	free(entry);
	return NULL;
}

/* The entry of a server, made where missing; NULL without memory. */
static struct entry *
memory_entry(struct evpop_memory *memory, const char *host, uint16_t port,
    enum evpop_tls tls)
{
	struct entry **bucket = &memory->buckets[memory_bucket(host, port)];
	struct entry *entry;

	for (entry = *bucket; entry != NULL; entry = entry->next) {
		if (entry->port == port && entry->tls == tls &&
		    strcasecmp(entry->host, host) == 0)
			return entry;
	}
	entry = memory_entry_new(host, port, tls);
	if (entry == NULL)
		return NULL;
	entry->facts.changed = &memory->changed;
	entry->next = *bucket;
	*bucket = entry;
	return entry;
}

struct evpop_facts *
evpop_memory_facts(struct evpop_memory *memory, const char *host, uint16_t port,
    enum evpop_tls tls)
{
	struct entry *entry = memory_entry(memory, host, port, tls);

	return entry != NULL ? &entry->facts : NULL;
}

bool
evpop_memory_restore(
    struct evpop_memory *memory, const struct evpop_memory_entry *kept)
{
	struct entry *entry;
	char *text;

	text = strdup(kept->facts);
	entry = memory_entry(memory, kept->host, kept->port, kept->tls);
	if (text != NULL && entry != NULL)
		evpop_facts_read(&entry->facts, text);
	free(text);
	return text != NULL && entry != NULL;
}

void
evpop_memory_changed(
    struct evpop_memory *memory, evpop_memory_cb callback, void *arg)
{
	struct evpop_memory_entry told;
	struct evpop_facts *facts;
	const struct entry *entry;
	char text[EVPOP_FACTS_TEXT];

	while ((facts = STAILQ_FIRST(&memory->changed)) != NULL) {
		STAILQ_REMOVE_HEAD(&memory->changed, changed_entry);
		facts->is_changed = false;
		evpop_facts_write(facts, text);
		entry = (const struct entry *)facts;
		told = (struct evpop_memory_entry){
			.host = entry->host,
			.port = entry->port,
			.tls = entry->tls,
			.facts = text,
		};
		callback(&told, arg);
	}
}
