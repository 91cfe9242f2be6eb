#include "daemon/store/index/index.h"

#include <stdlib.h>

#include "daemon/store/index/ahead.h"
#include "daemon/store/index/conversation.h"
#include "daemon/store/index/fulltext.h"
#include "daemon/store/index/sender.h"
#include "daemon/store/sql/sqlite.h"
#include "lib/base/clock.h"

/* After a failure. */
#define RETRY_MS 30000

enum index_state {
	INDEX_COMPLETE = 0, /* all messages are in it */
	INDEX_BEHIND,       /* messages are to be put into it */
	INDEX_READING,      /* the worker that reads ahead knows of them */
	INDEX_OUTDATED,     /* an earlier version made it: begin again */
	INDEX_DAMAGED       /* begin again */
};

struct store_index {
	enum index_state state;
	/* It began again since it was found to be damaged: once is enough. */
	bool was_restarted;
	int64_t retry_ms;          /* no step is due before */
	struct store_ahead *ahead; /* or NULL */
	struct store_queue *queue;
};

/* ---- the steps ---- */

/* Senders first: they take a hundredth of the time that words take. */
enum store_status
store_index_step(struct sql_db *db, struct store_ahead *ahead,
    struct store_queue *queue, bool *more_r, bool *damaged_r)
{
	enum store_status status;

	*more_r = true;
	*damaged_r = false;
	status = sql_begin(db, SQL_WRITE);
	if (status != STORE_OK)
		return status;
	status = store_sender_step(db, queue, more_r);
	*damaged_r = status == STORE_DAMAGED;
	if (status == STORE_OK && !*more_r)
		status =
		    store_fulltext_step(db, ahead, queue, more_r, damaged_r);
	if (status == STORE_OK && !*more_r)
		status = store_fulltext_merge(
		    db, STORE_FULLTEXT_MERGE_LEAST, more_r, damaged_r);
	if (status != STORE_OK)
		return status;
	/* The indexes write most of what they have at the end. */
	status = sql_commit(db);
	*damaged_r = status == STORE_DAMAGED;
	return status;
}

/*
 * An index may be damaged such that FTS5 does not even open it to drop it. What
 * it needs to be opened is put into its tables from an index that FTS5 has just
 * made.
 */
#define OPENABLE(table)                                      \
	"DELETE FROM " table "_data;"                        \
	"INSERT INTO " table "_data SELECT * FROM new_data;" \
	"DELETE FROM " table "_config;"                      \
	"INSERT INTO " table "_config SELECT * FROM new_config;"
static const char make_openable_sql[] =
    "CREATE VIRTUAL TABLE new USING fts5(word, content='');" OPENABLE(
	"fulltext") OPENABLE("sender_text") "DROP TABLE new;";

static enum store_status
index_begin_again(struct sql_db *db)
{
	enum store_status status = sql_begin(db, SQL_WRITE);

	if (status == STORE_OK)
		status = sql_exec(db, make_openable_sql);
	if (status == STORE_OK)
		status = sql_exec(db, store_fulltext_restart_sql);
	if (status == STORE_OK)
		status = sql_exec(db, store_sender_restart_sql);
	if (status == STORE_OK)
		status = sql_exec(db, store_conversation_restart_sql);
	if (status == STORE_OK)
		status = sql_commit(db);
	return status;
}

enum store_status
store_index_restart(struct sql_db *db)
{
	enum store_status status = sqlite_set_defensive(db, false), again;

	if (status == STORE_OK)
		status = index_begin_again(db);
	again = sqlite_set_defensive(db, true);
	return status != STORE_OK ? status : again;
}

enum store_status
store_index_is_current(struct sql_db *db, bool *is_current_r)
{
	return store_fulltext_is_current(db, is_current_r);
}

/* ---- how far they are ---- */

struct store_index *
store_index_new(const char *path, struct store_queue *queue)
{
	struct store_index *index = calloc(1, sizeof(*index));

	if (index == NULL)
		return NULL;
	index->state = INDEX_BEHIND;
	index->queue = queue;
	if (path != NULL)
		index->ahead =
		    store_ahead_new(path, STORE_PREPARED_OF_INDEX, queue);
	return index;
}

void
store_index_free(struct store_index *index)
{
	store_ahead_free(index->ahead);
	free(index);
}

static bool
index_is_empty(struct sql_db *db)
{
	static const char sql[] =
	    "SELECT count(*) FROM meta WHERE key = 'indexed'";
	int64_t count;

	return sql_integer(db, sql, &count) == STORE_OK && count == 0;
}

/*
 * The messages hold everything that the index says: rebuild it.  If that does
 * not help, the file is damaged.
 */
static void
index_restart(struct store_index *index, struct sql_db *db, int64_t now_ms)
{
	enum store_status status = store_index_restart(db);

	if (index->state == INDEX_DAMAGED)
		index->was_restarted =
		    status == STORE_OK || status == STORE_DAMAGED;
	if (status == STORE_OK || index->was_restarted)
		index->state = INDEX_BEHIND;
	if (status == STORE_OK)
		return;
	sql_rollback(db);
	index->retry_ms = now_ms + RETRY_MS;
}

static void
index_go_on(struct store_index *index, struct sql_db *db, int64_t now_ms)
{
	bool has_more = true, is_damaged;
	enum store_status status;

	/* The worker wakes the queue when there is something to take. */
	if (index->ahead != NULL && index->state == INDEX_BEHIND) {
		store_ahead_look(index->ahead);
		index->state = INDEX_READING;
		return;
	}
	status = store_index_step(
	    db, index->ahead, index->queue, &has_more, &is_damaged);
	if (status == STORE_OK) {
		if (!has_more)
			index->state = INDEX_COMPLETE;
		return;
	}
	sql_rollback(db);
	if (is_damaged && !index->was_restarted) {
		index->state = INDEX_DAMAGED;
		return;
	}
	index->state = INDEX_BEHIND;
	index->retry_ms = now_ms + RETRY_MS;
}

static bool
index_begins_again(const struct store_index *index)
{
	return index->state == INDEX_OUTDATED || index->state == INDEX_DAMAGED;
}

void
store_index_begin(struct store_index *index, struct sql_db *db)
{
	bool is_current;

	if (store_index_is_current(db, &is_current) == STORE_OK && !is_current)
		index->state = INDEX_OUTDATED;
	/* A new store is empty: restart at once. */
	if (index->state == INDEX_OUTDATED && index_is_empty(db))
		index_restart(index, db, evpop_clock_monotonic_ms());
}

void
store_index_message_added(struct store_index *index)
{
	if (!index_begins_again(index))
		index->state = INDEX_BEHIND;
}

void
store_index_doubt(struct store_index *index)
{
	if (!index_begins_again(index) && !index->was_restarted)
		index->state = INDEX_DAMAGED;
}

int64_t
store_index_next_ms(const struct store_index *index)
{
	if (index->state == INDEX_COMPLETE ||
	    (index->state == INDEX_READING && index->ahead != NULL &&
		!store_ahead_is_ready(index->ahead)))
		return INT64_MAX;
	return index->retry_ms;
}

void
store_index_work(struct store_index *index, struct sql_db *db, int64_t now_ms)
{
	if (index_begins_again(index))
		index_restart(index, db, now_ms);
	else
		index_go_on(index, db, now_ms);
}
