#include "daemon/store/writer.h"
#include "daemon/store/index/ahead.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/store/chores.h"
#include "daemon/store/error.h"
#include "daemon/store/mailbox.h"
#include "daemon/store/sql/sqlite.h"
#include "lib/base/clock.h"

/*
 * One transaction takes what waits up to these bounds: enough to share one
 * sync among hundreds of messages, and soon enough for those who wait for it.
 */
#define GROUP_OCTETS_MAX ((size_t)4 * 1024 * 1024)
#define GROUP_WORK_MS    50

/* How soon to try again after a failure. */
#define PROBE_INTERVAL_MS 3000

/* How soon it is seen that the file was moved, where nothing is written. */
#define WATCH_INTERVAL_MS 2000

/*
 * Once the thread is to end, it waits for another process this long in all: it
 * is enough for one that is at work, and those who stop a daemon wait, too.
 */
#define STOP_PATIENCE_MS 2000

struct store_queue *
store_writer_queue(struct store_writer *writer)
{
	return &writer->queue;
}

void
store_writer_told(struct store_writer *writer, struct store_error *health_r,
    uint64_t *commits_r)
{
	int failed = pthread_mutex_lock(&writer->told_mutex);

	assert(failed == 0);
	*health_r = writer->told_health;
	*commits_r = writer->told_commits;
	pthread_mutex_unlock(&writer->told_mutex);
}

void
store_writer_clock(struct store_writer *writer, struct store_clock *clock_r)
{
	int failed = pthread_mutex_lock(&writer->told_mutex);

	assert(failed == 0);
	*clock_r = writer->told_clock;
	pthread_mutex_unlock(&writer->told_mutex);
}

static void
tell_clock(struct store_writer *writer)
{
	struct store_clock clock = store_calendar_clock(&writer->calendar);
	int failed = pthread_mutex_lock(&writer->told_mutex);

	assert(failed == 0);
	writer->told_clock = clock;
	pthread_mutex_unlock(&writer->told_mutex);
}

/* Whoever reads ages from now on may see those of before, or of after. */
static void
tell_clock_unsure(struct store_writer *writer)
{
	int failed = pthread_mutex_lock(&writer->told_mutex);

	assert(failed == 0);
	writer->told_clock.setting = 0;
	pthread_mutex_unlock(&writer->told_mutex);
}

static void
tell_commit(struct store_writer *writer)
{
	int failed;

	store_calendar_committed(&writer->calendar);
	tell_clock(writer);
	failed = pthread_mutex_lock(&writer->told_mutex);
	assert(failed == 0);
	writer->told_commits++;
	pthread_mutex_unlock(&writer->told_mutex);
}

static bool
is_over(void *arg)
{
	struct store_writer *writer = arg;
	const int64_t now_ms = evpop_clock_monotonic_ms();

	if (writer->stop_ms == 0 && store_queue_is_stopped(&writer->queue))
		writer->stop_ms = now_ms + STOP_PATIENCE_MS;
	return writer->stop_ms != 0 && now_ms >= writer->stop_ms;
}

void
store_writer_wait(struct store_writer *writer, int64_t busy_ms)
{
	writer->patience.busy_ms = writer->health == STORE_OK ? busy_ms : 0;
}

void
store_writer_probe_later(struct store_writer *writer)
{
	writer->probe_ms = evpop_clock_monotonic_ms() + PROBE_INTERVAL_MS;
}

void
store_writer_set_health(struct store_writer *writer, enum store_status status)
{
	struct store_error health;
	int failed;

	if (status != STORE_OK)
		writer->probe_ms =
		    evpop_clock_monotonic_ms() + PROBE_INTERVAL_MS;
	if (status == writer->health)
		return;
	writer->health = status;
	memset(&health, 0, sizeof(health));
	if (status != STORE_OK)
		store_error_set(&health, status, "cannot write %s: %s; %s",
		    writer->path, sql_words(writer->db.sql),
		    store_status_hint(status));
	failed = pthread_mutex_lock(&writer->told_mutex);
	assert(failed == 0);
	writer->told_health = health;
	pthread_mutex_unlock(&writer->told_mutex);
	store_mailbox_post(writer->mailbox, NULL);
}

void
store_writer_orphan(struct store_writer *writer, int64_t body)
{
	if (writer->orphan_count == writer->orphan_room) {
		size_t room = writer->orphan_room * 2 + 16;
		int64_t *grown =
		    realloc(writer->orphans, room * sizeof(*writer->orphans));

		/* Its row in `unfinished` is found at the next start. */
		if (grown == NULL)
			return;
		writer->orphans = grown;
		writer->orphan_room = room;
	}
	writer->orphans[writer->orphan_count++] = body;
}

void
store_writer_undo(struct store_writer *writer)
{
	sql_rollback(writer->db.sql);
}

static void
undo_group(struct store_writer *writer, struct store_op *head,
    enum store_status status)
{
	store_writer_undo(writer);
	tell_clock(writer);
	writer->may_have_failures = true;
	for (struct store_op *op = head; op != NULL; op = op->next) {
		if (op->status == STORE_OK)
			op->status = status;
		if (op->type->undone != NULL)
			op->type->undone(writer, op);
	}
	store_writer_set_health(writer, status);
}

/* No transaction can begin: none of what waits needs to find out by itself. */
static void
take_all(struct store_writer *writer, struct store_op *op)
{
	for (; op != NULL; op = op->next)
		op->next = store_queue_take(&writer->queue, STORE_QUEUE_NOW);
}

/* Run operations from `op` on; *head_r is the chain of those that ran. */
static enum store_status
run_group(
    struct store_writer *writer, struct store_op *op, struct store_op **head_r)
{
	int64_t end_ms;
	struct store_op **tail = head_r;
	size_t octets = 0;
	enum store_status status;

	store_writer_wait(writer, SQL_BUSY_MS);
	status = store_place_check(&writer->place, &writer->db);
	if (status == STORE_OK)
		status = sql_begin(writer->db.sql, SQL_WRITE);
	if (status == STORE_OK)
		status = store_calendar_begin(&writer->calendar, &writer->db);
	if (status != STORE_OK) {
		*head_r = op;
		take_all(writer, op);
		return status;
	}
	end_ms = evpop_clock_monotonic_ms() + GROUP_WORK_MS;
	writer->counter = (struct store_counter){ .account_id = 0 };
	for (; op != NULL;
	     op = store_queue_take(&writer->queue, STORE_QUEUE_NOW)) {
		*tail = op;
		tail = &op->next;
		status = op->type->write(writer, op);
		octets += op->octets;
		if (status != STORE_OK || octets >= GROUP_OCTETS_MAX ||
		    evpop_clock_monotonic_ms() >= end_ms)
			break;
	}
	if (status == STORE_OK)
		status = store_counter_write(&writer->counter, &writer->db);
	if (status == STORE_OK)
		status = store_calendar_end(&writer->calendar, &writer->db);
	FAILPOINT("commit begun");
	if (status == STORE_OK && store_calendar_is_set(&writer->calendar))
		tell_clock_unsure(writer);
	if (status == STORE_OK)
		status = store_place_check(&writer->place, &writer->db);
	if (status == STORE_OK)
		status = sql_commit(writer->db.sql);
	FAILPOINT("commit done");
	return status;
}

/*
 * What was committed may have gone into a file that no name leads to: nobody
 * is told that it is durable.
 */
static void
doubt_group(struct store_writer *writer, struct store_op *head)
{
	enum store_status status =
	    store_place_check(&writer->place, &writer->db);

	if (status == STORE_OK)
		return;
	for (struct store_op *op = head; op != NULL; op = op->next)
		if (op->status == STORE_OK)
			op->status = status;
	store_writer_set_health(writer, status);
}

static void
group(struct store_writer *writer, struct store_op *first)
{
	struct store_op *head = NULL;
	enum store_status status = run_group(writer, first, &head);

	if (status != STORE_OK)
		undo_group(writer, head, status);
	else {
		tell_commit(writer);
		doubt_group(writer, head);
	}
	writer->worked_ms = evpop_clock_monotonic_ms();
	store_mailbox_post(writer->mailbox, head);
}

static void
log_written(void *arg, int pages)
{
	struct store_writer *writer = arg;

	writer->log_pages = pages;
	if (pages < writer->log_stuck)
		writer->log_stuck = 0;
	writer->log_idle_ms = evpop_clock_monotonic_ms();
}

/* A file that is moved while nobody writes is to be told, too. */
static int64_t
watch_place(struct store_writer *writer)
{
	int64_t now_ms = evpop_clock_monotonic_ms();
	enum store_status status;

	if (now_ms < writer->watch_ms)
		return writer->watch_ms;
	writer->watch_ms = now_ms + WATCH_INTERVAL_MS;
	if (writer->health == STORE_OK) {
		status = store_place_check(&writer->place, &writer->db);
		if (status != STORE_OK)
			store_writer_set_health(writer, status);
	}
	return writer->watch_ms;
}

static void *
writer_main(void *arg)
{
	struct store_writer *writer = arg;
	int64_t wake_ms = STORE_QUEUE_NOW, watch_ms;

	store_chores_first(writer);
	for (;;) {
		struct store_op *op = store_queue_take(&writer->queue, wake_ms);

		if (op != NULL)
			group(writer, op);
		else if (store_queue_is_stopped(&writer->queue))
			break;
		watch_ms = watch_place(writer);
		wake_ms =
		    store_chores(writer, store_queue_is_empty(&writer->queue));
		if (watch_ms < wake_ms)
			wake_ms = watch_ms;
	}
	store_chores_last(writer);
	return NULL;
}

struct store_writer *
store_writer_new(const struct store_db *db, const char *path, bool has_log,
    struct store_mailbox *mailbox)
{
	struct store_writer *writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		return NULL;
	writer->db = *db;
	if (store_place_note(&writer->place, &writer->db, path) == STORE_MEMORY)
		goto no_place;
	writer->path = path;
	writer->has_old_log = has_log;
	writer->mailbox = mailbox;
	writer->index_behind = true;
	writer->may_have_failures = true;
	writer->patience.is_over = is_over;
	writer->patience.arg = writer;
	sql_set_patience(writer->db.sql, &writer->patience);
	writer->chores_ms = evpop_clock_monotonic_ms();
	sqlite_set_log_cb(writer->db.sql, log_written, writer);
	if (pthread_mutex_init(&writer->told_mutex, NULL) != 0)
		goto no_mutex;
	if (!store_queue_init(&writer->queue))
		goto no_queue;
	writer->ahead = store_ahead_new(path, &writer->queue);
	if (pthread_create(&writer->thread, NULL, writer_main, writer) == 0)
		return writer;
	store_ahead_free(writer->ahead);
	store_queue_destroy(&writer->queue);
no_queue:
	pthread_mutex_destroy(&writer->told_mutex);
no_mutex:
	sqlite_set_log_cb(writer->db.sql, NULL, NULL);
	store_place_free(&writer->place);
no_place:
	sql_set_patience(writer->db.sql, NULL);
	free(writer);
	return NULL;
}

void
store_writer_stop(struct store_writer *writer)
{
	int failed;

	store_queue_stop(&writer->queue);
	failed = pthread_join(writer->thread, NULL);
	assert(failed == 0);
	store_ahead_free(writer->ahead);
	store_db_close(&writer->db);
}

void
store_writer_free(struct store_writer *writer)
{
	store_queue_destroy(&writer->queue);
	pthread_mutex_destroy(&writer->told_mutex);
	store_place_free(&writer->place);
	free(writer->orphans);
	free(writer);
}
