#include "daemon/store/index/by_sender.h"

#include <string.h>

#include "daemon/store/index/fold.h"
#include "daemon/store/index/sender.h"

/*
 * A frequent sender fills a page from this many of the newest messages.  If
 * not, and few senders match, their messages are looked up.  Otherwise more of
 * the newest messages are searched, which takes some milliseconds, before the
 * messages of all matching senders.
 */
#define WALK_FIRST  1024
#define SENDERS_FEW 1024
#define WALK_MOST   8192

/* The greatest ids so far, descending. */
struct newest {
	int64_t *ids;
	size_t count, most;
};

struct finding {
	struct sql_db *db;
	const struct store_by_sender *wanted;
	int64_t account_id; /* 0: of all */
	int64_t indexed_id; /* the index has all up to this message */
	int64_t below_id;   /* what is left to be found */
	struct newest newest;
};

/* Ids at or below it are of no use. */
static int64_t
newest_floor(const struct newest *newest)
{
	return newest->count == newest->most ? newest->ids[newest->most - 1]
					     : 0;
}

static void
newest_add(struct newest *newest, int64_t id)
{
	size_t at = newest->count;

	if (id <= newest_floor(newest))
		return;
	if (newest->count == newest->most)
		at--;
	else
		newest->count++;
	for (; at > 0 && newest->ids[at - 1] < id; at--)
		newest->ids[at] = newest->ids[at - 1];
	newest->ids[at] = id;
}

/* A row of id, sender, stored_ms. */
static bool
finding_is_wanted(const struct finding *finding, struct sql_statement *row)
{
	const struct store_by_sender *wanted = finding->wanted;
	int64_t stored_ms = sql_column_int(row, 2);
	const char *sender;

	if (stored_ms < wanted->since_ms || stored_ms >= wanted->before_ms)
		return false;
	sender = sql_column_text(row, 1);
	return sender != NULL && store_fold_has(sender, wanted->part);
}

/* ---- from the newest back ---- */

static void
finding_prepare_walk(const struct finding *finding, struct sql_statement *use)
{
	static const char all[] = "SELECT id, sender, stored_ms FROM message"
				  " WHERE id < ?1 ORDER BY id DESC";
	static const char of_one[] =
	    "SELECT id, sender, stored_ms FROM message"
	    " WHERE id < ?1 AND account = ?2 ORDER BY id DESC";

	sql_prepare(use, finding->db, finding->account_id != 0 ? of_one : all);
	sql_bind_int(use, 1, finding->below_id);
	if (finding->account_id != 0)
		sql_bind_int(use, 2, finding->account_id);
}

/* *is_done_r: there is nothing left to be found. */
static enum store_status
finding_walk(struct finding *finding, size_t most, bool *is_done_r)
{
	struct newest *newest = &finding->newest;
	struct sql_statement use;

	finding_prepare_walk(finding, &use);
	for (size_t seen = 0;; seen++) {
		int64_t id;

		*is_done_r = newest->count == newest->most || !sql_step(&use);
		if (*is_done_r)
			break;
		id = sql_column_int(&use, 0);
		if (seen >= most && id <= finding->indexed_id)
			break;
		finding->below_id = id;
		if (finding_is_wanted(finding, &use))
			newest_add(newest, id);
	}
	return sql_end(&use);
}

/* ---- by when it was stored ---- */

static bool
finding_has_time(const struct finding *finding)
{
	return finding->account_id == 0 &&
	       (finding->wanted->since_ms != INT64_MIN ||
		   finding->wanted->before_ms != INT64_MAX);
}

/* The ids come in no order: it is all, or nothing. */
static enum store_status
finding_walk_stored(struct finding *finding, bool *is_done_r)
{
	static const char sql[] =
	    "SELECT id, sender, stored_ms FROM message INDEXED BY"
	    " message_stored WHERE stored_ms >= ?1 AND stored_ms < ?2"
	    " AND id < ?3";
	struct newest *newest = &finding->newest;
	struct sql_statement use;

	sql_prepare(&use, finding->db, sql);
	sql_bind_int(&use, 1, finding->wanted->since_ms);
	sql_bind_int(&use, 2, finding->wanted->before_ms);
	sql_bind_int(&use, 3, finding->below_id);
	for (size_t seen = 0; seen < WALK_MOST; seen++) {
		*is_done_r = !sql_step(&use);
		if (*is_done_r)
			return sql_end(&use);
		if (finding_is_wanted(finding, &use))
			newest_add(newest, sql_column_int(&use, 0));
	}
	newest->count = 0;
	return sql_end(&use);
}

/* ---- by the index ---- */

static enum store_status
finding_add_messages_of(struct finding *finding, int64_t sender)
{
	static const char sql[] =
	    "SELECT message.id FROM sent CROSS JOIN message"
	    " ON message.id = sent.message"
	    " WHERE sent.sender = ?1 AND sent.message < ?2"
	    " AND sent.message > ?3 AND (?4 = 0 OR message.account = ?4)"
	    " AND message.stored_ms >= ?5 AND message.stored_ms < ?6"
	    " ORDER BY sent.message DESC";
	struct newest *newest = &finding->newest;
	struct sql_statement use;

	sql_prepare(&use, finding->db, sql);
	sql_bind_int(&use, 1, sender);
	sql_bind_int(&use, 2, finding->below_id);
	sql_bind_int(&use, 3, newest_floor(newest));
	sql_bind_int(&use, 4, finding->account_id);
	sql_bind_int(&use, 5, finding->wanted->since_ms);
	sql_bind_int(&use, 6, finding->wanted->before_ms);
	while (sql_step(&use)) {
		int64_t id = sql_column_int(&use, 0);

		if (id <= newest_floor(newest))
			break;
		newest_add(newest, id);
	}
	return sql_end(&use);
}

/* *is_done_r: they were few, and all is found. */
static enum store_status
finding_look_up_few(struct finding *finding, bool *is_done_r)
{
	struct store_sender_use senders;
	int64_t few[SENDERS_FEW], sender;
	enum store_status status;
	size_t count = 0;

	*is_done_r = false;
	status = store_sender_use(&senders, finding->db, finding->wanted->part);
	if (status != STORE_OK)
		return status;
	while (
	    (sender = store_sender_next(&senders)) != 0 && count < SENDERS_FEW)
		few[count++] = sender;
	status = store_sender_end(&senders);
	*is_done_r = sender == 0;
	for (size_t i = 0; status == STORE_OK && *is_done_r && i < count; i++)
		status = finding_add_messages_of(finding, few[i]);
	return status;
}

static enum store_status
finding_look_up_all(struct finding *finding)
{
	struct store_sender_use senders;
	enum store_status taken = STORE_OK, status;
	int64_t sender;

	status = store_sender_use(&senders, finding->db, finding->wanted->part);
	if (status != STORE_OK)
		return status;
	while (taken == STORE_OK && (sender = store_sender_next(&senders)) != 0)
		taken = finding_add_messages_of(finding, sender);
	status = store_sender_end(&senders);
	return status != STORE_OK ? status : taken;
}

static enum store_status
finding_look_up(struct finding *finding)
{
	bool is_done;
	enum store_status status = finding_look_up_few(finding, &is_done);

	if (status == STORE_OK && !is_done)
		status = finding_walk(finding, WALK_MOST, &is_done);
	if (status == STORE_OK && !is_done)
		status = finding_look_up_all(finding);
	return status;
}

/* A damaged index is rebuilt later: do without it. */
static enum store_status
finding_look_up_or_walk(struct finding *finding, bool *is_damaged_r)
{
	const struct finding before = *finding;
	enum store_status status = finding_look_up(finding);
	bool is_done;

	*is_damaged_r = status == STORE_DAMAGED;
	if (status != STORE_DAMAGED)
		return status;
	*finding = before;
	return finding_walk(finding, SIZE_MAX, &is_done);
}

/* ---- all of it ---- */

static enum store_status
finding_find_account(struct finding *finding, bool *is_done_r)
{
	static const char sql[] = "SELECT id FROM account WHERE name = ?1";
	struct sql_statement use;

	if (finding->wanted->account == NULL)
		return STORE_OK;
	sql_prepare(&use, finding->db, sql);
	sql_bind_text(&use, 1, finding->wanted->account);
	*is_done_r = !sql_step(&use);
	if (!*is_done_r)
		finding->account_id = sql_column_int(&use, 0);
	return sql_end(&use);
}

static enum store_status
finding_find(struct finding *finding, bool *is_damaged_r)
{
	bool is_done = false;
	enum store_status status = finding_find_account(finding, &is_done);

	if (status == STORE_OK && !is_done)
		status =
		    store_sender_indexed(finding->db, &finding->indexed_id);
	if (status == STORE_OK && !is_done && finding_has_time(finding))
		status = finding_walk_stored(finding, &is_done);
	if (status == STORE_OK && !is_done)
		status = finding_walk(finding, WALK_FIRST, &is_done);
	if (status == STORE_OK && !is_done)
		status = finding_look_up_or_walk(finding, is_damaged_r);
	return status;
}

enum store_status
store_by_sender(struct sql_db *db, const struct store_by_sender *wanted,
    int64_t *ids_r, size_t *count_r, bool *is_damaged_r)
{
	struct finding finding = { .db = db,
		.wanted = wanted,
		.below_id = wanted->below_id,
		.newest = { .ids = ids_r, .most = wanted->most } };
	enum store_status status;

	*is_damaged_r = false;
	/* The index and what it is of must be of one moment. */
	status = sql_begin(db, SQL_READ);
	if (status != STORE_OK)
		return status;
	status = finding_find(&finding, is_damaged_r);
	*count_r = finding.newest.count;
	if (sql_commit(db) != STORE_OK && status == STORE_OK)
		status = STORE_IO;
	return status;
}
