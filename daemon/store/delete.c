#include "daemon/store/delete.h"

#include "daemon/failpoint/failpoint.h"
#include "daemon/store/removal.h"
#include "daemon/store/targets.h"
#include "daemon/store/writer.h"

/*
 * ?1 to ?5 of each statement.  What waits for its delivery does not go by its
 * age.
 */
#define DOOMED                                                                \
	" FROM message WHERE message.account = ?1 AND message.id >= ?2"       \
	" AND message.id <= ?3 AND message.stored_ms < ?4"                    \
	" AND NOT EXISTS(SELECT 1 FROM hold WHERE hold.message = message.id)" \
	" AND (?5 = 1 OR NOT EXISTS(SELECT 1 FROM outbox"                     \
	"  WHERE outbox.message = message.id AND outbox.state = 0))"

static void
doomed_prepare(struct sql_statement *use, struct sql_db *db, const char *sql,
    const struct store_doomed *doomed)
{
	sql_prepare(use, db, sql);
	sql_bind_int(use, 1, doomed->account_id);
	sql_bind_int(use, 2, doomed->first);
	sql_bind_int(use, 3, doomed->last);
	sql_bind_int(use, 4, doomed->stored_before_ms);
	sql_bind_int(use, 5, doomed->is_asked);
}

static enum store_status
doomed_count(struct sql_db *db, const struct store_doomed *doomed,
    uint64_t *count_r, uint64_t *octets_r)
{
	static const char sql[] =
	    "SELECT count(*), coalesce(sum(message.octets), 0)" DOOMED;
	struct sql_statement use;

	*count_r = *octets_r = 0;
	doomed_prepare(&use, db, sql, doomed);
	if (sql_step(&use)) {
		*count_r = (uint64_t)sql_column_int(&use, 0);
		*octets_r = (uint64_t)sql_column_int(&use, 1);
	}
	return sql_end(&use);
}

static enum store_status
doomed_bury(struct sql_db *db, const struct store_doomed *doomed)
{
	static const char sql[] =
	    "INSERT INTO tombstone(id, account, octets, digest, stored_ms,"
	    " date_ms, deleted_ms, who, reason)"
	    " SELECT message.id, message.account, message.octets,"
	    " message.digest, message.stored_ms, message.date_ms, ?6, ?7,"
	    " ?8" DOOMED;
	struct sql_statement use;

	doomed_prepare(&use, db, sql, doomed);
	sql_bind_int(&use, 6, store_db_now_ms(db));
	sql_bind_text(&use, 7, doomed->who);
	sql_bind_text(&use, 8, doomed->reason);
	return sql_run(&use);
}

/* What the indexes were told of it must be told once more. */
static enum store_status
doomed_leave_to_removal(struct sql_db *db, const struct store_doomed *doomed)
{
	static const char sql[] =
	    "INSERT INTO removal(message, account, body, octets,"
	    " attachments, sender, recipients, cc, subject)"
	    " SELECT message.id, message.account, message.body,"
	    " message.octets, message.attachments, message.sender,"
	    " message.recipients, message.cc, message.subject" DOOMED;
	struct sql_statement use;

	doomed_prepare(&use, db, sql, doomed);
	return sql_run(&use);
}

/* Of the first rows of the outbox there are, of one target and state. */
static enum store_status
doomed_count_rows(struct sql_db *db, const struct store_doomed *doomed,
    int64_t *target_r, int *state_r, int64_t *rows_r)
{
	static const char sql[] =
	    "SELECT target, state, count(*) FROM outbox WHERE message IN"
	    " (SELECT message.id" DOOMED
	    ") GROUP BY target, state ORDER BY target, state LIMIT 1";
	struct sql_statement use;

	*rows_r = 0;
	doomed_prepare(&use, db, sql, doomed);
	if (sql_step(&use)) {
		*target_r = sql_column_int(&use, 0);
		*state_r = (int)sql_column_int(&use, 1);
		*rows_r = sql_column_int(&use, 2);
	}
	return sql_end(&use);
}

static enum store_status
doomed_delete_rows(struct sql_db *db, const struct store_doomed *doomed,
    int64_t target, int state)
{
	static const char sql[] =
	    "DELETE FROM outbox WHERE target = ?6 AND state = ?7"
	    " AND message IN (SELECT message.id" DOOMED ")";
	struct sql_statement use;

	doomed_prepare(&use, db, sql, doomed);
	sql_bind_int(&use, 6, target);
	sql_bind_int(&use, 7, state);
	return sql_run(&use);
}

/* Who got it is told as long as it is here. */
static enum store_status
doomed_leave_outbox(
    struct store_writer *writer, const struct store_doomed *doomed)
{
	struct sql_db *db = store_writer_db(writer);
	enum store_status status;
	int64_t target, rows;
	int state;

	for (;;) {
		status = doomed_count_rows(db, doomed, &target, &state, &rows);
		if (status != STORE_OK || rows == 0)
			return status;
		status = doomed_delete_rows(db, doomed, target, state);
		if (status == STORE_OK)
			status =
			    store_targets_count(store_writer_targets(writer),
				db, target, state, STORE_OUTBOX_NO_ROW, rows);
		if (status != STORE_OK)
			return status;
	}
}

static enum store_status
doomed_delete(struct sql_db *db, const struct store_doomed *doomed)
{
	static const char sealed[] = "DELETE FROM sealed WHERE message IN"
				     " (SELECT message.id" DOOMED ")";
	static const char sql[] = "DELETE" DOOMED;
	enum store_status status = STORE_OK;
	struct sql_statement use;

	/* Without its key a body is nothing, before its pieces are gone. */
	if (store_db_digest_key(db) != NULL) {
		doomed_prepare(&use, db, sealed, doomed);
		status = sql_run(&use);
	}
	if (status != STORE_OK)
		return status;
	doomed_prepare(&use, db, sql, doomed);
	return sql_run(&use);
}

static enum store_status
doomed_discount(
    struct sql_db *db, int64_t account_id, uint64_t count, uint64_t octets)
{
	static const char sql[] = "UPDATE account SET messages = messages - ?2,"
				  " octets = octets - ?3 WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, account_id);
	sql_bind_int(&use, 2, (int64_t)count);
	sql_bind_int(&use, 3, (int64_t)octets);
	return sql_run(&use);
}

enum store_status
store_delete_doomed(struct store_writer *writer,
    const struct store_doomed *doomed, uint64_t *deleted_r)
{
	struct sql_db *db = store_writer_db(writer);
	uint64_t octets;
	enum store_status status = doomed_count(db, doomed, deleted_r, &octets);

	if (status != STORE_OK || *deleted_r == 0)
		return status;
	status = doomed_bury(db, doomed);
	if (status == STORE_OK)
		status = doomed_leave_to_removal(db, doomed);
	if (status == STORE_OK)
		status = doomed_leave_outbox(writer, doomed);
	if (status == STORE_OK)
		status = doomed_delete(db, doomed);
	if (status == STORE_OK)
		status =
		    doomed_discount(db, doomed->account_id, *deleted_r, octets);
	if (status == STORE_OK)
		status = store_removal_note(db, doomed->is_asked);
	FAILPOINT("messages deleted");
	store_removal_added(store_writer_removal(writer), doomed->is_asked);
	return status;
}
