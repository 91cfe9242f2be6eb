#include "lib/base/guarded.h"

#include <sys/mman.h>
#include <sys/queue.h>

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address))
#endif

/* Pieces begin at multiples of this. */
#define GRANULE ((size_t)32)
/* So much can be locked even where the limit is that of old systems. */
#define REGION_SIZE ((size_t)64 * 1024)
#define GRANULES    (REGION_SIZE / GRANULE)
#define WORD_BITS   64
#define WORDS       (GRANULES / WORD_BITS)
/* A larger piece has a region of its own. */
#define PIECE_MOST (REGION_SIZE / 2)

/*
 * Pages for secrets, and which granules of them are taken.  What is known of
 * them lies elsewhere: an overflow of a secret ends at a guard page, and never
 * changes it.
 */
struct region {
	LIST_ENTRY(region) entry;
	unsigned char *data; /* a guard page before it, and one behind */
	size_t size;
	bool is_locked;
	bool is_whole;         /* one piece has all of it */
	size_t used;           /* granules */
	size_t low;            /* no granule before this one is free */
	uint64_t taken[WORDS]; /* a bit for each granule */
	uint64_t first[WORDS]; /* those that a piece begins with */
};
LIST_HEAD(regions, region);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct regions regions = LIST_HEAD_INITIALIZER(regions);
static struct region *spare; /* one that is empty is kept */
static struct evpop_guarded_status status;

/* ---- regions ---- */

static size_t
region_page(void)
{
	static size_t page;

	if (page == 0)
		page = (size_t)sysconf(_SC_PAGESIZE);
	return page;
}

static bool
region_map(struct region *region)
{
	const size_t page = region_page();
	unsigned char *all;

	all = mmap(NULL, region->size + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return false;
	region->data = all + page;
	if (mprotect(region->data, region->size, PROT_READ | PROT_WRITE) != 0) {
		munmap(all, region->size + 2 * page);
		return false;
	}
	/* It is secret even where the kernel can do no more for it. */
	(void)madvise(region->data, region->size, MADV_DONTDUMP);
	region->is_locked = mlock(region->data, region->size) == 0;
	return true;
}

static struct region *
region_new(size_t size)
{
	struct region *region = calloc(1, sizeof *region);

	if (region == NULL)
		return NULL;
	region->size = (size + region_page() - 1) & ~(region_page() - 1);
	if (!region_map(region)) {
		free(region);
		return NULL;
	}
	LIST_INSERT_HEAD(&regions, region, entry);
	status.held += region->size;
	if (!region->is_locked)
		status.unlocked += region->size;
	if (status.unlocked > status.unlocked_most)
		status.unlocked_most = status.unlocked;
	ASAN_POISON_MEMORY_REGION(region->data, region->size);
	return region;
}

static void
region_free(struct region *region)
{
	const size_t page = region_page();

	LIST_REMOVE(region, entry);
	status.held -= region->size;
	if (!region->is_locked)
		status.unlocked -= region->size;
	ASAN_UNPOISON_MEMORY_REGION(region->data, region->size);
	munmap(region->data - page, region->size + 2 * page);
	free(region);
}

static struct region *
region_find(const unsigned char *bytes)
{
	struct region *region;

	LIST_FOREACH(region, &regions, entry)
		if (bytes >= region->data &&
		    bytes < region->data + region->size)
			return region;
	return NULL;
}

/* ---- granules of a region ---- */

static bool
bit_is_set(const uint64_t *words, size_t i)
{
	return (words[i / WORD_BITS] >> (i % WORD_BITS) & 1) != 0;
}

static void
bit_set(uint64_t *words, size_t i, bool value)
{
	const uint64_t bit = UINT64_C(1) << (i % WORD_BITS);

	if (value)
		words[i / WORD_BITS] |= bit;
	else
		words[i / WORD_BITS] &= ~bit;
}

/* The first granule from `i` on that is taken, or free; or GRANULES. */
static size_t
granules_next(const struct region *region, size_t i, bool is_taken)
{
	uint64_t word;

	while (i < GRANULES) {
		word = region->taken[i / WORD_BITS];
		word = (is_taken ? word : ~word) >> (i % WORD_BITS);
		if (word != 0)
			return i + (size_t)__builtin_ctzll(word);
		i += WORD_BITS - i % WORD_BITS;
	}
	return GRANULES;
}

/* The first of so many free ones in a row; GRANULES where there are none. */
static size_t
granules_find(const struct region *region, size_t count)
{
	size_t at = granules_next(region, region->low, false), end;

	while (at < GRANULES) {
		end = granules_next(region, at, true);
		if (end - at >= count)
			return at;
		at = granules_next(region, end, false);
	}
	return GRANULES;
}

static unsigned char *
granules_take(struct region *region, size_t count)
{
	size_t i, at;

	if (region->is_whole || GRANULES - region->used < count)
		return NULL;
	at = granules_find(region, count);
	if (at == GRANULES)
		return NULL;
	for (i = at; i < at + count; i++)
		bit_set(region->taken, i, true);
	bit_set(region->first, at, true);
	if (at == region->low)
		region->low += count;
	region->used += count;
	status.used += count * GRANULE;
	return region->data + at * GRANULE;
}

/* Returns how many octets the piece had. */
static size_t
granules_give(struct region *region, const unsigned char *bytes)
{
	const size_t at = (size_t)(bytes - region->data) / GRANULE;
	size_t i = at;

	assert(region->data + at * GRANULE == bytes);
	assert(bit_is_set(region->first, at));
	bit_set(region->first, at, false);
	do
		bit_set(region->taken, i++, false);
	while (i < GRANULES && bit_is_set(region->taken, i) &&
	       !bit_is_set(region->first, i));
	if (at < region->low)
		region->low = at;
	region->used -= i - at;
	return (i - at) * GRANULE;
}

/* ---- pieces ---- */

static unsigned char *
piece_take_whole(size_t size)
{
	struct region *region;

	if (size > SIZE_MAX / 2)
		return NULL;
	region = region_new(size);
	if (region == NULL)
		return NULL;
	region->is_whole = true;
	status.used += region->size;
	return region->data;
}

static unsigned char *
piece_take(size_t size)
{
	const size_t count = size == 0 ? 1 : (size + GRANULE - 1) / GRANULE;
	struct region *region;
	unsigned char *bytes;

	if (size > PIECE_MOST)
		return piece_take_whole(size);
	LIST_FOREACH(region, &regions, entry) {
		bytes = granules_take(region, count);
		if (bytes != NULL)
			break;
	}
	if (region == NULL) {
		region = region_new(REGION_SIZE);
		if (region == NULL)
			return NULL;
		bytes = granules_take(region, count);
	}
	if (region == spare)
		spare = NULL;
	return bytes;
}

/* Of regions that are empty one is kept, for the next poll wants it again. */
static void
piece_give(struct region *region, unsigned char *bytes)
{
	size_t size = region->size;

	if (!region->is_whole)
		size = granules_give(region, bytes);
	ASAN_UNPOISON_MEMORY_REGION(bytes, size);
	explicit_bzero(bytes, size);
	ASAN_POISON_MEMORY_REGION(bytes, size);
	status.used -= size;
	if (region->used > 0)
		return;
	if (region->is_whole || spare != NULL)
		region_free(region);
	else
		spare = region;
}

void *
evpop_guarded_alloc(size_t size)
{
	unsigned char *bytes;

	pthread_mutex_lock(&mutex);
	bytes = piece_take(size);
	pthread_mutex_unlock(&mutex);
	if (bytes != NULL)
		ASAN_UNPOISON_MEMORY_REGION(bytes, size);
	return bytes;
}

char *
evpop_guarded_copy(const void *bytes, size_t length)
{
	char *copy;

	if (length == SIZE_MAX)
		return NULL;
	copy = evpop_guarded_alloc(length + 1);
	if (copy != NULL && length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

void
evpop_guarded_free(void *bytes)
{
	struct region *region;

	if (bytes == NULL)
		return;
	pthread_mutex_lock(&mutex);
	region = region_find(bytes);
	assert(region != NULL);
	piece_give(region, bytes);
	pthread_mutex_unlock(&mutex);
}

struct evpop_guarded_status
evpop_guarded_status(void)
{
	struct evpop_guarded_status now;

	pthread_mutex_lock(&mutex);
	now = status;
	pthread_mutex_unlock(&mutex);
	return now;
}
