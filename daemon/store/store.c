#include "daemon/store/store.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/body.h"
#include "daemon/store/check.h"
#include "daemon/store/db.h"
#include "daemon/store/digest.h"
#include "daemon/store/error.h"
#include "daemon/store/files.h"
#include "daemon/store/orphan.h"
#include "daemon/store/private.h"
#include "daemon/store/reader.h"
#include "daemon/store/release.h"
#include "daemon/store/schema.h"
#include "lib/base/clock.h"

#define QUEUE_OCTETS_DEFAULT ((size_t)8 * 1024 * 1024)

/* Answers of one turn of the loop, so that sockets get theirs in between. */
#define ANSWERS_PER_TURN 512

/* ---- answers ---- */

static void
look_at_clock(struct store *store)
{
	struct store_clock was = store->clock;

	store_writer_clock(store->writer, &store->clock);
	if (store->clock.is_behind == was.is_behind &&
	    store->clock.times_set == was.times_set)
		return;
	if (store->clock_changed != NULL && !store->closing)
		store->clock_changed(store, store->clock_changed_arg);
}

static void
look_at_writer(struct store *store)
{
	struct store_error health;

	store_writer_told(store->writer, &health, &store->stats.commits);
	if (health.status == store->health.status)
		return;
	store->health = health;
	if (store->changed != NULL && !store->closing)
		store->changed(store, store->changed_arg);
}

static void
append_finished(struct store *store, struct store_op *op)
{
	struct store_op **tail = &store->finished;

	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = op;
}

/* Answer up to `most`; returns whether there is more to answer. */
static bool
answer_some(struct store *store, size_t most)
{
	struct store_op *op;

	append_finished(store, store_mailbox_collect(&store->mailbox));
	while ((op = store->finished) != NULL && most-- > 0) {
		store->finished = op->next;
		op->next = NULL;
		store_op_finished(store, op);
	}
	return store->finished != NULL;
}

static void
woken(int fd, short what, void *arg)
{
	struct store *store = arg;

	(void)fd;
	(void)what;
	store->answering = true;
	look_at_writer(store);
	look_at_clock(store);
	if (answer_some(store, ANSWERS_PER_TURN))
		store_mailbox_post(&store->mailbox, NULL);
	store_flow_check(store);
	store->answering = false;
}

/* ---- opening ---- */

static enum store_status
find_next_body(struct store_db *db, int64_t *next_r)
{
	int64_t last;
	enum store_status status = sql_integer(
	    db->sql, "SELECT coalesce(max(id), 0) FROM chunk", &last);

	*next_r = (last >> STORE_CHUNK_SEQUENCE_BITS) + 1;
	return status;
}

/* A probe of the writer may have been cut off before its removal. */
static enum store_status
prepare(struct store *store, struct store_db *db, struct store_error *error_r)
{
	enum store_status status = store_schema_open(db, store->path, error_r);

	if (status != STORE_OK)
		return status;
	status = sql_exec(db->sql, "DELETE FROM chunk WHERE id < 0");
	if (status == STORE_OK)
		status = store_orphan_sweep(db);
	if (status == STORE_OK)
		status = find_next_body(db, &store->next_body);
	if (status != STORE_OK)
		store_error_set(error_r, status, "%s: %s; %s", store->path,
		    sql_words(db->sql), store_status_hint(status));
	return status;
}

static enum store_status
count_quarantined(
    struct store *store, struct store_db *db, struct store_error *error_r)
{
	enum store_status status =
	    store_quarantine_count(db, &store->stats.quarantined);

	return status == STORE_OK
		   ? STORE_OK
		   : store_error_set(error_r, status,
			 "%s: cannot read what is in quarantine: %s; %s",
			 store->path, sql_words(db->sql),
			 store_status_hint(status));
}

static enum store_status
start_writer(struct store *store, int pack_level, struct store_error *error_r)
{
	const bool has_log = store_files_have_log(store->path);
	struct store_db db;
	enum store_status status = store_db_open(&db, store->path, SQL_WRITE);

	if (status != STORE_OK)
		store_error_set(error_r, status, "cannot open %s: %s; %s",
		    store->path, sql_words(db.sql), store_status_hint(status));
	db.codec.level = pack_level;
	if (status == STORE_OK)
		status = prepare(store, &db, error_r);
	if (status == STORE_OK)
		status = count_quarantined(store, &db, error_r);
	if (status == STORE_OK) {
		store->writer = store_writer_new(
		    &db, store->path, has_log, &store->mailbox);
		if (store->writer != NULL)
			return STORE_OK;
		status = store_error_set(error_r, STORE_MEMORY,
		    "cannot start a thread; %s",
		    store_status_hint(STORE_MEMORY));
	}
	store_db_close(&db);
	return status;
}

static enum store_status
start_readers(struct store *store, enum store_lane lane,
    const struct store_config *config, struct store_error *error_r)
{
	unsigned count = 1;
	enum store_status status;

	if (lane == STORE_LANE_SEARCHES)
		count =
		    config->searches != 0 ? config->searches : STORE_SEARCHES;
	if (!store_queue_init(&store->queries[lane]))
		return store_error_set(error_r, STORE_MEMORY, "out of memory");
	status = store_readers_new(&store->readers[lane], store->path, count,
	    &store->queries[lane], &store->mailbox, error_r);
	if (status != STORE_OK)
		store_queue_destroy(&store->queries[lane]);
	return status;
}

/* Of those lanes that have any. */
static void
stop_readers(struct store *store)
{
	for (size_t i = 0; i < STORE_LANE_COUNT; i++)
		if (store->readers[i] != NULL)
			store_readers_free(store->readers[i]);
}

static void
destroy_queries(struct store *store)
{
	for (size_t i = 0; i < STORE_LANE_COUNT; i++)
		if (store->readers[i] != NULL)
			store_queue_destroy(&store->queries[i]);
}

static enum store_status
start_threads(struct store *store, const struct store_config *config,
    struct store_error *error_r)
{
	enum store_status status =
	    start_writer(store, config->pack_level, error_r);
	enum store_lane lane;

	if (status != STORE_OK)
		return status;
	for (lane = 0; status == STORE_OK && lane < STORE_LANE_COUNT; lane++)
		status = start_readers(store, lane, config, error_r);
	if (status == STORE_OK)
		return STORE_OK;
	stop_readers(store);
	destroy_queries(store);
	store_writer_stop(store->writer);
	store_writer_free(store->writer);
	return status;
}

static struct store *
make(const struct store_config *config, struct event_base *base)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->path = strdup(config->path);
	store->base = base;
	store->lock_fd = -1;
	store->question_ms =
	    config->question_ms != 0 ? config->question_ms : STORE_QUESTION_MS;
	TAILQ_INIT(&store->questions);
	store->flow.limit = config->queue_octets != 0 ? config->queue_octets
						      : QUEUE_OCTETS_DEFAULT;
	if (store->path != NULL && store_digest_init() &&
	    store_history_init(store, base) &&
	    store_mailbox_init(&store->mailbox, base, woken, store))
		return store;
	store_history_destroy(store);
	free(store->path);
	free(store);
	return NULL;
}

static void
release(struct store *store)
{
	store_files_unlock(&store->lock_fd);
	store_mailbox_destroy(&store->mailbox);
	store_history_destroy(store);
	free(store->path);
	free(store);
}

enum store_status
store_open(struct store **store_r, const struct store_config *config,
    struct event_base *base, struct store_error *error_r)
{
	struct store *store = make(config, base);
	enum store_status status;

	*store_r = NULL;
	memset(error_r, 0, sizeof(*error_r));
	if (store == NULL)
		return store_error_set(error_r, STORE_MEMORY,
		    "out of memory or descriptors; %s",
		    store_status_hint(STORE_MEMORY));
	status = store_files_lock(store->path, &store->lock_fd, error_r);
	if (status == STORE_OK)
		status = start_threads(store, config, error_r);
	if (status != STORE_OK) {
		release(store);
		return status;
	}
	*store_r = store;
	return STORE_OK;
}

/* ---- closing ---- */

void
store_close(struct store **store_pointer)
{
	struct store *store = *store_pointer;

	if (store == NULL)
		return;
	assert(!store->answering);
	while (store->bodies != NULL)
		store_body_abort(store->bodies);
	store_history_close(store);
	store->closing = true;
	store_checker_free(store->checker);
	store_questions_leave(store);
	/* The readers first: an open query would keep the log from ending. */
	stop_readers(store);
	store_writer_stop(store->writer);
	store->answering = true;
	while (store->pending > 0)
		answer_some(store, SIZE_MAX);
	store_writer_free(store->writer);
	destroy_queries(store);
	release(store);
	*store_pointer = NULL;
}

/* ---- what the loop asks ---- */

const struct store_error *
store_health(const struct store *store)
{
	return &store->health;
}

void
store_set_health_cb(
    struct store *store, void (*changed)(struct store *, void *arg), void *arg)
{
	store->changed = changed;
	store->changed_arg = arg;
}

void
store_set_drain_cb(
    struct store *store, void (*drained)(struct store *, void *arg), void *arg)
{
	store->drained = drained;
	store->drained_arg = arg;
}

void
store_set_clock_cb(
    struct store *store, void (*changed)(struct store *, void *arg), void *arg)
{
	store->clock_changed = changed;
	store->clock_changed_arg = arg;
}

void
store_clock(struct store *store, struct store_clock *clock_r)
{
	store_writer_clock(store->writer, clock_r);
}

int64_t
store_age_now_ms(struct store *store, uint64_t setting)
{
	struct store_clock clock;

	if (setting == 0)
		return STORE_NEVER_MS;
	store_writer_clock(store->writer, &clock);
	return clock.setting == setting
		   ? clock.offset_ms + evpop_clock_elapsed_ms()
		   : STORE_NEVER_MS;
}

uint64_t
store_uids_version(const struct store *store)
{
	return store->uids_version;
}

void
store_stats(const struct store *store, struct store_stats *stats_r)
{
	*stats_r = store->stats;
	stats_r->queued_octets = store->flow.held;
	stats_r->queued_octets_max = store->flow.held_max;
}
