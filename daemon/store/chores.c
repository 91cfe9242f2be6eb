#include "daemon/store/chores.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/db.h"
#include "daemon/store/index/index.h"
#include "daemon/store/queue.h"
#include "daemon/store/removal.h"
#include "daemon/store/sql/place.h"
#include "daemon/store/sql/sqlite.h"
#include "lib/base/array.h"
#include "lib/base/clock.h"

/*
 * Between two pieces of mail the queue is empty often, but not for long: what
 * takes a while, or a sync, waits until nothing has come for this time.  Under
 * constant work chores still get their turn.
 */
#define REST_MS         100
#define TURN_MS         1000
#define REMOVAL_REST_MS 1000

/*
 * Pages of the log (16 KiB each).  Above the first bound it is checkpointed as
 * soon as nobody waits, above the second even while somebody does, and below
 * both after a longer rest.
 */
#define LOG_PAGES_IDLE 512
#define LOG_PAGES_MAX  4096
#define LOG_REST_MS    2000

/* The index is not worth that others wait while another process works. */
#define INDEX_PATIENCE_MS 100

static void
chores_note_log(void *arg, int pages)
{
	struct store_chores *chores = arg;

	chores->log_pages = pages;
	if (pages < chores->log_stuck)
		chores->log_stuck = 0;
	chores->log_written_ms = evpop_clock_monotonic_ms();
}

void
store_chores_init(struct store_chores *chores, struct sql_db *db,
    struct store_place *place, struct sql_patience *patience,
    struct store_index *index, struct store_removal *removal)
{
	memset(chores, 0, sizeof(*chores));
	chores->db = db;
	chores->place = place;
	chores->patience = patience;
	chores->index = index;
	chores->removal = removal;
	chores->turn_ms = evpop_clock_monotonic_ms();
	sqlite_set_log_cb(db, chores_note_log, chores);
}

void
store_chores_free(struct store_chores *chores)
{
	sqlite_set_log_cb(chores->db, NULL, NULL);
	free(chores->orphans);
}

/* ---- the log ---- */

/*
 * While a reader keeps the log from starting over, trying at each commit would
 * cost a sync and gain nothing: wait for as much again.
 */
static bool
log_is_above(const struct store_chores *chores, int pages)
{
	return chores->log_pages - chores->log_stuck > pages;
}

static bool
log_is_due(const struct store_chores *chores, bool is_resting, int64_t now_ms)
{
	return log_is_above(chores, LOG_PAGES_MAX) ||
	       (is_resting && log_is_above(chores, LOG_PAGES_IDLE)) ||
	       (chores->log_pages > 0 &&
		   now_ms - chores->log_written_ms >= LOG_REST_MS);
}

enum store_status
store_chores_empty_log(struct store_chores *chores)
{
	int pages, done;
	enum store_status status = store_place_check(chores->place, chores->db);

	if (status != STORE_OK)
		return status;
	status = sqlite_checkpoint(chores->db, &pages, &done);
	store_place_written(chores->place, chores->db);
	chores->log_pages = 0;
	chores->log_stuck = done < pages ? pages : 0;
	/* A reader in the way is no failure: the next one takes the rest. */
	return status == STORE_BUSY ? STORE_OK : status;
}

int64_t
store_chores_log_written_ms(const struct store_chores *chores)
{
	return chores->log_written_ms;
}

/* ---- bodies ---- */

/* Pieces of a step: 4 MiB, some milliseconds. */
#define ORPHAN_PIECES 16

/* Without its note a body belongs to somebody, or has no pieces. */
static enum store_status
orphan_is_noted(struct sql_db *db, int64_t body, bool *noted_r)
{
	static const char sql[] = "SELECT 1 FROM unfinished WHERE body = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, body);
	return sql_run_found(&use, noted_r);
}

/*
 * Remove some pieces of a body that is noted as unfinished, in a transaction of
 * its own.  *gone_r says that no piece is left, and its note is gone as well.
 */
static enum store_status
orphan_step(struct sql_db *db, int64_t body, bool *gone_r)
{
	bool noted = false;
	enum store_status status = sql_begin(db, SQL_WRITE);

	*gone_r = false;
	if (status == STORE_OK)
		status = orphan_is_noted(db, body, &noted);
	if (status == STORE_OK && !noted)
		*gone_r = true;
	if (status == STORE_OK && noted)
		status = store_chunk_remove(db, body, ORPHAN_PIECES, gone_r);
	if (status == STORE_OK && noted && *gone_r)
		status = store_chunk_note_finished(db, body);
	if (status == STORE_OK)
		status = sql_commit(db);
	if (status != STORE_OK)
		*gone_r = false;
	return status;
}

enum store_status
store_chores_sweep(struct sql_db *db)
{
	enum store_status status;
	int64_t body;
	bool gone;

	for (;;) {
		status = sql_integer(db,
		    "SELECT coalesce(min(body), -1) FROM unfinished", &body);
		if (status != STORE_OK || body == -1)
			return status;
		do
			status = orphan_step(db, body, &gone);
		while (status == STORE_OK && !gone);
		if (status != STORE_OK)
			return status;
	}
}

void
store_chores_remove_body(struct store_chores *chores, int64_t body)
{
	int64_t *orphans = evpop_array_grow(chores->orphans,
	    chores->orphan_count, &chores->orphan_room, sizeof *orphans);

	/* Its row in `unfinished` is found at the next start. */
	if (orphans == NULL)
		return;
	chores->orphans = orphans;
	chores->orphans[chores->orphan_count++] = body;
}

static enum store_status
chores_remove_orphan(struct store_chores *chores)
{
	enum store_status status;
	bool is_gone;

	sql_patience_set(chores->patience, SQL_BUSY_MS);
	status = orphan_step(
	    chores->db, chores->orphans[chores->orphan_count - 1], &is_gone);
	if (is_gone)
		chores->orphan_count--;
	if (status != STORE_OK)
		sql_rollback(chores->db);
	return status;
}

/* ---- all of it ---- */

/*
 * A commit whose sync failed may come back from the log at the next start, and
 * be readable without being on the disk.  What is copied into the file is
 * synced anew.
 */
enum store_status
store_chores_begin(struct store_chores *chores, bool has_old_log)
{
	enum store_status status = STORE_OK;

	sql_patience_set(chores->patience, SQL_BUSY_MS);
	if (has_old_log)
		status = store_chores_empty_log(chores);
	sql_patience_set(chores->patience, INDEX_PATIENCE_MS);
	store_index_begin(chores->index, chores->db);
	store_removal_begin(chores->removal, chores->db);
	return status;
}

/* What is deleted may wait for a longer rest than what is new. */
static int64_t
chores_removal_next_ms(const struct store_chores *chores, int64_t worked_ms)
{
	const int64_t due_ms = store_removal_next_ms(chores->removal);
	const int64_t rested_ms = worked_ms + REMOVAL_REST_MS;
	const int64_t turn_ms = chores->removed_ms + TURN_MS;
	const int64_t free_ms = rested_ms < turn_ms ? rested_ms : turn_ms;

	return due_ms > free_ms ? due_ms : free_ms;
}

static int64_t
chores_indexes_next_ms(const struct store_chores *chores, int64_t worked_ms)
{
	int64_t index_ms = store_index_next_ms(chores->index);
	int64_t removal_ms = chores_removal_next_ms(chores, worked_ms);

	return index_ms < removal_ms ? index_ms : removal_ms;
}

static void
chores_remove_deleted(struct store_chores *chores, int64_t now_ms)
{
	bool is_index_damaged;
	int64_t body;

	store_removal_work(
	    chores->removal, chores->db, now_ms, &body, &is_index_damaged);
	if (body != 0)
		store_chores_remove_body(chores, body);
	if (is_index_damaged)
		store_index_doubt(chores->index);
}

/* New mail is to be found soon, and deleted mail to be gone: by turns. */
static void
chores_work_on_indexes(
    struct store_chores *chores, int64_t worked_ms, int64_t now_ms)
{
	bool is_index_due = store_index_next_ms(chores->index) <= now_ms;
	bool is_removal_due =
	    chores_removal_next_ms(chores, worked_ms) <= now_ms;

	sql_patience_set(chores->patience, INDEX_PATIENCE_MS);
	chores->is_removal_turn =
	    is_removal_due && (!is_index_due || !chores->is_removal_turn);
	if (chores->is_removal_turn) {
		chores->removed_ms = now_ms;
		chores_remove_deleted(chores, now_ms);
	} else if (is_index_due)
		store_index_work(chores->index, chores->db, now_ms);
}

/* When there will be something to do although nothing is queued. */
static int64_t
chores_next_ms(
    const struct store_chores *chores, int64_t worked_ms, int64_t now_ms)
{
	int64_t index_ms = chores_indexes_next_ms(chores, worked_ms);
	int64_t rested_ms = worked_ms + REST_MS;
	int64_t next_ms = STORE_QUEUE_FOREVER;

	if (chores->orphan_count > 0 || index_ms <= now_ms)
		return now_ms >= rested_ms ? STORE_QUEUE_NOW : rested_ms;
	if (log_is_above(chores, LOG_PAGES_IDLE))
		return rested_ms;
	if (chores->log_pages > 0)
		next_ms = chores->log_written_ms + LOG_REST_MS;
	return index_ms < next_ms ? index_ms : next_ms;
}

enum store_status
store_chores_step(struct store_chores *chores, bool is_idle, int64_t worked_ms,
    int64_t *wake_ms_r)
{
	int64_t now_ms = evpop_clock_monotonic_ms();
	bool is_resting = is_idle && now_ms - worked_ms >= REST_MS;
	enum store_status status = STORE_OK;

	*wake_ms_r = STORE_QUEUE_NOW;
	if (log_is_due(chores, is_resting, now_ms))
		status = store_chores_empty_log(chores);
	if (status != STORE_OK)
		return status;
	if (!is_resting && now_ms - chores->turn_ms < TURN_MS) {
		if (is_idle)
			*wake_ms_r = chores_next_ms(chores, worked_ms, now_ms);
		return STORE_OK;
	}
	chores->turn_ms = now_ms;
	if (chores->orphan_count > 0)
		status = chores_remove_orphan(chores);
	else
		chores_work_on_indexes(chores, worked_ms, now_ms);
	*wake_ms_r = chores_next_ms(chores, worked_ms, now_ms);
	return status;
}

void
store_chores_end(struct store_chores *chores, bool is_well)
{
	while (is_well && chores->orphan_count > 0)
		is_well = chores_remove_orphan(chores) == STORE_OK;
	sql_patience_set(chores->patience, is_well ? SQL_BUSY_MS : 0);
	/* The log has nothing to do with what lies in the file's place. */
	if (store_place_is_overwritten(chores->place, chores->db)) {
		sqlite_leave_log(chores->db);
		store_place_put_log_aside(chores->place);
		return;
	}
	/* A reader of another process may be in the way; the log then stays. */
	(void)sqlite_clear_log(chores->db);
}
