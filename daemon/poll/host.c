#include "daemon/poll/host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/hash.h"

#define FIRST_BUCKETS 64

static size_t
host_bucket(const struct host_table *table, const char *name)
{
	return (size_t)evpop_hash_name(name) & (table->bucket_count - 1);
}

static bool
host_table_grow(struct host_table *table)
{
	struct host_table larger = { .count = table->count };
	struct host *host;
	size_t i, bucket;

	larger.bucket_count =
	    table->bucket_count == 0 ? FIRST_BUCKETS : table->bucket_count * 2;
	larger.buckets = calloc(larger.bucket_count, sizeof(*larger.buckets));
	if (larger.buckets == NULL)
		return false;
	for (i = 0; i < table->bucket_count; i++) {
		while ((host = table->buckets[i]) != NULL) {
			table->buckets[i] = host->next;
			bucket = host_bucket(&larger, host->name);
			host->next = larger.buckets[bucket];
			larger.buckets[bucket] = host;
		}
	}
	free(table->buckets);
	*table = larger;
	return true;
}

struct host *
host_get(struct host_table *table, const char *name)
{
	struct host *host;
	size_t bucket, size;

	if (table->count >= table->bucket_count && !host_table_grow(table))
		return NULL;
	bucket = host_bucket(table, name);
	for (host = table->buckets[bucket]; host != NULL; host = host->next)
		if (strcasecmp(host->name, name) == 0)
			return host;
	size = strlen(name) + 1;
	host = calloc(1, sizeof *host + size);
	if (host == NULL)
		return NULL;
	memcpy(host->name, name, size);
	TAILQ_INIT(&host->wished);
	TAILQ_INIT(&host->due);
	host->next = table->buckets[bucket];
	table->buckets[bucket] = host;
	table->count++;
	return host;
}

void
host_enter(struct host *host)
{
	host->accounts++;
}

void
host_leave(struct host *host)
{
	assert(host->accounts > 0);
	host->accounts--;
}

void
host_table_each(const struct host_table *table,
    void (*visit)(struct host *, void *arg), void *arg)
{
	struct host *host;
	size_t i;

	for (i = 0; i < table->bucket_count; i++)
		for (host = table->buckets[i]; host != NULL; host = host->next)
			visit(host, arg);
}

void
host_table_sweep(struct host_table *table)
{
	struct host **at, *host;
	size_t i;

	for (i = 0; i < table->bucket_count; i++) {
		at = &table->buckets[i];
		while ((host = *at) != NULL) {
			/* The rate counts what it did a moment ago, too. */
			if (host->accounts > 0 || host->sessions > 0 ||
			    host->place != HOST_ASIDE) {
				at = &host->next;
				continue;
			}
			*at = host->next;
			free(host);
			table->count--;
		}
	}
}

void
host_table_clear(struct host_table *table)
{
	struct host *host;
	size_t i;

	for (i = 0; i < table->bucket_count; i++) {
		while ((host = table->buckets[i]) != NULL) {
			table->buckets[i] = host->next;
			free(host);
		}
	}
	free(table->buckets);
	memset(table, 0, sizeof *table);
}
