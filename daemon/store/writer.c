#include "daemon/store/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/store/attempts.h"
#include "daemon/store/calendar.h"
#include "daemon/store/chores.h"
#include "daemon/store/chunk.h"
#include "daemon/store/counter.h"
#include "daemon/store/grouping.h"
#include "daemon/store/index/index.h"
#include "daemon/store/meta.h"
#include "daemon/store/removal.h"
#include "daemon/store/routing.h"
#include "daemon/store/scan.h"
#include "daemon/store/sql/files.h"
#include "daemon/store/sql/place.h"
#include "daemon/store/sql/sqlite.h"
#include "daemon/store/status.h"
#include "daemon/store/targets.h"
#include "daemon/store/told.h"
#include "lib/base/clock.h"

/* How soon to try again after a failure. */
#define PROBE_INTERVAL_MS 3000

/* A try waits no longer for another process: so long all others wait for it. */
#define PROBE_PATIENCE_MS 500

/* How soon it is seen that the file was moved, where nothing is written. */
#define WATCH_INTERVAL_MS 2000

/* A commit that is no older has tried whether the file can be written. */
#define TRY_INTERVAL_MS 1000

/*
 * Below this a file system counts as full: a small write may go well in it,
 * where the log has pages to spare, and the next message not.
 */
#define ROOM_LEAST ((uint64_t)1024 * 1024)

/*
 * When the thread is asked to end, it waits for another process at most this
 * long in all: enough for one that is at work, and not too long for the person
 * who stops the daemon.
 */
#define STOP_PATIENCE_MS 2000

struct store_writer {
	struct sql_db *db;
	const char *path;
	struct store_queue *queue;
	struct store_mailbox *mailbox;
	pthread_t thread;

	/* The thread's own. */
	enum store_status health;
	struct sql_patience patience;
	int64_t stop_ms;   /* when it waits no longer; 0: it goes on */
	int64_t probe_ms;  /* when to try again */
	int64_t watch_ms;  /* when to look where the file is */
	int64_t worked_ms; /* when anybody's operation was done last */
	struct store_grouping grouping;
	bool has_old_log; /* an earlier process's */
	struct store_chores chores;
	struct store_calendar calendar;
	struct store_place place;
	struct store_counter counter;
	struct store_targets_counter targets;
	struct store_scan_held headers;
	struct store_attempts attempts;
	struct store_index *index;
	struct store_removal *removal;
	struct store_routing *routing;

	struct store_told told; /* read by the loop */
};

/* ---- what the loop is told ---- */

void
store_writer_told(struct store_writer *writer, struct store_error *health_r,
    struct histogram *commits_r)
{
	store_told_look(&writer->told, health_r, commits_r);
}

void
store_writer_clock(struct store_writer *writer, struct store_clock *clock_r)
{
	*clock_r = store_told_clock(&writer->told);
}

static void
writer_tell_clock(struct store_writer *writer)
{
	store_told_set_clock(
	    &writer->told, store_calendar_clock(&writer->calendar));
}

/* Remember a failure, or that all is well again, and tell the loop. */
static void
writer_set_health(struct store_writer *writer, enum store_status status)
{
	struct store_error health = { .status = status };

	if (status != STORE_OK)
		writer->probe_ms =
		    evpop_clock_monotonic_ms() + PROBE_INTERVAL_MS;
	if (status == writer->health)
		return;
	writer->health = status;
	if (status != STORE_OK)
		store_error_set(&health, status, "cannot write %s: %s; %s",
		    writer->path, sql_words(writer->db),
		    store_status_hint(status));
	store_told_set_health(&writer->told, &health);
	store_mailbox_post(writer->mailbox, NULL);
}

/* ---- what operations work with ---- */

struct sql_db *
store_writer_db(struct store_writer *writer)
{
	return writer->db;
}

enum store_status
store_writer_health(const struct store_writer *writer)
{
	return writer->health;
}

struct store_calendar *
store_writer_calendar(struct store_writer *writer)
{
	return &writer->calendar;
}

struct store_index *
store_writer_index(struct store_writer *writer)
{
	return writer->index;
}

struct store_removal *
store_writer_removal(struct store_writer *writer)
{
	return writer->removal;
}

struct store_attempts *
store_writer_attempts(struct store_writer *writer)
{
	return &writer->attempts;
}

struct store_counter *
store_writer_counter(struct store_writer *writer)
{
	return &writer->counter;
}

struct store_targets_counter *
store_writer_targets(struct store_writer *writer)
{
	return &writer->targets;
}

struct store_routing *
store_writer_routing(struct store_writer *writer)
{
	return writer->routing;
}

struct store_scan_held *
store_writer_headers(struct store_writer *writer)
{
	return &writer->headers;
}

void
store_writer_remove_body(struct store_writer *writer, int64_t body)
{
	store_chores_remove_body(&writer->chores, body);
}

/* ---- whether the file can be written ---- */

static enum store_status
writer_check_room(struct store_writer *writer)
{
	uint64_t room = store_files_room(writer->path);

	if (room >= ROOM_LEAST)
		return STORE_OK;
	return sql_fail(writer->db, STORE_FULL, "only %" PRIu64 " KiB are free",
	    room / 1024);
}

enum store_status
store_writer_try(struct store_writer *writer)
{
	enum store_status status;

	if (evpop_clock_monotonic_ms() -
		store_chores_log_written_ms(&writer->chores) <
	    TRY_INTERVAL_MS)
		return STORE_OK;
	status = writer_check_room(writer);
	return status != STORE_OK ? status
				  : store_meta_set(writer->db, "tried_ms",
					store_db_now_ms(writer->db));
}

/* After a failure: whether it can be written again. */
static void
writer_probe(struct store_writer *writer)
{
	enum store_status status =
	    store_place_check(&writer->place, writer->db);

	if (status == STORE_OK)
		status = writer_check_room(writer);
	writer->patience.busy_ms = PROBE_PATIENCE_MS;
	if (status == STORE_OK)
		status = store_chunk_try(writer->db);
	if (status == STORE_OK)
		status = store_chores_empty_log(&writer->chores);
	writer_set_health(writer, status);
}

/* Notice that the file was moved even while nobody writes. */
static int64_t
writer_watch_place(struct store_writer *writer)
{
	int64_t now_ms = evpop_clock_monotonic_ms();
	enum store_status status;

	if (now_ms < writer->watch_ms)
		return writer->watch_ms;
	writer->watch_ms = now_ms + WATCH_INTERVAL_MS;
	if (writer->health == STORE_OK) {
		status = store_place_check(&writer->place, writer->db);
		if (status != STORE_OK)
			writer_set_health(writer, status);
	}
	return writer->watch_ms;
}

static bool
writer_is_out_of_patience(void *arg)
{
	struct store_writer *writer = arg;
	const int64_t now_ms = evpop_clock_monotonic_ms();

	if (writer->stop_ms == 0 && store_queue_is_stopped(writer->queue))
		writer->stop_ms = now_ms + STOP_PATIENCE_MS;
	return writer->stop_ms != 0 && now_ms >= writer->stop_ms;
}

/* ---- transactions ---- */

/* No transaction can begin: none of what waits needs to find out by itself. */
static void
group_take_all(struct store_writer *writer, struct store_op_list *group)
{
	struct store_op *op;

	while ((op = store_queue_take(writer->queue, STORE_QUEUE_NOW)) != NULL)
		STAILQ_INSERT_TAIL(group, op, next);
}

static enum store_status
group_begin(struct store_writer *writer)
{
	enum store_status status;

	/* Nobody waits for another process while the store is known to fail. */
	writer->patience.busy_ms = writer->health == STORE_OK ? SQL_BUSY_MS : 0;
	status = store_place_check(&writer->place, writer->db);
	if (status == STORE_OK)
		status = sql_begin(writer->db, SQL_WRITE);
	if (status == STORE_OK)
		status = store_calendar_begin(&writer->calendar, writer->db);
	writer->counter = (struct store_counter){ .account_id = 0 };
	writer->targets.count = 0;
	return status;
}

/* Run `op`, and others while they come. */
static enum store_status
group_write(struct store_writer *writer, struct store_op *op,
    struct store_op_list *group)
{
	struct store_grouping *grouping = &writer->grouping;
	int64_t now_ms = evpop_clock_monotonic_ms();
	enum store_status status;

	store_grouping_begin(grouping, now_ms);
	do {
		STAILQ_INSERT_TAIL(group, op, next);
		status = op->type->write(writer, op);
		store_grouping_add(grouping, op->octets);
		now_ms = evpop_clock_monotonic_ms();
	} while (status == STORE_OK &&
		 !store_grouping_is_full(grouping, now_ms) &&
		 (op = store_queue_take(writer->queue,
		      store_grouping_until_ms(grouping, now_ms))) != NULL);
	return status;
}

static void
group_undo_one(
    struct store_writer *writer, struct store_op *op, enum store_status status)
{
	store_attempts_undone(&writer->attempts);
	store_routing_undone(writer->routing);
	if (status == STORE_OK || op->status == STORE_OK)
		op->status = status;
	if (op->type->undone != NULL)
		op->type->undone(writer, op, op->status);
}

/* Whether an operation may fail so while others do not. */
static bool
group_can_go_on(struct store_writer *writer, enum store_status status)
{
	return (status == STORE_MEMORY || status == STORE_DAMAGED) &&
	       sql_is_in_transaction(writer->db);
}

/*
 * Write a group anew in which an operation has failed, and undo alone what
 * fails.  Not all groups are written so: with a savepoint SQLite copies each
 * page before it changes, which takes nearly as long as the work itself.
 */
static enum store_status
group_write_each(struct store_writer *writer, struct store_op_list *group,
    enum store_status *health_r)
{
	enum store_status status;
	struct store_op *op;

	sql_rollback(writer->db);
	STAILQ_FOREACH(op, group, next)
		group_undo_one(writer, op, STORE_OK);
	status = group_begin(writer);
	STAILQ_FOREACH(op, group, next) {
		const struct store_counter counter = writer->counter;
		const struct store_targets_counter targets = writer->targets;

		if (status == STORE_OK)
			status = sql_savepoint(writer->db);
		if (status != STORE_OK)
			return status;
		status = op->type->write(writer, op);
		if (status == STORE_OK) {
			status = sql_savepoint_keep(writer->db);
			continue;
		}
		if (!group_can_go_on(writer, status))
			return status;
		if (status == STORE_DAMAGED && !sql_was_refused(writer->db))
			*health_r = status;
		writer->counter = counter;
		writer->targets = targets;
		group_undo_one(writer, op, status);
		status = sql_savepoint_undo(writer->db);
	}
	return status;
}

static enum store_status
group_commit(struct store_writer *writer)
{
	enum store_status status =
	    store_counter_write(&writer->counter, writer->db);

	if (status == STORE_OK)
		status = store_targets_write(&writer->targets, writer->db);
	if (status == STORE_OK)
		status = store_calendar_end(&writer->calendar, writer->db);
	FAILPOINT("commit begun");
	if (status == STORE_OK && store_calendar_is_set(&writer->calendar))
		store_told_set_clock(&writer->told,
		    store_calendar_clock_unsure(&writer->calendar));
	if (status == STORE_OK)
		status = store_place_check(&writer->place, writer->db);
	if (status == STORE_OK)
		status = sql_commit(writer->db);
	FAILPOINT("commit done");
	return status;
}

static void
group_undo(struct store_writer *writer, struct store_op_list *group,
    enum store_status status)
{
	struct store_op *op;

	sql_rollback(writer->db);
	writer_tell_clock(writer);
	STAILQ_FOREACH(op, group, next)
		group_undo_one(writer, op, status);
	writer_set_health(writer, status);
}

/*
 * The commit may have gone into a file that no name leads to: do not call it
 * durable.
 */
static void
group_doubt(struct store_writer *writer, struct store_op_list *group)
{
	enum store_status status =
	    store_place_check(&writer->place, writer->db);
	struct store_op *op;

	if (status == STORE_OK)
		return;
	STAILQ_FOREACH(op, group, next)
		if (op->status == STORE_OK)
			op->status = status;
	writer_set_health(writer, status);
}

static void
writer_run_group(struct store_writer *writer, struct store_op *first)
{
	struct store_op_list group = STAILQ_HEAD_INITIALIZER(group);
	enum store_status status = group_begin(writer), health = STORE_OK;
	int64_t begun_us = 0;
	struct store_op *op;

	if (status != STORE_OK) {
		STAILQ_INSERT_TAIL(&group, first, next);
		group_take_all(writer, &group);
	} else {
		status = group_write(writer, first, &group);
		if (group_can_go_on(writer, status))
			status = group_write_each(writer, &group, &health);
		begun_us = evpop_clock_monotonic_us();
		if (status == STORE_OK)
			status = group_commit(writer);
	}
	if (status != STORE_OK)
		group_undo(writer, &group, status);
	else {
		store_told_add_commit(
		    &writer->told, evpop_clock_monotonic_us() - begun_us);
		store_calendar_committed(&writer->calendar);
		writer_tell_clock(writer);
		/* A damaged file is damaged, whoever has met it. */
		if (health != STORE_OK)
			writer_set_health(writer, health);
		group_doubt(writer, &group);
	}
	STAILQ_FOREACH(op, &group, next)
		if (op->type->written != NULL)
			op->type->written(op);
	writer->worked_ms = evpop_clock_monotonic_ms();
	store_grouping_end(&writer->grouping, writer->worked_ms);
	store_mailbox_post_all(writer->mailbox, &group);
}

/* ---- the thread ---- */

/* Returns when to come back, as store_queue_take() takes it. */
static int64_t
writer_do_chores(struct store_writer *writer)
{
	enum store_status status;
	int64_t wake_ms;

	if (writer->health != STORE_OK &&
	    evpop_clock_monotonic_ms() >= writer->probe_ms)
		writer_probe(writer);
	if (writer->health != STORE_OK)
		return writer->probe_ms;
	status = store_chores_step(&writer->chores,
	    store_queue_is_empty(writer->queue), writer->worked_ms, &wake_ms);
	if (status == STORE_OK)
		return wake_ms;
	writer_set_health(writer, status);
	return writer->probe_ms;
}

static void *
writer_main(void *arg)
{
	struct store_writer *writer = arg;
	int64_t wake_ms = STORE_QUEUE_NOW, watch_ms;
	enum store_status status =
	    store_chores_begin(&writer->chores, writer->has_old_log);

	if (status != STORE_OK)
		writer_set_health(writer, status);
	for (;;) {
		struct store_op *op = store_queue_take(writer->queue, wake_ms);

		if (op != NULL)
			writer_run_group(writer, op);
		else if (store_queue_is_stopped(writer->queue))
			break;
		watch_ms = writer_watch_place(writer);
		wake_ms = writer_do_chores(writer);
		if (watch_ms < wake_ms)
			wake_ms = watch_ms;
	}
	store_chores_end(&writer->chores, writer->health == STORE_OK);
	return NULL;
}

struct store_writer *
store_writer_new(struct sql_db *db, const char *path, bool has_log,
    struct store_queue *queue, struct store_mailbox *mailbox)
{
	struct store_writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		return NULL;
	writer->db = db;
	writer->path = path;
	writer->has_old_log = has_log;
	writer->queue = queue;
	writer->mailbox = mailbox;
	writer->patience.is_over = writer_is_out_of_patience;
	writer->patience.arg = writer;
	store_attempts_undone(&writer->attempts);
	writer->index = store_index_new(path, queue);
	if (writer->index == NULL)
		goto no_index;
	writer->removal =
	    store_removal_new(path, &writer->place, &writer->patience, queue);
	if (writer->removal == NULL)
		goto no_removal;
	writer->routing = store_routing_new(NULL, 0);
	if (writer->routing == NULL)
		goto no_routing;
	if (store_place_note(&writer->place, writer->db, path) == STORE_MEMORY)
		goto no_place;
	if (!store_told_init(&writer->told))
		goto no_mutex;
	sql_set_patience(writer->db, &writer->patience);
	store_chores_init(&writer->chores, writer->db, &writer->place,
	    &writer->patience, writer->index, writer->removal);
	if (pthread_create(&writer->thread, NULL, writer_main, writer) == 0)
		return writer;
	store_chores_free(&writer->chores);
	sql_set_patience(writer->db, NULL);
	store_told_destroy(&writer->told);
no_mutex:
	store_place_free(&writer->place);
no_place:
	store_routing_free(writer->routing);
no_routing:
	store_removal_free(writer->removal);
no_removal:
	store_index_free(writer->index);
no_index:
	free(writer);
	return NULL;
}

void
store_writer_stop(struct store_writer *writer)
{
	int failed;

	store_queue_stop(writer->queue);
	failed = pthread_join(writer->thread, NULL);
	assert(failed == 0);
	store_chores_free(&writer->chores);
	store_routing_free(writer->routing);
	store_removal_free(writer->removal);
	store_index_free(writer->index);
	store_db_close(writer->db);
}

void
store_writer_free(struct store_writer *writer)
{
	store_told_destroy(&writer->told);
	store_place_free(&writer->place);
	free(writer);
}
