#include "daemon/store/check.h"
#include "daemon/store/lock.h"
#include "lib/base/clock.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A sentence; SQLite's own of a damaged page are shorter. */
#define TEXT_MAX 240

/* How often a thread is asked to end. */
#define INTERRUPT_INTERVAL_NS 2000000

struct store_checker {
	pthread_t thread;
	char *path;
	const struct store_digest_key *key;
	store_verify_fn verify;

	pthread_mutex_t mutex; /* of what follows */
	bool stopped;
	struct sql_db *db; /* while it can be interrupted */
	struct store_check found;
	/* Those below found.text_count never change. */
	char *texts[STORE_CHECK_TEXTS];
};

/* ---- the thread ---- */

void
store_checker_expect(struct store_checker *checker, uint64_t messages)
{
	store_lock(&checker->mutex);
	checker->found.messages = messages;
	store_unlock(&checker->mutex);
}

void
store_checker_advance(struct store_checker *checker, uint64_t octets)
{
	store_lock(&checker->mutex);
	checker->found.messages_done++;
	checker->found.octets_done += octets;
	store_unlock(&checker->mutex);
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
	store_lock(&checker->mutex);
	checker->found.problems++;
	if (kept != NULL && checker->found.text_count < STORE_CHECK_TEXTS) {
		checker->texts[checker->found.text_count++] = kept;
		kept = NULL;
	}
	store_unlock(&checker->mutex);
	free(kept);
}

bool
store_checker_is_stopped(struct store_checker *checker)
{
	bool stopped;

	store_lock(&checker->mutex);
	stopped = checker->stopped;
	store_unlock(&checker->mutex);
	return stopped;
}

/* A connection that is closed must not be interrupted any more. */
static void
checker_set_db(struct store_checker *checker, struct sql_db *db)
{
	store_lock(&checker->mutex);
	checker->db = db;
	store_unlock(&checker->mutex);
}

static void *
checker_main(void *arg)
{
	struct store_checker *checker = arg;
	struct sql_db *db;
	enum store_status status = store_db_open(&db, checker->path, SQL_READ);

	if (status == STORE_OK) {
		store_db_set_digest_key(db, checker->key);
		checker_set_db(checker, db);
		status = checker->verify(db, checker);
		checker_set_db(checker, NULL);
	}
	if (status != STORE_OK && !store_checker_is_stopped(checker))
		store_checker_problem(checker, "the check was aborted: %s; %s",
		    sql_words(db), store_status_hint(status));
	store_db_close(db);
	store_lock(&checker->mutex);
	checker->found.running = false;
	checker->found.status = checker->stopped ? STORE_CLOSED : status;
	checker->found.finished_ms = evpop_clock_unix_ms();
	store_unlock(&checker->mutex);
	return NULL;
}

/* ---- the loop ---- */

struct store_checker *
store_checker_new(const char *path, const struct store_digest_key *key,
    store_verify_fn verify)
{
	struct store_checker *checker = calloc(1, sizeof(*checker));

	if (checker == NULL)
		return NULL;
	checker->path = strdup(path);
	checker->key = key;
	checker->verify = verify;
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

bool
store_checker_is_running(struct store_checker *checker)
{
	bool running;

	store_lock(&checker->mutex);
	running = checker->found.running;
	store_unlock(&checker->mutex);
	return running;
}

/* Not all of SQLite looks at it, and between statements it is forgotten. */
static void
checker_interrupt(struct store_checker *checker)
{
	store_lock(&checker->mutex);
	checker->stopped = true;
	if (checker->db != NULL)
		sql_interrupt(checker->db);
	store_unlock(&checker->mutex);
}

void
store_checker_free(struct store_checker *checker)
{
	const struct timespec nap = { 0, INTERRUPT_INTERVAL_NS };
	int failed;

	if (checker == NULL)
		return;
	while (store_checker_is_running(checker)) {
		checker_interrupt(checker);
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

void
store_checker_found(struct store_checker *checker, struct store_check *found_r)
{
	store_lock(&checker->mutex);
	*found_r = checker->found;
	store_unlock(&checker->mutex);
	found_r->texts = (const char *const *)checker->texts;
}
