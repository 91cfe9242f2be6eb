#include "daemon/store/index/forget.h"

#include <stdlib.h>

#include "daemon/store/index/conversation.h"
#include "daemon/store/index/fold.h"
#include "daemon/store/index/fulltext.h"
#include "daemon/store/index/prepared.h"
#include "daemon/store/sql/sqlite.h"

/* ---- senders ---- */

/* The sender whose message it is; 0: none is known as that. */
static enum store_status
forget_find_sender(struct sql_db *db, const char *folded, int64_t message,
    int64_t *sender_r, bool *has_others_r)
{
	static const char sql[] =
	    "SELECT sender.id, EXISTS(SELECT 1 FROM sent"
	    "  WHERE sent.sender = sender.id AND sent.message <> ?2)"
	    " FROM sender JOIN sent ON sent.sender = sender.id"
	    "  AND sent.message = ?2 WHERE sender.folded = ?1";
	struct sql_statement use;

	*sender_r = 0;
	*has_others_r = false;
	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, folded);
	sql_bind_int(&use, 2, message);
	if (sql_step(&use)) {
		*sender_r = sql_column_int(&use, 0);
		*has_others_r = sql_column_int(&use, 1) != 0;
	}
	return sql_end(&use);
}

static enum store_status
forget_sent(struct sql_db *db, int64_t sender, int64_t message)
{
	static const char sql[] =
	    "DELETE FROM sent WHERE sender = ?1 AND message = ?2";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, sender);
	sql_bind_int(&use, 2, message);
	return sql_run(&use);
}

/* Nobody has sent anything under this name any more. */
static enum store_status
forget_sender(struct sql_db *db, int64_t sender, const char *folded)
{
	static const char words[] =
	    "INSERT INTO sender_text(sender_text, rowid, folded)"
	    " VALUES('delete', ?1, ?2)";
	static const char row[] = "DELETE FROM sender WHERE id = ?1";
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, words);
	sql_bind_int(&use, 1, sender);
	sql_bind_text(&use, 2, folded);
	status = sql_run(&use);
	if (status != STORE_OK)
		return status;
	return sql_run_of(db, row, sender);
}

static enum store_status
forget_sender_of(struct sql_db *db, const char *text, int64_t message)
{
	char *folded = store_fold(text);
	enum store_status status;
	bool has_others;
	int64_t sender;

	if (folded == NULL)
		return STORE_MEMORY;
	status = forget_find_sender(db, folded, message, &sender, &has_others);
	if (status == STORE_OK && sender != 0)
		status = forget_sent(db, sender, message);
	if (status == STORE_OK && sender != 0 && !has_others)
		status = forget_sender(db, sender, folded);
	free(folded);
	return status;
}

enum store_status
store_forget_message(
    struct sql_db *db, const struct store_prepared *message, const char *sender)
{
	const int64_t id = store_prepared_id(message);
	enum store_status status = store_fulltext_forget(db, message);

	if (status == STORE_OK)
		status = store_conversation_forget(db, id);
	if (status == STORE_OK && sender != NULL)
		status = forget_sender_of(db, sender, id);
	return status;
}

/* ---- merging ---- */

/*
 * Pages (4 KiB each) that a step writes: some milliseconds.  A negative number
 * makes everything one part, a positive one goes on with that.  FTS5 has
 * written nothing but its own note where there was nothing to do.
 */
#define MERGE_PAGES   "128"
#define MERGE_NOTHING 2

enum store_status
store_forget_step(struct sql_db *db, bool begins, bool *more_r)
{
	static const char *const first[] = {
		"INSERT INTO fulltext(fulltext, rank)"
		" VALUES('merge', -" MERGE_PAGES ")",
		"INSERT INTO sender_text(sender_text, rank)"
		" VALUES('merge', -" MERGE_PAGES ")",
	};
	static const char *const next[] = {
		"INSERT INTO fulltext(fulltext, rank)"
		" VALUES('merge', " MERGE_PAGES ")",
		"INSERT INTO sender_text(sender_text, rank)"
		" VALUES('merge', " MERGE_PAGES ")",
	};
	enum store_status status = STORE_OK;

	*more_r = false;
	for (size_t i = 0; status == STORE_OK && i < 2; i++) {
		const int64_t before = sqlite_total_changes(db);

		status = sql_exec(db, begins ? first[i] : next[i]);
		if (sqlite_total_changes(db) - before >= MERGE_NOTHING)
			*more_r = true;
	}
	return status;
}
