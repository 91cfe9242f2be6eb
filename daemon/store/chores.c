#include "daemon/store/chores.h"

#include "daemon/store/index/ahead.h"
#include "daemon/store/index/index.h"
#include "daemon/store/orphan.h"
#include "daemon/store/sql/sqlite.h"
#include "daemon/store/trial.h"
#include "daemon/store/writer.h"
#include "lib/base/clock.h"

/*
 * Between two pieces of mail the queue is empty often, but not for long: what
 * takes a while, or a sync, waits until nothing has come for this time.  Under
 * constant work chores still get their turn.
 */
#define REST_MS 100
#define TURN_MS 1000

/*
 * Pages of the log (16 KiB each).  Above the first bound it is checkpointed as
 * soon as nobody waits, above the second even while somebody does, and below
 * both after a longer rest.
 */
#define LOG_PAGES_IDLE 512
#define LOG_PAGES_MAX  4096
#define LOG_REST_MS    2000

/* After a failure of the index, which is never worth the health of the rest. */
#define INDEX_RETRY_MS 30000
/* Nor worth that anybody else waits while another process holds the file. */
#define INDEX_PATIENCE_MS 100

/*
 * While a reader keeps the log from starting over, trying at each commit would
 * cost a sync and gain nothing: wait for as much again.
 */
static bool
log_is_above(const struct store_writer *writer, int pages)
{
	return writer->log_pages - writer->log_stuck > pages;
}

/* A reader in the way is no failure: the next one takes the rest. */
static enum store_status
empty_log(struct store_writer *writer)
{
	int pages, done;
	enum store_status status =
	    store_place_check(&writer->place, &writer->db);

	if (status != STORE_OK)
		return status;
	status = sqlite_checkpoint(writer->db.sql, &pages, &done);
	store_place_written(&writer->place, &writer->db);
	writer->log_pages = 0;
	writer->log_stuck = done < pages ? pages : 0;
	return status == STORE_BUSY ? STORE_OK : status;
}

static void
checkpoint(struct store_writer *writer)
{
	enum store_status status = empty_log(writer);

	if (status != STORE_OK)
		store_writer_set_health(writer, status);
}

/* A try waits no longer for another process: so long all others wait for it. */
#define PROBE_PATIENCE_MS 500

/* A real write of the size of a full piece, and its removal. */
static const char probe_sql[] =
    "INSERT OR REPLACE INTO chunk(id, data) VALUES(-1, zeroblob(262144))";
static const char unprobe_sql[] = "DELETE FROM chunk WHERE id = -1";

static void
probe(struct store_writer *writer)
{
	enum store_status status =
	    store_place_check(&writer->place, &writer->db);

	if (status == STORE_OK)
		status = store_trial_room(writer);
	writer->patience.busy_ms = PROBE_PATIENCE_MS;
	if (status == STORE_OK)
		status = sql_exec(writer->db.sql, probe_sql);
	if (status == STORE_OK)
		status = sql_exec(writer->db.sql, unprobe_sql);
	if (status == STORE_OK)
		status = empty_log(writer);
	store_writer_probe_later(writer);
	store_writer_set_health(writer, status);
}

static void
remove_orphan(struct store_writer *writer)
{
	bool gone;
	enum store_status status;

	store_writer_wait(writer, SQL_BUSY_MS);
	status = store_orphan_step(
	    &writer->db, writer->orphans[writer->orphan_count - 1], &gone);

	if (gone)
		writer->orphan_count--;
	if (status != STORE_OK) {
		store_writer_undo(writer);
		store_writer_set_health(writer, status);
	}
}

/*
 * What a damaged index says, or one of an earlier version, is in the messages,
 * too: make it anew.  Should that not help, it is the file that is damaged.
 */
static void
restart_index(struct store_writer *writer, int64_t now_ms)
{
	enum store_status status;

	store_writer_wait(writer, INDEX_PATIENCE_MS);
	status = store_index_restart(&writer->db);
	writer->index_behind = true;
	writer->index_asked = false;
	if (!writer->index_outdated)
		writer->index_restarted =
		    status == STORE_OK || status == STORE_DAMAGED;
	if (status == STORE_OK) {
		writer->index_outdated = false;
		return;
	}
	store_writer_undo(writer);
	writer->index_retry_ms = now_ms + INDEX_RETRY_MS;
}

/*
 * A commit whose sync failed may come back from the log at the next start, and
 * be readable without being on the disk.  What is copied into the file is
 * synced anew.
 */
void
store_chores_first(struct store_writer *writer)
{
	bool is_current;

	if (writer->has_old_log)
		checkpoint(writer);
	writer->index_outdated =
	    store_index_is_current(&writer->db, &is_current) == STORE_OK &&
	    !is_current;
	/* Of a new store there is nothing to be done behind other work. */
	if (writer->index_outdated && store_index_is_empty(&writer->db))
		restart_index(writer, evpop_clock_monotonic_ms());
}

static void
index_more(struct store_writer *writer, int64_t now_ms)
{
	bool more = true, damaged;
	enum store_status status;

	/* Whoever reads ahead wakes the writer when there is something. */
	if (writer->ahead != NULL && !writer->index_asked) {
		store_ahead_look(writer->ahead);
		writer->index_asked = true;
		return;
	}
	store_writer_wait(writer, INDEX_PATIENCE_MS);
	status = store_index_step(
	    &writer->db, writer->ahead, &writer->queue, &more, &damaged);
	writer->index_behind = more;
	if (status == STORE_OK)
		return;
	store_writer_undo(writer);
	writer->index_asked = false;
	writer->index_damaged = damaged;
	if (!damaged || writer->index_restarted)
		writer->index_retry_ms = now_ms + INDEX_RETRY_MS;
}

static bool
restart_is_wanted(const struct store_writer *writer)
{
	return writer->index_outdated ||
	       (writer->index_damaged && !writer->index_restarted);
}

static bool
restart_is_due(const struct store_writer *writer, int64_t now_ms)
{
	return restart_is_wanted(writer) && now_ms >= writer->index_retry_ms;
}

static bool
index_is_due(const struct store_writer *writer, int64_t now_ms)
{
	return writer->index_behind && now_ms >= writer->index_retry_ms &&
	       (writer->ahead == NULL || !writer->index_asked ||
		   store_ahead_is_ready(writer->ahead));
}

static bool
rested(const struct store_writer *writer, int64_t now_ms)
{
	return now_ms - writer->worked_ms >= REST_MS;
}

/* When there will be something to do although nothing is queued. */
static int64_t
next_time(const struct store_writer *writer, int64_t now_ms)
{
	int64_t next_ms = STORE_QUEUE_FOREVER;

	if (writer->orphan_count > 0 || restart_is_due(writer, now_ms) ||
	    index_is_due(writer, now_ms))
		return rested(writer, now_ms) ? STORE_QUEUE_NOW
					      : writer->worked_ms + REST_MS;
	if (log_is_above(writer, LOG_PAGES_IDLE))
		return writer->worked_ms + REST_MS;
	if (writer->log_pages > 0)
		next_ms = writer->log_idle_ms + LOG_REST_MS;
	if ((writer->index_behind || restart_is_wanted(writer)) &&
	    writer->index_retry_ms > now_ms && writer->index_retry_ms < next_ms)
		next_ms = writer->index_retry_ms;
	return next_ms;
}

int64_t
store_chores(struct store_writer *writer, bool idle)
{
	int64_t now_ms = evpop_clock_monotonic_ms();
	bool resting = idle && rested(writer, now_ms);

	if (writer->health != STORE_OK) {
		if (now_ms >= writer->probe_ms)
			probe(writer);
		if (writer->health != STORE_OK)
			return writer->probe_ms;
	}
	if (log_is_above(writer, LOG_PAGES_MAX) ||
	    (resting && log_is_above(writer, LOG_PAGES_IDLE)) ||
	    (writer->log_pages > 0 &&
		now_ms - writer->log_idle_ms >= LOG_REST_MS))
		checkpoint(writer);
	if (!resting && now_ms - writer->chores_ms < TURN_MS)
		return idle ? next_time(writer, now_ms) : STORE_QUEUE_NOW;
	writer->chores_ms = now_ms;
	if (writer->orphan_count > 0)
		remove_orphan(writer);
	else if (restart_is_due(writer, now_ms))
		restart_index(writer, now_ms);
	else if (index_is_due(writer, now_ms))
		index_more(writer, now_ms);
	if (writer->health != STORE_OK)
		return writer->probe_ms;
	return next_time(writer, now_ms);
}

/* What lies in the file's place has nothing to do with what was logged. */
static void
leave_log(struct store_writer *writer)
{
	sqlite_leave_log(writer->db.sql);
	store_place_put_log_aside(&writer->place);
}

void
store_chores_last(struct store_writer *writer)
{
	while (writer->health == STORE_OK && writer->orphan_count > 0)
		remove_orphan(writer);
	store_writer_wait(writer, SQL_BUSY_MS);
	if (store_place_is_overwritten(&writer->place, &writer->db)) {
		leave_log(writer);
		return;
	}
	/* A reader of another process may be in the way; the log then stays. */
	sqlite_checkpoint_last(writer->db.sql);
}
