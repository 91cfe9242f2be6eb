/* Sessions are counted for each server host, so that none gets too many. */
#ifndef POLL_HOST_H
#define POLL_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host {
	char *name;
	uint32_t sessions; /* open now */
	struct host *next; /* in its bucket */
};

/* Zeroed, it is empty. */
struct host_table {
	struct host **buckets;
	size_t bucket_count, count;
};

/* The host of that name, letters of any case, made where missing; NULL: memory.
 */
struct host *host_get(struct host_table *, const char *name)
    __attribute__((warn_unused_result));

void host_table_clear(struct host_table *);

#endif
