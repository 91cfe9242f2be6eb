#include "lib/auth/keys.h"

#include <sys/mman.h>
#include <sys/queue.h>

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUCKETS 1024 /* a power of two */

struct slot {
	LIST_ENTRY(slot) neighbour; /* in its bucket */
	TAILQ_ENTRY(slot) age;
	size_t key_size;
	unsigned char digest[EVPOP_SHA256_SIZE], key[EVPOP_KEY_MAX];
};
LIST_HEAD(bucket, slot);
TAILQ_HEAD(slots, slot);

struct evpop_keys {
	struct slot *memory; /* NULL before the first key */
	size_t size;         /* of it, in octets, whole pages */
	size_t locked;       /* octets at its front */
	size_t most, used;   /* slots */
	struct slots by_age; /* the least recently used first */
	struct bucket buckets[BUCKETS];
};

static size_t
keys_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

struct evpop_keys *
evpop_keys_new(size_t most)
{
	struct evpop_keys *keys;

	assert(most > 0 && most <= EVPOP_KEYS_MAX);
	keys = calloc(1, sizeof *keys);
	if (keys == NULL)
		return NULL;
	keys->most = most;
	TAILQ_INIT(&keys->by_age);
	return keys;
}

void
evpop_keys_free(struct evpop_keys *keys)
{
	if (keys == NULL)
		return;
	if (keys->memory != NULL) {
		explicit_bzero(keys->memory, keys->used * sizeof(struct slot));
		munmap((char *)keys->memory - keys_page(),
		    keys->size + 2 * keys_page());
	}
	free(keys);
}

/* A digest is as good as random. */
static struct bucket *
keys_bucket(struct evpop_keys *keys, const unsigned char *digest)
{
	uint32_t start;

	memcpy(&start, digest, sizeof start);
	return &keys->buckets[start & (BUCKETS - 1)];
}

static struct slot *
keys_search(struct evpop_keys *keys, const unsigned char *digest)
{
	struct slot *slot;

	LIST_FOREACH(slot, keys_bucket(keys, digest), neighbour)
		if (memcmp(slot->digest, digest, sizeof slot->digest) == 0)
			return slot;
	return NULL;
}

static void
keys_use(struct evpop_keys *keys, struct slot *slot)
{
	TAILQ_REMOVE(&keys->by_age, slot, age);
	TAILQ_INSERT_TAIL(&keys->by_age, slot, age);
}

bool
evpop_keys_find(struct evpop_keys *keys,
    const unsigned char digest[EVPOP_SHA256_SIZE], unsigned char *key_r,
    size_t key_size)
{
	struct slot *slot = keys_search(keys, digest);

	if (slot == NULL || slot->key_size != key_size)
		return false;
	keys_use(keys, slot);
	memcpy(key_r, slot->key, key_size);
	return true;
}

/* Between two pages that nobody can access. */
static bool
keys_map(struct evpop_keys *keys)
{
	const size_t page = keys_page();
	const size_t needed = keys->most * sizeof(struct slot);
	char *guard;

	keys->size = (needed + page - 1) / page * page;
	guard = mmap(NULL, keys->size + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (guard == MAP_FAILED)
		return false;
	if (mprotect(guard + page, keys->size, PROT_READ | PROT_WRITE) != 0) {
		munmap(guard, keys->size + 2 * page);
		return false;
	}
	/* It is secret even where the kernel can do no more for it. */
	(void)madvise(guard + page, keys->size, MADV_DONTDUMP);
	keys->memory = (struct slot *)(void *)(guard + page);
	return true;
}

/* Page by page as they come into use: the limit is small on many systems. */
static void
keys_lock(struct evpop_keys *keys)
{
	const size_t page = keys_page();

	while (keys->locked < keys->used * sizeof(struct slot)) {
		(void)mlock((char *)keys->memory + keys->locked, page);
		keys->locked += page;
	}
}

static struct slot *
keys_take_slot(struct evpop_keys *keys)
{
	struct slot *slot;

	if (keys->used == keys->most) {
		slot = TAILQ_FIRST(&keys->by_age);
		TAILQ_REMOVE(&keys->by_age, slot, age);
		LIST_REMOVE(slot, neighbour);
		explicit_bzero(slot, sizeof *slot);
		return slot;
	}
	if (keys->memory == NULL && !keys_map(keys))
		return NULL;
	slot = &keys->memory[keys->used++];
	keys_lock(keys);
	return slot;
}

void
evpop_keys_put(struct evpop_keys *keys,
    const unsigned char digest[EVPOP_SHA256_SIZE], const unsigned char *key,
    size_t key_size)
{
	struct slot *slot = keys_search(keys, digest);

	assert(key_size <= sizeof slot->key);
	if (slot != NULL) {
		keys_use(keys, slot);
		return;
	}
	slot = keys_take_slot(keys);
	if (slot == NULL)
		return;
	slot->key_size = key_size;
	memcpy(slot->digest, digest, sizeof slot->digest);
	memcpy(slot->key, key, key_size);
	LIST_INSERT_HEAD(keys_bucket(keys, digest), slot, neighbour);
	TAILQ_INSERT_TAIL(&keys->by_age, slot, age);
}
