#include "daemon/store/question.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/notify/notify.h"
#include "daemon/store/backup.h"
#include "daemon/store/body.h"
#include "daemon/store/check.h"
#include "daemon/store/chores.h"
#include "daemon/store/chunk.h"
#include "daemon/store/codec.h"
#include "daemon/store/copy.h"
#include "daemon/store/db.h"
#include "daemon/store/digest.h"
#include "daemon/store/epoch.h"
#include "daemon/store/keying.h"
#include "daemon/store/private.h"
#include "daemon/store/reader.h"
#include "daemon/store/retain.h"
#include "daemon/store/retention.h"
#include "daemon/store/sealed.h"
#include "daemon/store/sql/files.h"
#include "daemon/store/sql/schema.h"
#include "daemon/store/writer.h"
#include "lib/base/clock.h"

#define QUEUE_OCTETS_DEFAULT ((size_t)8 * 1024 * 1024)

/* The most answers in one turn of the loop, so that sockets get their turn. */
#define ANSWERS_PER_TURN 512

/* ---- answers ---- */

static void
store_look_at_clock(struct store *store)
{
	struct store_clock was = store->clock;

	store_writer_clock(store->writer, &store->clock);
	if (store->clock.is_behind == was.is_behind &&
	    store->clock.times_set == was.times_set)
		return;
	if (!store->is_closing)
		notify_publish(store->notify,
		    &(struct notify_event){ .kind = NOTIFY_CLOCK });
}

static void
store_look_at_health(struct store *store)
{
	const struct store_error *told = &store->health;
	struct store_error health;

	store_writer_told(
	    store->writer, &health, &store->stats.commit_duration);
	store->stats.commits = histogram_count(&store->stats.commit_duration);
	if (health.status == told->status)
		return;
	store->health = health;
	if (!store->is_closing)
		notify_publish(store->notify,
		    &(struct notify_event){ .kind = NOTIFY_STORE_HEALTH,
			.health = { .works = health.status == STORE_OK,
			    .text = told->text } });
}

/* Threads have posted something. */
static void
store_woken(int fd, short what, void *arg)
{
	struct store *store = arg;

	(void)fd;
	(void)what;
	store->is_answering = true;
	if (store->writer != NULL) {
		store_look_at_health(store);
		store_look_at_clock(store);
	}
	if (store_ops_answer(store->ops, ANSWERS_PER_TURN))
		store_mailbox_post(store_ops_mailbox(store->ops), NULL);
	store_bodies_check(store->bodies);
	store->is_answering = false;
}

/* ---- opening ---- */

static enum store_status
open_number_bodies(struct store *store, struct sql_db *db)
{
	int64_t last;
	enum store_status status =
	    sql_integer(db, "SELECT coalesce(max(id), 0) FROM chunk", &last);

	store_bodies_begin(
	    store->bodies, (last >> STORE_CHUNK_SEQUENCE_BITS) + 1);
	return status;
}

static enum store_status
open_count_quarantined(struct store *store, struct sql_db *db)
{
	int64_t count;
	enum store_status status =
	    sql_integer(db, "SELECT count(*) FROM quarantine", &count);

	store->stats.quarantined = (uint64_t)count;
	return status;
}

/* The keys that the writer works with. */
static enum store_status
open_keys(struct store *store, struct sql_db *db,
    const struct store_config *config, struct store_error *error_r)
{
	const bool seals = config->seal_to != NULL;
	enum store_status status;
	bool is_keyed;

	if (config->digest_key != NULL)
		store->digest_key = store_digest_key_new(config->digest_key);
	if (seals)
		store->sealer = store_sealer_new(config->seal_to);
	if ((config->digest_key != NULL && store->digest_key == NULL) ||
	    (seals && store->sealer == NULL))
		return store_error_set(error_r, STORE_MEMORY,
		    "out of memory; %s", store_status_hint(STORE_MEMORY));
	status = store_keying_open(
	    db, store->path, store->digest_key, seals, &is_keyed, error_r);
	if (status != STORE_OK)
		return status;
	if (!is_keyed) {
		store_digest_key_free(store->digest_key);
		store->digest_key = NULL;
	}
	store_db_set_digest_key(db, store->digest_key);
	store_db_set_sealer(db, store->sealer);
	return STORE_OK;
}

static enum store_status
open_prepare(struct store *store, struct sql_db *db,
    const struct store_config *config, struct store_error *error_r)
{
	enum store_status status = store_schema_open(db, store->path, error_r);

	if (status == STORE_OK)
		status = open_keys(store, db, config, error_r);
	if (status != STORE_OK)
		return status;
	/* A probe of the writer may have been cut off before its removal. */
	status = sql_exec(db, "DELETE FROM chunk WHERE id < 0");
	if (status == STORE_OK)
		status = store_chores_sweep(db);
	if (status == STORE_OK)
		status = open_number_bodies(store, db);
	if (status == STORE_OK)
		status = open_count_quarantined(store, db);
	if (status == STORE_OK)
		status = store_epoch_begin(db, store->path);
	if (status != STORE_OK)
		store_error_set(error_r, status, "%s: %s; %s", store->path,
		    sql_words(db), store_status_hint(status));
	return status;
}

static enum store_status
open_start_writer(struct store *store, const struct store_config *config,
    struct store_error *error_r)
{
	const bool has_log = store_files_have_log(store->path);
	struct sql_db *db;
	enum store_status status = store_db_open(&db, store->path, SQL_WRITE);

	if (status != STORE_OK)
		store_error_set(error_r, status, "cannot open %s: %s; %s",
		    store->path, sql_words(db), store_status_hint(status));
	else
		store_db_codec(db)->level = config->pack_level;
	if (status == STORE_OK)
		status = open_prepare(store, db, config, error_r);
	if (status == STORE_OK) {
		store->writer = store_writer_new(db, store->path, has_log,
		    store_ops_queue(store->ops, STORE_LANE_WRITES),
		    store_ops_mailbox(store->ops));
		if (store->writer != NULL)
			return STORE_OK;
		status = store_error_set(error_r, STORE_MEMORY,
		    "cannot start a thread; %s",
		    store_status_hint(STORE_MEMORY));
	}
	store_db_close(db);
	return status;
}

static enum store_status
open_start_readers(struct store *store, enum store_lane lane,
    const struct store_config *config, struct store_error *error_r)
{
	unsigned count = 1;

	if (lane == STORE_LANE_SEARCHES)
		count =
		    config->searches != 0 ? config->searches : STORE_SEARCHES;
	return store_readers_new(&store->readers[lane], store->path, count,
	    store_ops_queue(store->ops, lane), store_ops_mailbox(store->ops),
	    error_r);
}

/* Stop the readers of the lanes that have any. */
static void
store_stop_readers(struct store *store)
{
	for (size_t i = 0; i < STORE_LANE_COUNT; i++)
		if (store->readers[i] != NULL)
			store_readers_free(store->readers[i]);
}

static void
store_stop_writer(struct store *store)
{
	if (store->writer != NULL)
		store_writer_stop(store->writer);
}

static void
store_free_writer(struct store *store)
{
	if (store->writer != NULL)
		store_writer_free(store->writer);
}

/* Nobody migrates it: its schema is this one's, or it cannot be read. */
static enum store_status
open_to_read(struct store *store, struct store_error *error_r)
{
	struct sql_db *db;
	enum store_status status = store_files_exist(store->path, error_r);

	if (status != STORE_OK)
		return status;
	status = store_db_open(&db, store->path, SQL_READ);
	if (status != STORE_OK)
		store_error_set(error_r, status, "cannot open %s: %s; %s",
		    store->path, sql_words(db), store_status_hint(status));
	else
		status = store_schema_check(db, store->path, error_r);
	store_db_close(db);
	store_ops_read_only(store->ops);
	return status;
}

static enum store_status
open_start_threads(struct store *store, const struct store_config *config,
    struct store_error *error_r)
{
	enum store_status status =
	    config->reads_only ? open_to_read(store, error_r)
			       : open_start_writer(store, config, error_r);
	enum store_lane lane = STORE_LANE_WRITES + 1;

	if (status != STORE_OK)
		return status;
	for (; status == STORE_OK && lane < STORE_LANE_COUNT; lane++)
		status = open_start_readers(store, lane, config, error_r);
	if (status == STORE_OK)
		return STORE_OK;
	store_stop_readers(store);
	store_stop_writer(store);
	store_free_writer(store);
	return status;
}

static void
store_free(struct store *store)
{
	store_files_unlock(&store->lock_fd);
	if (store->history != NULL)
		store_history_free(store->history);
	if (store->ops != NULL)
		store_ops_free(store->ops);
	if (store->retention != NULL)
		store_retention_free(store->retention);
	store_retain_free(store->retain);
	store_bodies_free(store->bodies);
	store_digest_key_free(store->digest_key);
	store_sealer_free(store->sealer);
	free(store->path);
	free(store);
}

/* NULL without memory or descriptors. */
static struct store *
store_new(const struct store_config *config, struct event_base *base)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->lock_fd = -1;
	store->path = strdup(config->path);
	store->notify = config->notify;
	store->bodies =
	    store_bodies_new(config->queue_octets != 0 ? config->queue_octets
						       : QUEUE_OCTETS_DEFAULT,
		config->notify);
	store->ops = store_ops_new(store, base,
	    config->question_ms != 0 ? config->question_ms : STORE_QUESTION_MS,
	    store_woken);
	store->retain = store_retain_new();
	store->retention = store_retention_new(store, base);
	if (store->ops != NULL)
		store->history = store_history_new(store->ops, base);
	if (store->path != NULL && store->bodies != NULL &&
	    store->history != NULL && store->retain != NULL &&
	    store->retention != NULL && store_digest_init())
		return store;
	store_free(store);
	return NULL;
}

enum store_status
store_open(struct store **store_r, const struct store_config *config,
    struct event_base *base, struct store_error *error_r)
{
	struct store *store = store_new(config, base);
	enum store_status status = STORE_OK;

	*store_r = NULL;
	memset(error_r, 0, sizeof(*error_r));
	if (store == NULL)
		return store_error_set(error_r, STORE_MEMORY,
		    "out of memory or descriptors; %s",
		    store_status_hint(STORE_MEMORY));
	if (!config->reads_only)
		status =
		    store_files_lock(store->path, &store->lock_fd, error_r);
	if (status == STORE_OK)
		status = open_start_threads(store, config, error_r);
	if (status != STORE_OK) {
		store_free(store);
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
	assert(!store->is_answering);
	store_bodies_abort(store->bodies);
	store_history_close(store->history);
	store_retention_close(store->retention);
	store->is_closing = true;
	store_checker_free(store->checker);
	store_copy_free(store->copy);
	store_ops_close(store->ops);
	/* The readers first: an open query would keep the log from ending. */
	store_stop_readers(store);
	store_stop_writer(store);
	store->is_answering = true;
	store_ops_end(store->ops);
	store_free_writer(store);
	store_free(store);
	*store_pointer = NULL;
}

/* ---- what the loop asks ---- */

const struct store_error *
store_health(const struct store *store)
{
	return &store->health;
}

bool
store_is_keyed(const struct store *store)
{
	return store->digest_key != NULL;
}

bool
store_seals(const struct store *store)
{
	return store->sealer != NULL;
}

void
store_key_digest(
    const struct store *store, unsigned char digest[STORE_HEADER_DIGEST_SIZE])
{
	store_digest_apply_key(store->digest_key, digest);
}

void
store_clock(struct store *store, struct store_clock *clock_r)
{
	memset(clock_r, 0, sizeof(*clock_r));
	if (store->writer != NULL)
		store_writer_clock(store->writer, clock_r);
}

int64_t
store_age_now_ms(struct store *store, uint64_t setting)
{
	struct store_clock clock;

	if (setting == 0 || store->writer == NULL)
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
	store_bodies_stats(store->bodies, stats_r);
}

void
store_leave(struct store *store, const void *asker)
{
	store_ops_leave(store->ops, asker);
}

/* ---- verification ---- */

enum store_status
store_check_start(struct store *store)
{
	struct store_checker *checker;

	if (store->is_closing)
		return STORE_CLOSED;
	if (store->checker != NULL && store_checker_is_running(store->checker))
		return STORE_BUSY;
	checker =
	    store_checker_new(store->path, store->digest_key, store_verify);
	if (checker == NULL)
		return STORE_MEMORY;
	store_checker_free(store->checker);
	store->checker = checker;
	return STORE_OK;
}

void
store_check(const struct store *store, struct store_check *check_r)
{
	memset(check_r, 0, sizeof(*check_r));
	if (store->checker != NULL)
		store_checker_found(store->checker, check_r);
}

/* ---- copies ---- */

enum store_status
store_backup_start(struct store *store, const char *path)
{
	struct store_copy *copy;

	if (store->is_closing)
		return STORE_CLOSED;
	if (store->copy != NULL && store_copy_is_running(store->copy))
		return STORE_BUSY;
	copy = store_copy_new(store->path, path, store->writer != NULL);
	if (copy == NULL)
		return STORE_MEMORY;
	store_copy_free(store->copy);
	store->copy = copy;
	return STORE_OK;
}

void
store_backup(const struct store *store, struct store_backup *backup_r)
{
	memset(backup_r, 0, sizeof(*backup_r));
	if (store->copy != NULL)
		store_copy_look(store->copy, backup_r);
}
