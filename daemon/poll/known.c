#include "daemon/poll/known.h"

#include <assert.h>
#include <stdlib.h>

struct known {
	struct store *store;
	known_batch_cb batch;
	void *arg;
	int64_t account_id;
	bool is_pending, is_stopped;
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
known_new(struct store *store, known_batch_cb batch, void *arg)
{
	struct known *known;

	known = calloc(1, sizeof *known);
	if (known == NULL)
		return NULL;
	known->store = store;
	known->batch = batch;
	known->arg = arg;
	return known;
}

/* Ids and digests stay the store's.  NULL without memory. */
static struct evpop_known *
known_translate(const struct store_uid *uids, size_t count)
{
	struct evpop_known *known;
	size_t i;

	known = calloc(count + 1, sizeof *known);
	for (i = 0; known != NULL && i < count; i++)
		known[i] = (struct evpop_known){
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
	return known;
}

/*
 * The next batch is asked for before this one is handed on: meanwhile the store
 * reads it.
 */
static void
known_came(enum store_status status, const struct store_uid *uids, size_t count,
    bool more, void *arg)
{
	struct known *known = arg;
	struct evpop_known *batch = NULL;

	if (status == STORE_OK) {
		batch = known_translate(uids, count);
		if (batch == NULL)
			status = STORE_MEMORY;
	}
	more = more && status == STORE_OK && !known->is_stopped;
	known->is_pending = more;
	if (more)
		store_uids(known->store, known->account_id, &uids[count - 1],
		    known_came, known);
	known->batch(status, batch, count, !more, known->arg);
	free(batch);
}

void
known_read(struct known *known, int64_t account_id)
{
	assert(!known->is_pending);
	known->is_pending = true;
	known->is_stopped = false;
	known->account_id = account_id;
	store_uids(known->store, account_id, NULL, known_came, known);
}

void
known_stop(struct known *known)
{
	known->is_stopped = true;
}

bool
known_is_pending(const struct known *known)
{
	return known->is_pending;
}

void
known_free(struct known **known)
{
	free(*known);
	*known = NULL;
}
