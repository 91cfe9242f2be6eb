#include "daemon/store/index/fulltext.h"

#include "daemon/store/index/ahead.h"
#include "daemon/store/meta.h"
#include "daemon/store/queue.h"
#include "daemon/store/sql/sqlite.h"
#include "lib/base/clock.h"

/*
 * The full-text index.  It keeps no text of its own (content=''): rows of
 * messages that are gone are told by the join with message, whose ids never
 * return.  Marks are of a word (M*), since some scripts have no word without.
 * A file keeps this text as it is here: one that differs, by the number of
 * what words are or by anything else, is of another version, and made anew.
 */
#define FULLTEXT_CREATE                                      \
	"CREATE VIRTUAL TABLE fulltext USING fts5("          \
	" sender, recipients, copies, subject, files, body," \
	" marks,"                                            \
	" content='', prefix=3,"                             \
	" tokenize=\"unicode61 remove_diacritics 2"          \
	" categories '" FULLTEXT_CATEGORIES "'\" /* words 5 */)"

/*
 * Bounds of one transaction, which ends as soon as anybody waits.  The index
 * merges what each transaction brings, so that larger ones cost less.
 */
#define STEP_MS       250
#define STEP_MESSAGES 8192

/*
 * Pages that a step of a merge writes: some 20 ms.  A merge writes the whole
 * index, so it waits until a sixteenth of it is new; small ones need none.
 */
#define MERGE_PAGES "512"
#define MERGE_SHARE 16

/* The same words go in and, since the index keeps no text, out again. */
static enum store_status
fulltext_run(
    struct sql_db *db, const char *sql, const struct store_prepared *message)
{
	const struct mail_words *words = &message->words;
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, message->id);
	sql_bind_text(&use, 2, words->senders);
	sql_bind_text(&use, 3, words->recipients);
	sql_bind_text(&use, 4, words->copies);
	sql_bind_text(&use, 5, words->subject);
	sql_bind_text(&use, 6, words->files);
	sql_bind_text(&use, 7, words->text);
	sql_bind_text(&use, 8, message->marks.text);
	return sql_run(&use);
}

static enum store_status
fulltext_insert(struct sql_db *db, const struct store_prepared *message)
{
	static const char sql[] =
	    "INSERT INTO fulltext(rowid, sender, recipients, copies, subject,"
	    " files, body, marks) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

	return fulltext_run(db, sql, message);
}

enum store_status
store_fulltext_put(struct sql_db *db, const struct store_prepared *message)
{
	enum store_status status = fulltext_insert(db, message);

	return status == STORE_OK
		   ? store_conversation_add(db, message->id, &message->names)
		   : status;
}

/* Taking out what is not in would spoil the index. */
static enum store_status
fulltext_has(struct sql_db *db, int64_t id, bool *has_r)
{
	static const char sql[] =
	    "SELECT 1 FROM fulltext_docsize WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, id);
	return sql_run_found(&use, has_r);
}

enum store_status
store_fulltext_forget(struct sql_db *db, const struct store_prepared *message)
{
	static const char sql[] =
	    "INSERT INTO fulltext(fulltext, rowid, sender, recipients, copies,"
	    " subject, files, body, marks)"
	    " VALUES('delete', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	bool has;
	enum store_status status = fulltext_has(db, message->id, &has);

	return status == STORE_OK && has ? fulltext_run(db, sql, message)
					 : status;
}

static enum store_status
fulltext_mark_cut(struct sql_db *db, int64_t id)
{
	static const char sql[] = "UPDATE message SET is_cut = 1 WHERE id = ?1";

	return sql_run_of(db, sql, id);
}

/* It was read ahead, and may have been deleted since. */
static enum store_status
fulltext_is_stored(struct sql_db *db, int64_t id, bool *is_stored_r)
{
	static const char sql[] = "SELECT 1 FROM message WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, id);
	return sql_run_found(&use, is_stored_r);
}

static enum store_status
fulltext_add(
    struct sql_db *db, const struct store_prepared *message, bool *damaged_r)
{
	bool is_stored;
	enum store_status status =
	    fulltext_is_stored(db, message->id, &is_stored);

	*damaged_r = false;
	if (status != STORE_OK || !is_stored || message->is_sealed)
		return status;
	status = store_fulltext_put(db, message);
	*damaged_r = status == STORE_DAMAGED;
	if (status == STORE_OK && message->words.is_cut)
		status = fulltext_mark_cut(db, message->id);
	return status;
}

/*
 * The next message; without a worker it is read here.  NULL: there is none, or
 * none is ready.
 */
static enum store_status
fulltext_next(struct sql_db *db, struct store_ahead *ahead, int64_t above,
    struct store_prepared **prepared_r, bool *more_r)
{
	enum store_status status;

	if (ahead != NULL)
		return store_ahead_take(ahead, above, prepared_r, more_r);
	status =
	    store_prepared_read(db, STORE_PREPARED_OF_INDEX, above, prepared_r);
	*more_r = status != STORE_OK || *prepared_r != NULL;
	return status;
}

static enum store_status
fulltext_add_some(struct sql_db *db, struct store_ahead *ahead,
    struct store_queue *queue, int64_t id, bool *more_r, bool *damaged_r)
{
	int64_t end_ms = evpop_clock_monotonic_ms() + STEP_MS;
	enum store_status status;
	int count = 0;
	struct store_prepared *message;

	do {
		status = fulltext_next(db, ahead, id, &message, more_r);
		if (status != STORE_OK || message == NULL)
			break;
		status = fulltext_add(db, message, damaged_r);
		id = message->id;
		count++;
		store_prepared_free(message);
	} while (status == STORE_OK && count < STEP_MESSAGES &&
		 evpop_clock_monotonic_ms() < end_ms &&
		 store_queue_is_empty(queue));
	if (status == STORE_OK && count > 0)
		status = store_meta_set(db, "indexed", id);
	return status;
}

enum store_status
store_fulltext_step(struct sql_db *db, struct store_ahead *ahead,
    struct store_queue *queue, bool *more_r, bool *damaged_r)
{
	int64_t id;
	enum store_status status = store_prepared_last(db, &id);

	*more_r = true;
	*damaged_r = false;
	if (status == STORE_OK)
		status =
		    fulltext_add_some(db, ahead, queue, id, more_r, damaged_r);
	return status;
}

/* ---- merging ---- */

static enum store_status
fulltext_merge_begin(struct sql_db *db, int64_t least, bool *more_r)
{
	/* A negative number takes all segments, of whatever size. */
	static const char sql[] = "INSERT INTO fulltext(fulltext, rank)"
				  " VALUES('merge', -" MERGE_PAGES ")";
	int64_t last, merged;
	enum store_status status = store_meta_get(db, "indexed", &last);

	if (status == STORE_OK)
		status = store_meta_get(db, "merged", &merged);
	if (status != STORE_OK || last - merged < least ||
	    last - merged < last / MERGE_SHARE)
		return status;
	*more_r = true;
	status = sql_exec(db, sql);
	return status == STORE_OK ? store_meta_set(db, "merging", last)
				  : status;
}

static enum store_status
fulltext_merge_go_on(struct sql_db *db, int64_t until, bool *more_r)
{
	static const char sql[] = "INSERT INTO fulltext(fulltext, rank)"
				  " VALUES('merge', " MERGE_PAGES ")";
	const int64_t before = sqlite_total_changes(db);
	enum store_status status = sql_exec(db, sql);

	if (status != STORE_OK)
		return status;
	/* The statement itself counts as one. */
	*more_r = sqlite_total_changes(db) - before > 1;
	if (*more_r)
		return STORE_OK;
	status = store_meta_set(db, "merged", until);
	return status == STORE_OK ? store_meta_set(db, "merging", 0) : status;
}

enum store_status
store_fulltext_merge(
    struct sql_db *db, int64_t least, bool *more_r, bool *damaged_r)
{
	int64_t until;
	enum store_status status = store_meta_get(db, "merging", &until);

	*more_r = false;
	if (status == STORE_OK)
		status = until == 0 ? fulltext_merge_begin(db, least, more_r)
				    : fulltext_merge_go_on(db, until, more_r);
	*damaged_r = status == STORE_DAMAGED;
	return status;
}

/*
 * Everything that a transaction brings fits into memory: it becomes one segment
 * of the index, instead of several that are merged later.
 */
const char store_fulltext_restart_sql[] =
    "DROP TABLE fulltext;" FULLTEXT_CREATE ";"
    "INSERT INTO fulltext(fulltext, rank) VALUES('hashsize', 8388608);"
    "DELETE FROM meta WHERE key IN ('indexed', 'merged', 'merging');";

enum store_status
store_fulltext_is_current(struct sql_db *db, bool *is_current_r)
{
	static const char sql[] =
	    "SELECT sql = ?1 FROM sqlite_schema WHERE name = 'fulltext'";
	struct sql_statement use;

	*is_current_r = false;
	sql_prepare_once(&use, db, sql);
	sql_bind_text(&use, 1, FULLTEXT_CREATE);
	if (sql_step(&use))
		*is_current_r = sql_column_int(&use, 0) != 0;
	return sql_end(&use);
}

enum store_status
store_fulltext_miss(struct sql_db *db, struct store_search_page *page)
{
	static const char sealed[] = "SELECT EXISTS(SELECT 1 FROM sealed)";
	static const char others[] =
	    "SELECT EXISTS(SELECT 1 FROM fulltext_docsize)";
	int64_t has_sealed, has_others = 1;
	enum store_status status = sql_integer(db, sealed, &has_sealed);

	page->has_sealed = status == STORE_OK && has_sealed != 0;
	/* What is not indexed yet may be of others. */
	if (page->has_sealed && page->is_complete)
		status = sql_integer(db, others, &has_others);
	return status == STORE_OK && has_others == 0 ? STORE_SEALED : status;
}
