#include "daemon/poll/host.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIRST_BUCKETS 64

static size_t
bucket_of(const struct host_table *table, const char *name)
{
	uint64_t hash = 14695981039346656037u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned)tolower((unsigned char)*name)) *
		       1099511628211u;
	return (size_t)(hash & (table->bucket_count - 1));
}

static bool
grow(struct host_table *table)
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
			bucket = bucket_of(&larger, host->name);
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
	size_t bucket;

	if (table->count >= table->bucket_count && !grow(table))
		return NULL;
	bucket = bucket_of(table, name);
	for (host = table->buckets[bucket]; host != NULL; host = host->next)
		if (strcasecmp(host->name, name) == 0)
			return host;
	host = calloc(1, sizeof *host);
	if (host == NULL)
		return NULL;
	host->name = strdup(name);
	if (host->name == NULL) {
		free(host);
		return NULL;
	}
	host->next = table->buckets[bucket];
	table->buckets[bucket] = host;
	table->count++;
	return host;
}

void
host_table_clear(struct host_table *table)
{
	struct host *host;
	size_t i;

	for (i = 0; i < table->bucket_count; i++) {
		while ((host = table->buckets[i]) != NULL) {
			table->buckets[i] = host->next;
			free(host->name);
			free(host);
		}
	}
	free(table->buckets);
	memset(table, 0, sizeof *table);
}
