#include "daemon/store/reseal.h"

#include <string.h>

#include "daemon/store/db.h"
#include "daemon/store/private.h"
#include "daemon/store/sealed.h"
#include "daemon/store/writer.h"

/* ---- those that there are ---- */

struct keys_op {
	struct store_op op;
	enum store_reseal_of of;
	unsigned char recipient[SEALING_RECIPIENT_SIZE];
	int64_t after_id;
	unsigned limit;
	store_sealed_keys_cb done;
	void *arg;
	struct store_sealed_key *rows;
	size_t count;
};

static void
keys_take(struct store_op *op, struct sql_statement *from)
{
	struct keys_op *keys = (struct keys_op *)op;
	struct store_sealed_key *row;

	keys->rows =
	    store_op_grow(op, keys->rows, keys->count, sizeof(*keys->rows));
	if (keys->rows == NULL)
		return;
	row = &keys->rows[keys->count++];
	row->id = sql_column_int(from, 0);
	if (!sql_column_bytes(from, 1, row->key, sizeof(row->key)))
		memset(row->key, 0, sizeof(row->key));
}

static enum store_status
keys_read(struct sql_db *db, struct store_op *op)
{
	static const char of_messages[] =
	    "SELECT message, key FROM sealed"
	    " WHERE message > ?1 AND recipient = ?2 ORDER BY message LIMIT ?3";
	static const char of_quarantine[] =
	    "SELECT quarantine, key FROM sealed_quarantine"
	    " WHERE quarantine > ?1 AND recipient = ?2"
	    " ORDER BY quarantine LIMIT ?3";
	struct keys_op *keys = (struct keys_op *)op;
	struct sql_statement use;

	sql_prepare(&use, db,
	    keys->of == STORE_RESEAL_MESSAGES ? of_messages : of_quarantine);
	sql_bind_int(&use, 1, keys->after_id);
	sql_bind_blob(&use, 2, keys->recipient, sizeof(keys->recipient));
	sql_bind_int(&use, 3, (int64_t)keys->limit + 1);
	return store_op_take_rows(op, &use, keys_take);
}

static void
keys_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct keys_op *keys = (struct keys_op *)op;
	bool more = keys->count > keys->limit;

	(void)store;
	if (status == STORE_OK)
		keys->done(STORE_OK, keys->rows,
		    more ? keys->limit : keys->count, more, keys->arg);
	else
		keys->done(status, NULL, 0, false, keys->arg);
}

static const struct store_op_type keys_type = {
	.lane = STORE_LANE_SEARCHES,
	.read = keys_read,
	.answer = keys_answer,
};

void
store_sealed_keys(struct store *store, enum store_reseal_of of,
    const unsigned char recipient[SEALING_RECIPIENT_SIZE], int64_t after_id,
    unsigned limit, store_sealed_keys_cb done, void *arg)
{
	struct keys_op *keys = store_op_new(&keys_type, sizeof(*keys));

	if (keys == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	keys->of = of;
	memcpy(keys->recipient, recipient, sizeof(keys->recipient));
	keys->after_id = after_id;
	keys->limit = store_page_limit(limit);
	keys->done = done;
	keys->arg = arg;
	store_ask(store, &keys->op, arg);
}

/* ---- sealed anew ---- */

struct reseal_op {
	struct store_op op;
	enum store_reseal_of of;
	unsigned char recipient[SEALING_RECIPIENT_SIZE];
	const struct store_resealed *items;
	size_t count;
	store_reseal_cb done;
	void *arg;
	struct store_reseal_answer answer;
};

/* The tag is of the old key: whoever was first has changed it. */
static enum store_status
reseal_one(struct sql_db *db, struct reseal_op *reseal,
    const struct store_resealed *item)
{
	static const char of_messages[] =
	    "UPDATE sealed SET recipient = ?1, key = ?2"
	    " WHERE message = ?3 AND substr(key, 33, 16) = ?4";
	static const char of_quarantine[] =
	    "UPDATE sealed_quarantine SET recipient = ?1, key = ?2"
	    " WHERE quarantine = ?3 AND substr(key, 33, 16) = ?4";
	struct sql_statement use;
	enum store_status status;

	_Static_assert(STORE_RESEAL_TAG_AT == 32 && STORE_RESEAL_TAG_SIZE == 16,
	    "the statements know where the tag stands");
	sql_prepare(&use, db,
	    reseal->of == STORE_RESEAL_MESSAGES ? of_messages : of_quarantine);
	sql_bind_blob(&use, 1, reseal->recipient, sizeof(reseal->recipient));
	sql_bind_blob(&use, 2, item->key, sizeof(item->key));
	sql_bind_int(&use, 3, item->id);
	sql_bind_blob(&use, 4, item->old, sizeof(item->old));
	status = sql_run(&use);
	if (status != STORE_OK)
		return status;
	if (sql_changes(db) > 0)
		reseal->answer.resealed++;
	else
		reseal->answer.changed++;
	return STORE_OK;
}

static enum store_status
reseal_write(struct store_writer *writer, struct store_op *op)
{
	struct reseal_op *reseal = (struct reseal_op *)op;
	struct sql_db *db = store_writer_db(writer);
	const struct store_sealer *sealer = store_db_sealer(db);
	enum store_status status = STORE_OK;

	memset(&reseal->answer, 0, sizeof(reseal->answer));
	reseal->answer.is_other_recipient =
	    sealer == NULL ||
	    memcmp(store_sealer_recipient(sealer), reseal->recipient,
		sizeof(reseal->recipient)) != 0;
	for (size_t i = 0; status == STORE_OK && i < reseal->count &&
			   !reseal->answer.is_other_recipient;
	     i++)
		status = reseal_one(db, reseal, &reseal->items[i]);
	return status;
}

static void
reseal_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct reseal_op *reseal = (struct reseal_op *)op;

	(void)store;
	reseal->done(
	    status, status == STORE_OK ? &reseal->answer : NULL, reseal->arg);
}

static const struct store_op_type reseal_type = {
	.write = reseal_write,
	.answer = reseal_answer,
};

void
store_reseal(struct store *store, enum store_reseal_of of,
    const unsigned char recipient[SEALING_RECIPIENT_SIZE],
    const struct store_resealed *items, size_t count, store_reseal_cb done,
    void *arg)
{
	struct reseal_op *reseal = store_op_new(&reseal_type, sizeof(*reseal));

	if (reseal == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	reseal->of = of;
	memcpy(reseal->recipient, recipient, sizeof(reseal->recipient));
	reseal->items = (const void *)store_op_bytes(
	    &reseal->op, (const unsigned char *)items, count * sizeof(*items));
	reseal->count = reseal->items != NULL ? count : 0;
	reseal->done = done;
	reseal->arg = arg;
	store_submit(store, &reseal->op);
}
