#include "daemon/store/check.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/store/private.h"
#include "daemon/store/verify.h"
#include "lib/base/clock.h"

/* A sentence; SQLite's own of a damaged page are shorter. */
#define TEXT_MAX 240

/* How often a thread that is to end is told so. */
#define INTERRUPT_INTERVAL_NS 2000000

struct store_checker {
	pthread_t thread;
	char *path;

	pthread_mutex_t mutex; /* of what follows */
	bool stopped;
	struct sql_db *db; /* while it can be interrupted */
	struct store_check found;
	/* Those below found.text_count never change. */
	char *texts[STORE_CHECK_TEXTS];
};

static void
lock(struct store_checker *checker)
{
	int failed = pthread_mutex_lock(&checker->mutex);

	assert(failed == 0);
}

static void
unlock(struct store_checker *checker)
{
	int failed = pthread_mutex_unlock(&checker->mutex);

	assert(failed == 0);
}

/* ---- the thread ---- */

void
store_checker_expect(struct store_checker *checker, uint64_t messages)
{
	lock(checker);
	checker->found.messages = messages;
	unlock(checker);
}

void
store_checker_advance(struct store_checker *checker, uint64_t octets)
{
	lock(checker);
	checker->found.messages_done++;
	checker->found.octets_done += octets;
	unlock(checker);
}

void
store_checker_problem(struct store_checker *checker, const char *format, ...)
{
	char text[TEXT_MAX], *kept;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	kept = strdup(text);
	lock(checker);
	checker->found.problems++;
	if (kept != NULL && checker->found.text_count < STORE_CHECK_TEXTS) {
		checker->texts[checker->found.text_count++] = kept;
		kept = NULL;
	}
	unlock(checker);
	free(kept);
}

bool
store_checker_is_stopped(struct store_checker *checker)
{
	bool stopped;

	lock(checker);
	stopped = checker->stopped;
	unlock(checker);
	return stopped;
}

/* A connection that is closed must not be interrupted any more. */
static void
set_db(struct store_checker *checker, struct sql_db *db)
{
	lock(checker);
	checker->db = db;
	unlock(checker);
}

static void *
checker_main(void *arg)
{
	struct store_checker *checker = arg;
	struct store_db db;
	enum store_status status = store_db_open(&db, checker->path, SQL_READ);

	if (status == STORE_OK) {
		set_db(checker, db.sql);
		status = store_verify(&db, checker);
		set_db(checker, NULL);
	}
	if (status != STORE_OK && !store_checker_is_stopped(checker))
		store_checker_problem(checker,
		    "the check could not go on: %s; %s", sql_words(db.sql),
		    store_status_hint(status));
	store_db_close(&db);
	lock(checker);
	checker->found.running = false;
	checker->found.status = checker->stopped ? STORE_CLOSED : status;
	checker->found.finished_ms = evpop_clock_unix_ms();
	unlock(checker);
	return NULL;
}

/* ---- the loop ---- */

static struct store_checker *
start(const char *path)
{
	struct store_checker *checker = calloc(1, sizeof(*checker));

	if (checker == NULL)
		return NULL;
	checker->path = strdup(path);
	checker->found.running = true;
	checker->found.started_ms = evpop_clock_unix_ms();
	if (checker->path == NULL ||
	    pthread_mutex_init(&checker->mutex, NULL) != 0)
		goto no_mutex;
	if (pthread_create(&checker->thread, NULL, checker_main, checker) == 0)
		return checker;
	pthread_mutex_destroy(&checker->mutex);
no_mutex:
	free(checker->path);
	free(checker);
	return NULL;
}

static bool
is_running(struct store_checker *checker)
{
	bool running;

	lock(checker);
	running = checker->found.running;
	unlock(checker);
	return running;
}

/* Not all of SQLite looks at it, and between statements it is forgotten. */
static void
interrupt(struct store_checker *checker)
{
	lock(checker);
	checker->stopped = true;
	if (checker->db != NULL)
		sql_interrupt(checker->db);
	unlock(checker);
}

void
store_checker_free(struct store_checker *checker)
{
	const struct timespec nap = { 0, INTERRUPT_INTERVAL_NS };
	int failed;

	if (checker == NULL)
		return;
	while (is_running(checker)) {
		interrupt(checker);
		nanosleep(&nap, NULL);
	}
	failed = pthread_join(checker->thread, NULL);
	assert(failed == 0);
	pthread_mutex_destroy(&checker->mutex);
	for (size_t i = 0; i < checker->found.text_count; i++)
		free(checker->texts[i]);
	free(checker->path);
	free(checker);
}

enum store_status
store_check_start(struct store *store)
{
	struct store_checker *checker;

	if (store->closing)
		return STORE_CLOSED;
	if (store->checker != NULL && is_running(store->checker))
		return STORE_BUSY;
	checker = start(store->path);
	if (checker == NULL)
		return STORE_MEMORY;
	store_checker_free(store->checker);
	store->checker = checker;
	return STORE_OK;
}

void
store_check(const struct store *store, struct store_check *check_r)
{
	struct store_checker *checker = store->checker;

	memset(check_r, 0, sizeof(*check_r));
	if (checker == NULL)
		return;
	lock(checker);
	*check_r = checker->found;
	unlock(checker);
	check_r->texts = (const char *const *)checker->texts;
}
