#include "daemon/poll/known.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Octets of ids and digests that are allocated together. */
#define BLOCK_SIZE ((size_t)64 * 1024)

struct known_block {
	struct known_block *next;
	size_t used;
	unsigned char bytes[];
};

struct known {
	struct store *store;
	known_hold_cb hold;
	known_read_cb read;
	void *arg;
	int64_t account_id;
	bool is_pending;
	struct evpop_known *array;
	size_t count, room;
	struct known_block *blocks; /* ids and digests of earlier batches */
	int64_t held;
};

static const enum evpop_known_state known_states[] = {
	[STORE_UID_STORED] = EVPOP_KNOWN_STORED,
	[STORE_UID_DELETE] = EVPOP_KNOWN_DELETE,
	[STORE_UID_SEEN] = EVPOP_KNOWN_SEEN,
	[STORE_UID_DELETED] = EVPOP_KNOWN_DELETED,
	[STORE_UID_GONE] = EVPOP_KNOWN_GONE,
	[STORE_UID_QUARANTINED] = EVPOP_KNOWN_SEEN,
};

struct known *
known_new(
    struct store *store, known_hold_cb hold, known_read_cb read, void *arg)
{
	struct known *known;

	known = calloc(1, sizeof *known);
	if (known == NULL)
		return NULL;
	known->store = store;
	known->hold = hold;
	known->read = read;
	known->arg = arg;
	return known;
}

static void
known_drop(struct known *known)
{
	struct known_block *block;

	while ((block = known->blocks) != NULL) {
		known->blocks = block->next;
		free(block);
	}
	free(known->array);
	known->array = NULL;
	known->count = known->room = 0;
}

/* Room for so many more, held first.  False: it was refused. */
static bool
known_reserve(struct known *known, size_t more, enum store_status *status)
{
	size_t room = known->count + more;
	int64_t octets = (int64_t)((room - known->room) * sizeof *known->array);
	struct evpop_known *grown;

	if (!known->hold(octets, known->arg)) {
		known->held += octets;
		return false;
	}
	known->held += octets;
	grown = reallocarray(known->array, room, sizeof *grown);
	if (grown == NULL) {
		*status = STORE_MEMORY;
		return false;
	}
	known->array = grown;
	known->room = room;
	return true;
}

/* NULL where it is refused, or without memory. */
static struct known_block *
known_block(struct known *known, size_t length, enum store_status *status)
{
	struct known_block *block = known->blocks;
	bool granted;

	if (block != NULL && length <= BLOCK_SIZE - block->used)
		return block;
	granted =
	    known->hold((int64_t)(sizeof *block + BLOCK_SIZE), known->arg);
	known->held += (int64_t)(sizeof *block + BLOCK_SIZE);
	if (!granted)
		return NULL;
	block = malloc(sizeof *block + BLOCK_SIZE);
	if (block == NULL) {
		*status = STORE_MEMORY;
		return NULL;
	}
	block->used = 0;
	block->next = known->blocks;
	known->blocks = block;
	return block;
}

/* An id as long as a block is no server's. */
static bool
known_keep(
    struct known *known, struct evpop_known *one, enum store_status *status)
{
	size_t digest =
	    one->header_digest != NULL ? EVPOP_HEADER_DIGEST_SIZE : 0;
	struct known_block *block;
	unsigned char *at;

	if (one->unique_id_length > BLOCK_SIZE - digest) {
		*status = STORE_DAMAGED;
		return false;
	}
	block = known_block(known, one->unique_id_length + digest, status);
	if (block == NULL)
		return false;
	at = block->bytes + block->used;
	block->used += one->unique_id_length + digest;
	if (one->unique_id_length > 0)
		memcpy(at, one->unique_id, one->unique_id_length);
	one->unique_id = at;
	if (digest > 0)
		one->header_digest = memcpy(
		    at + one->unique_id_length, one->header_digest, digest);
	return true;
}

static bool
known_take(struct known *known, const struct store_uid *uids, size_t count,
    bool borrow, enum store_status *status)
{
	size_t i;

	if (!known_reserve(known, count, status))
		return false;
	for (i = 0; i < count; i++) {
		struct evpop_known *one = &known->array[known->count];

		*one = (struct evpop_known){
			.unique_id = uids[i].unique_id,
			.unique_id_length = uids[i].unique_id_length,
			.occurrence = uids[i].occurrence,
			.state = known_states[uids[i].state],
			.stored_ms = uids[i].stored_ms,
			.octets = uids[i].octets,
			.header_digest = uids[i].header_digest,
			.listed_octets = uids[i].listed_octets,
			.lines = uids[i].lines,
			.added_octets = uids[i].added_octets,
		};
		if (!borrow && !known_keep(known, one, status))
			return false;
		known->count++;
	}
	return true;
}

static void
known_end(struct known *known, enum store_status status, bool complete)
{
	static const struct evpop_known none;
	const struct evpop_known *array = known->array;
	int64_t held;

	known->is_pending = false;
	if (complete && array == NULL)
		array = &none;
	known->read(status, complete ? array : NULL,
	    complete ? known->count : 0, known->arg);
	known_drop(known);
	held = known->held;
	known->held = 0;
	(void)known->hold(-held, known->arg);
}

static void
known_came(enum store_status status, const struct store_uid *uids, size_t count,
    bool more, void *arg)
{
	struct known *known = arg;
	bool all = known->count == 0 && !more;

	if (status != STORE_OK ||
	    !known_take(known, uids, count, all, &status)) {
		known_end(known, status, false);
		return;
	}
	if (more)
		store_uids(known->store, known->account_id, &uids[count - 1],
		    known_came, known);
	else
		known_end(known, STORE_OK, true);
}

void
known_read(struct known *known, int64_t account_id)
{
	assert(!known->is_pending);
	known->is_pending = true;
	known->account_id = account_id;
	store_uids(known->store, account_id, NULL, known_came, known);
}

bool
known_is_pending(const struct known *known)
{
	return known->is_pending;
}

void
known_free(struct known **known)
{
	if (*known == NULL)
		return;
	known_drop(*known);
	free(*known);
	*known = NULL;
}
