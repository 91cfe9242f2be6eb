#include "daemon/store/delete.h"

#include "daemon/failpoint/failpoint.h"
#include "daemon/store/removal.h"
#include "daemon/store/writer.h"

/* ?1 to ?4 of each statement. */
#define DOOMED                                                          \
	" FROM message WHERE message.account = ?1 AND message.id >= ?2" \
	" AND message.id <= ?3 AND message.stored_ms < ?4"              \
	" AND NOT EXISTS(SELECT 1 FROM hold WHERE hold.message = message.id)"

static void
doomed_prepare(struct sql_statement *use, struct sql_db *db, const char *sql,
    const struct store_doomed *doomed)
{
	sql_prepare(use, db, sql);
	sql_bind_int(use, 1, doomed->account_id);
	sql_bind_int(use, 2, doomed->first);
	sql_bind_int(use, 3, doomed->last);
	sql_bind_int(use, 4, doomed->stored_before_ms);
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
	    " message.digest, message.stored_ms, message.date_ms, ?5, ?6,"
	    " ?7" DOOMED;
	struct sql_statement use;

	doomed_prepare(&use, db, sql, doomed);
	sql_bind_int(&use, 5, store_db_now_ms(db));
	sql_bind_text(&use, 6, doomed->who);
	sql_bind_text(&use, 7, doomed->reason);
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

static enum store_status
doomed_delete(struct sql_db *db, const struct store_doomed *doomed)
{
	static const char sql[] = "DELETE" DOOMED;
	struct sql_statement use;

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
