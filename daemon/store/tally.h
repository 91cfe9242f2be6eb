/*
 * How often each digest was seen: a hash table that only grows.
 */
#ifndef STORE_TALLY_H
#define STORE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/digest.h"

struct store_tally_entry {
	unsigned char digest[STORE_DIGEST_SIZE];
	uint32_t count;
	bool used, owed;
};

/* Zeroed is empty. */
struct store_tally {
	struct store_tally_entry *entries;
	size_t room, count; /* room is 0 or a power of two */
};

/* The entry of a digest, made where missing; NULL without memory. */
struct store_tally_entry *store_tally_get(
    struct store_tally *, const unsigned char digest[STORE_DIGEST_SIZE])
    __attribute__((warn_unused_result));

void store_tally_free(struct store_tally *);

#endif
