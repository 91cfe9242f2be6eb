#include "daemon/store/copy.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log/log.h"
#include "daemon/store/db.h"
#include "daemon/store/lock.h"
#include "daemon/store/sql/copying.h"
#include "daemon/store/sql/files.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

/* How often the size of the new file is looked at. */
#define LOOK_MS 200

/* What is left on its disk besides, so that the store can go on. */
#define SPARE_OCTETS ((uint64_t)16 * 1024 * 1024)

struct store_copy {
	pthread_t thread;
	char *store_path, *path, *unfinished;
	bool is_logged;
	struct sql_patience patience; /* the thread's, as is the next */
	int64_t looked_ms;

	pthread_mutex_t mutex; /* of what follows */
	bool is_stopped;
	struct store_backup state;
};

/* ---- the thread ---- */

static enum store_status copy_fail(
    struct store_copy *copy, enum store_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum store_status
copy_fail(
    struct store_copy *copy, enum store_status status, const char *format, ...)
{
	va_list arguments;

	store_lock(&copy->mutex);
	va_start(arguments, format);
	vsnprintf(
	    copy->state.text, sizeof(copy->state.text), format, arguments);
	va_end(arguments);
	store_unlock(&copy->mutex);
	return status;
}

static enum store_status
copy_fail_file(struct store_copy *copy, int number)
{
	return copy_fail(copy,
	    number == ENOSPC || number == EDQUOT ? STORE_FULL
	    : number == EIO                      ? STORE_IO
						 : STORE_READ_ONLY,
	    "%s: the daemon (user id %ld) cannot write it: %s", copy->path,
	    (long)geteuid(), strerror(number));
}

/* Called by SQLite again and again: whether to give up. */
static bool
copy_is_over(void *arg)
{
	struct store_copy *copy = arg;
	int64_t now_ms = evpop_clock_monotonic_ms();
	struct stat status;
	uint64_t octets = 0;
	bool is_stopped;

	if (now_ms - copy->looked_ms >= LOOK_MS) {
		copy->looked_ms = now_ms;
		if (stat(copy->unfinished, &status) == 0)
			octets = (uint64_t)status.st_size;
	}
	store_lock(&copy->mutex);
	if (octets > 0)
		copy->state.octets_done = octets;
	is_stopped = copy->is_stopped;
	store_unlock(&copy->mutex);
	return is_stopped;
}

/* What is in use of the file, which is what the copy will have. */
static enum store_status
copy_measure(struct store_copy *copy, struct sql_db *db)
{
	uint64_t octets, room;
	enum store_status status = sql_copy_octets(db, &octets);

	if (status != STORE_OK)
		return copy_fail(
		    copy, status, "%s: %s", copy->store_path, sql_words(db));
	store_lock(&copy->mutex);
	copy->state.octets = octets;
	store_unlock(&copy->mutex);
	room = store_files_room(copy->unfinished);
	if (room > octets && room - octets > SPARE_OCTETS)
		return STORE_OK;
	return copy_fail(copy, STORE_FULL,
	    "%s: the copy takes %" PRIu64 " MiB, and %" PRIu64 " MiB are free",
	    copy->path, (octets + SPARE_OCTETS) >> 20, room >> 20);
}

static enum store_status
copy_make_file(struct store_copy *copy)
{
	int fd;

	/* Left by a daemon that was killed. */
	if (unlink(copy->unfinished) != 0 && errno != ENOENT)
		return copy_fail_file(copy, errno);
	fd = open(copy->unfinished,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return copy_fail_file(copy, errno);
	close(fd);
	return STORE_OK;
}

static enum store_status
copy_fill(struct store_copy *copy, struct sql_db *db)
{
	enum store_status status;

	sql_set_patience_of_queries(db, &copy->patience);
	status = sql_copy_into(db, copy->unfinished);
	return status == STORE_OK ? STORE_OK
				  : copy_fail(copy, status, "%s: %s",
					copy->path, sql_words(db));
}

/* Another file of that name may have come meanwhile. */
static bool
copy_rename(const struct store_copy *copy)
{
	if (renameat2(AT_FDCWD, copy->unfinished, AT_FDCWD, copy->path,
		RENAME_NOREPLACE) == 0)
		return true;
	/* Not every file system can do that. */
	return (errno == EINVAL || errno == ENOSYS) &&
	       link(copy->unfinished, copy->path) == 0 &&
	       unlink(copy->unfinished) == 0;
}

/* Durable first, and then there under its name, which nobody has. */
static enum store_status
copy_name(struct store_copy *copy)
{
	enum store_status status = store_files_sync(copy->unfinished);

	if (status != STORE_OK)
		return copy_fail(
		    copy, status, "%s: not written to the disk", copy->path);
	if (!copy_rename(copy))
		return copy_fail_file(copy, errno);
	return store_files_sync(copy->path) == STORE_OK
		   ? STORE_OK
		   : copy_fail(copy, STORE_IO,
			 "%s: its folder cannot be synced", copy->path);
}

static enum store_status
copy_make(struct store_copy *copy)
{
	struct stat there;
	struct sql_db *db;
	enum store_status status;

	if (lstat(copy->path, &there) == 0)
		return copy_fail(copy, STORE_READ_ONLY,
		    "%s is there already; give a new name", copy->path);
	status = copy_make_file(copy);
	if (status != STORE_OK)
		return status;
	status = store_db_open(&db, copy->store_path, SQL_READ);
	if (status != STORE_OK)
		copy_fail(
		    copy, status, "%s: %s", copy->store_path, sql_words(db));
	else
		status = copy_measure(copy, db);
	if (status == STORE_OK)
		status = copy_fill(copy, db);
	store_db_close(db);
	if (status == STORE_OK)
		status = copy_name(copy);
	if (status != STORE_OK)
		unlink(copy->unfinished);
	return status;
}

static void
copy_log(struct store_copy *copy, const struct store_backup *done)
{
	char size[EVPOP_UNIT_SIZE], span[EVPOP_UNIT_SIZE];

	if (done->status == STORE_OK)
		log_write(LOG_LEVEL_INFO, NULL, "backup: %s, %s, in %s",
		    copy->path, evpop_unit_size(done->octets_done, size),
		    evpop_unit_span(
			(done->finished_ms - done->started_ms) / 1000, span));
	else
		log_write(
		    LOG_LEVEL_ERROR, NULL, "backup failed: %s", done->text);
}

static void *
copy_main(void *arg)
{
	struct store_copy *copy = arg;
	struct store_backup done;
	enum store_status status = copy_make(copy);
	struct stat found;

	store_lock(&copy->mutex);
	copy->state.status = copy->is_stopped ? STORE_CLOSED : status;
	copy->state.finished_ms = evpop_clock_unix_ms();
	if (status == STORE_OK && stat(copy->path, &found) == 0)
		copy->state.octets = copy->state.octets_done =
		    (uint64_t)found.st_size;
	done = copy->state;
	store_unlock(&copy->mutex);
	if (copy->is_logged)
		copy_log(copy, &done);
	store_lock(&copy->mutex);
	copy->state.is_running = false;
	store_unlock(&copy->mutex);
	return NULL;
}

/* ---- the loop ---- */

/* A name alone is beside the store. */
static char *
copy_path(const char *store_path, const char *path)
{
	const char *slash = strrchr(store_path, '/');
	char *whole;

	if (*path == '/' || slash == NULL)
		return strdup(path);
	if (asprintf(&whole, "%.*s%s", (int)(slash - store_path) + 1,
		store_path, path) == -1)
		return NULL;
	return whole;
}

static void
copy_free_memory(struct store_copy *copy)
{
	free(copy->store_path);
	free(copy->path);
	free(copy->unfinished);
	free(copy);
}

struct store_copy *
store_copy_new(const char *store_path, const char *path, bool is_logged)
{
	struct store_copy *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	copy->store_path = strdup(store_path);
	copy->path = copy_path(store_path, path);
	if (copy->path == NULL || asprintf(&copy->unfinished,
				      "%s.evpopd-unfinished", copy->path) == -1)
		copy->unfinished = NULL;
	copy->patience = (struct sql_patience){
		.busy_ms = SQL_BUSY_MS, .is_over = copy_is_over, .arg = copy
	};
	copy->is_logged = is_logged;
	copy->state.is_running = true;
	copy->state.path = copy->path;
	copy->state.started_ms = evpop_clock_unix_ms();
	if (copy->store_path != NULL && copy->unfinished != NULL &&
	    pthread_mutex_init(&copy->mutex, NULL) == 0) {
		if (pthread_create(&copy->thread, NULL, copy_main, copy) == 0)
			return copy;
		pthread_mutex_destroy(&copy->mutex);
	}
	copy_free_memory(copy);
	return NULL;
}

bool
store_copy_is_running(struct store_copy *copy)
{
	bool is_running;

	store_lock(&copy->mutex);
	is_running = copy->state.is_running;
	store_unlock(&copy->mutex);
	return is_running;
}

void
store_copy_look(struct store_copy *copy, struct store_backup *backup_r)
{
	store_lock(&copy->mutex);
	*backup_r = copy->state;
	store_unlock(&copy->mutex);
}

void
store_copy_free(struct store_copy *copy)
{
	int failed;

	if (copy == NULL)
		return;
	store_lock(&copy->mutex);
	copy->is_stopped = true;
	store_unlock(&copy->mutex);
	failed = pthread_join(copy->thread, NULL);
	assert(failed == 0);
	pthread_mutex_destroy(&copy->mutex);
	copy_free_memory(copy);
}
