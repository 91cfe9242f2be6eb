#include "daemon/store/removal.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/store/chunk.h"
#include "daemon/store/index/ahead.h"
#include "daemon/store/index/forget.h"
#include "daemon/store/meta.h"
#include "daemon/store/queue.h"
#include "daemon/store/sql/place.h"
#include "daemon/store/sql/space.h"
#include "daemon/store/sql/sqlite.h"
#include "lib/base/clock.h"

/* Of one transaction; a commit hardly waits longer. */
#define STEP_MS 10
/* Pieces of a message that a step removes; those of a long one go later. */
#define STEP_PIECES 16

/* After a failure, and where a reader keeps the log from being emptied. */
#define RETRY_MS 30000
#define LOG_MS   2000

/*
 * Merging writes the whole index anew.  After a deletion it waits for others,
 * and it does not come again within this time: where somebody asked for the
 * deletion, and for what went by its age.
 */
#define MERGE_WAIT_MS         5000
#define MERGE_APART_MS        3600000
#define MERGE_APART_OF_AGE_MS 86400000

/* Of the file, this part is kept for new mail, and at least so many pages. */
#define RESERVE_PART  10
#define RESERVE_PAGES 64

/* Whether words of deleted messages may be in the file. */
#define WORDS "words_to_forget"
enum removal_words {
	WORDS_NONE = 0,
	WORDS_OF_AGE,  /* of what went by its age */
	WORDS_OF_ASKED /* also of what somebody has deleted */
};

/*
 * The space of messages is given back at once, and that of the index once it is
 * merged.
 */
enum removal_state {
	REMOVAL_OF_MESSAGES = 0, /* of their words and pieces */
	REMOVAL_OF_SPACE,
	REMOVAL_OF_LOG,
	REMOVAL_WAITS,    /* with the merging, if there are words */
	REMOVAL_OF_WORDS, /* from the index's pages */
	REMOVAL_DONE
};

struct store_removal {
	const char *path;
	struct store_place *place;
	struct sql_patience *patience;
	struct store_queue *queue;
	enum removal_state state;
	int64_t due_ms; /* no step is due before */
	enum removal_words words;
	int64_t merged_ms;         /* when a merge began last; 0: never */
	bool has_merge_begun;      /* this one */
	int64_t above;             /* the last message that was removed */
	struct store_ahead *ahead; /* while there are messages; or NULL */
};

struct store_removal *
store_removal_new(const char *path, struct store_place *place,
    struct sql_patience *patience, struct store_queue *queue)
{
	struct store_removal *removal = calloc(1, sizeof(*removal));

	if (removal == NULL)
		return NULL;
	removal->path = path;
	removal->place = place;
	removal->patience = patience;
	removal->queue = queue;
	removal->state = REMOVAL_DONE;
	return removal;
}

void
store_removal_free(struct store_removal *removal)
{
	store_ahead_free(removal->ahead);
	free(removal);
}

/* ---- messages ---- */

static enum store_status
removal_read_sender(struct sql_db *db, int64_t id, int64_t *body_r, char **text)
{
	static const char sql[] =
	    "SELECT body, sender FROM removal WHERE message = ?1";
	enum store_status status, taken = STORE_OK;
	struct sql_statement use;

	*text = NULL;
	*body_r = 0;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, id);
	if (sql_step(&use)) {
		const char *sender = sql_column_text(&use, 1);

		*body_r = sql_column_int(&use, 0);
		if (sender != NULL && (*text = strdup(sender)) == NULL)
			taken = STORE_MEMORY;
	}
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static enum store_status
removal_note_done(struct sql_db *db, int64_t id)
{
	static const char sql[] = "DELETE FROM removal WHERE message = ?1";

	return sql_run_of(db, sql, id);
}

/* *left_r is its body, where pieces of it are left; else 0. */
static enum store_status
removal_remove(
    struct sql_db *db, const struct store_prepared *message, int64_t *left_r)
{
	const int64_t id = store_prepared_id(message);
	char *sender;
	int64_t body;
	bool is_gone = true;
	enum store_status status = removal_read_sender(db, id, &body, &sender);

	*left_r = 0;
	if (status == STORE_OK)
		status = store_forget_message(db, message, sender);
	free(sender);
	if (status == STORE_OK && body != 0)
		status = store_chunk_remove(db, body, STEP_PIECES, &is_gone);
	if (status == STORE_OK && !is_gone) {
		/* It is swept as what came to nothing is. */
		*left_r = body;
		status = store_chunk_note_unfinished(db, body);
	}
	return status == STORE_OK ? removal_note_done(db, id) : status;
}

/* The next one; without a worker it is read here. */
static enum store_status
removal_next(struct store_removal *removal, struct sql_db *db,
    struct store_prepared **message_r, bool *more_r)
{
	enum store_status status;

	if (removal->ahead != NULL)
		return store_ahead_take(
		    removal->ahead, removal->above, message_r, more_r);
	status = store_prepared_read(
	    db, STORE_PREPARED_OF_REMOVAL, removal->above, message_r);
	*more_r = status != STORE_OK || *message_r != NULL;
	return status;
}

static enum store_status
removal_some_messages(struct store_removal *removal, struct sql_db *db,
    bool *more_r, int64_t *left_r)
{
	const int64_t end_ms = evpop_clock_monotonic_ms() + STEP_MS;
	struct store_prepared *message;
	enum store_status status;

	*left_r = 0;
	do {
		status = removal_next(removal, db, &message, more_r);
		if (status != STORE_OK || message == NULL)
			return status;
		status = removal_remove(db, message, left_r);
		removal->above = store_prepared_id(message);
		store_prepared_free(message);
	} while (status == STORE_OK && *left_r == 0 &&
		 store_queue_is_empty(removal->queue) &&
		 evpop_clock_monotonic_ms() < end_ms);
	return status;
}

static enum store_status
removal_count(struct sql_db *db, int64_t *count_r)
{
	return sql_integer(db,
	    "SELECT count(*) FROM (SELECT 1 FROM removal LIMIT 1) AS one",
	    count_r);
}

static enum store_status
removal_messages(
    struct store_removal *removal, struct sql_db *db, int64_t *left_r)
{
	enum store_status status;
	bool more = true;
	int64_t count = 1;

	if (removal->ahead == NULL)
		removal->ahead = store_ahead_new(
		    removal->path, STORE_PREPARED_OF_REMOVAL, removal->queue);
	if (removal->ahead != NULL)
		store_ahead_look(removal->ahead);
	status = sql_begin(db, SQL_WRITE);
	if (status == STORE_OK)
		status = removal_some_messages(removal, db, &more, left_r);
	if (status == STORE_OK && !more)
		status = removal_count(db, &count);
	if (status == STORE_OK)
		status = sql_commit(db);
	FAILPOINT("removal step done");
	/* Those that came meanwhile may have lower ids. */
	if (status == STORE_OK && !more)
		removal->above = 0;
	if (status == STORE_OK && count == 0) {
		store_ahead_free(removal->ahead);
		removal->ahead = NULL;
		removal->state = REMOVAL_OF_SPACE;
	}
	return status;
}

/* ---- words ---- */

enum store_status
store_removal_note(struct sql_db *db, bool is_asked)
{
	int64_t words;
	const int64_t wanted = is_asked ? WORDS_OF_ASKED : WORDS_OF_AGE;
	enum store_status status = store_meta_get(db, WORDS, &words);

	if (status != STORE_OK || words >= wanted)
		return status;
	return store_meta_set(db, WORDS, wanted);
}

static enum store_status
removal_words(struct store_removal *removal, struct sql_db *db)
{
	bool more = true;
	enum store_status status = sql_begin(db, SQL_WRITE);

	if (status == STORE_OK)
		status =
		    store_forget_step(db, !removal->has_merge_begun, &more);
	if (status == STORE_OK && !more)
		status = store_meta_set(db, WORDS, WORDS_NONE);
	if (status == STORE_OK)
		status = sql_commit(db);
	FAILPOINT("merge step done");
	if (status != STORE_OK)
		return status;
	removal->has_merge_begun = true;
	if (more)
		return STORE_OK;
	removal->words = WORDS_NONE;
	removal->state = REMOVAL_OF_SPACE;
	return STORE_OK;
}

/* ---- space ---- */

static enum store_status
removal_has_space(struct sql_db *db, bool *has_space_r)
{
	int64_t unused = 0, pages = 0, reserve;
	bool can_shrink;
	enum store_status status =
	    sqlite_free_pages(db, &unused, &pages, &can_shrink);

	reserve = pages / RESERVE_PART;
	if (reserve < RESERVE_PAGES)
		reserve = RESERVE_PAGES;
	*has_space_r = status == STORE_OK && can_shrink && unused > reserve;
	return status;
}

static enum store_status
removal_space(struct store_removal *removal, struct sql_db *db)
{
	bool has_space;
	enum store_status status = removal_has_space(db, &has_space);

	if (status != STORE_OK)
		return status;
	if (!has_space) {
		removal->state = REMOVAL_OF_LOG;
		return STORE_OK;
	}
	status = sqlite_shrink(db);
	store_place_shrunk(removal->place, db);
	FAILPOINT("space given back");
	return status;
}

/* The log still has the pages as they were. */
static enum store_status
removal_log(struct store_removal *removal, struct sql_db *db, int64_t now_ms)
{
	enum store_status status = store_place_check(removal->place, db);

	if (status != STORE_OK)
		return status;
	/* No commit waits until a reader is done. */
	sql_patience_set(removal->patience, 0);
	status = sqlite_clear_log(db);
	store_place_written(removal->place, db);
	if (status == STORE_BUSY) {
		removal->due_ms = now_ms + LOG_MS;
		return STORE_OK;
	}
	if (status != STORE_OK)
		return status;
	removal->state =
	    removal->words == WORDS_NONE ? REMOVAL_DONE : REMOVAL_WAITS;
	removal->due_ms = now_ms + MERGE_WAIT_MS;
	return STORE_OK;
}

/* ---- all of it ---- */

void
store_removal_begin(struct store_removal *removal, struct sql_db *db)
{
	int64_t count = 0, words = WORDS_NONE;
	bool has_space = false;

	if (store_meta_get(db, WORDS, &words) == STORE_OK)
		removal->words = (enum removal_words)words;
	if (removal_count(db, &count) == STORE_OK && count != 0)
		removal->state = REMOVAL_OF_MESSAGES;
	else if (removal->words != WORDS_NONE)
		removal->state = REMOVAL_WAITS;
	else if (removal_has_space(db, &has_space) == STORE_OK && has_space)
		removal->state = REMOVAL_OF_SPACE;
}

void
store_removal_added(struct store_removal *removal, bool is_asked)
{
	const enum removal_words words =
	    is_asked ? WORDS_OF_ASKED : WORDS_OF_AGE;

	if (removal->words < words)
		removal->words = words;
	removal->state = REMOVAL_OF_MESSAGES;
	removal->has_merge_begun = false;
	removal->due_ms = 0;
}

int64_t
store_removal_next_ms(const struct store_removal *removal)
{
	int64_t apart_ms;

	switch (removal->state) {
	case REMOVAL_DONE:
		return INT64_MAX;
	case REMOVAL_OF_MESSAGES:
		if (removal->ahead != NULL &&
		    !store_ahead_is_ready(removal->ahead))
			return INT64_MAX;
		return removal->due_ms;
	case REMOVAL_WAITS:
		apart_ms = removal->words == WORDS_OF_ASKED
			       ? MERGE_APART_MS
			       : MERGE_APART_OF_AGE_MS;
		if (removal->merged_ms != 0 &&
		    removal->merged_ms + apart_ms > removal->due_ms)
			return removal->merged_ms + apart_ms;
		break;
	case REMOVAL_OF_WORDS:
	case REMOVAL_OF_SPACE:
	case REMOVAL_OF_LOG:
		break;
	}
	return removal->due_ms;
}

static enum store_status
removal_step(struct store_removal *removal, struct sql_db *db, int64_t now_ms,
    int64_t *left_r)
{
	switch (removal->state) {
	case REMOVAL_OF_MESSAGES:
		return removal_messages(removal, db, left_r);
	case REMOVAL_WAITS:
		removal->state = REMOVAL_OF_WORDS;
		removal->has_merge_begun = false;
		removal->merged_ms = now_ms;
		return STORE_OK;
	case REMOVAL_OF_WORDS:
		return removal_words(removal, db);
	case REMOVAL_OF_SPACE:
		return removal_space(removal, db);
	case REMOVAL_OF_LOG:
		return removal_log(removal, db, now_ms);
	case REMOVAL_DONE:
		break;
	}
	return STORE_OK;
}

void
store_removal_work(struct store_removal *removal, struct sql_db *db,
    int64_t now_ms, int64_t *body_r, bool *is_index_damaged_r)
{
	const bool is_of_index = removal->state == REMOVAL_OF_MESSAGES ||
				 removal->state == REMOVAL_OF_WORDS;
	enum store_status status;

	*body_r = 0;
	status = removal_step(removal, db, now_ms, body_r);
	*is_index_damaged_r = status == STORE_DAMAGED && is_of_index;
	if (status == STORE_OK)
		return;
	sql_rollback(db);
	*body_r = 0;
	removal->above = 0;
	removal->due_ms = now_ms + RETRY_MS;
}
