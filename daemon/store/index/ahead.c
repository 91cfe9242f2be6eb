#include "daemon/store/index/ahead.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "daemon/store/lock.h"
#include "daemon/store/queue.h"

/* The most that waits; one more batch may come on top. */
#define WAITING_OCTETS ((size_t)8 * 1024 * 1024)
/* This much is worth a transaction of its own. */
#define READY_OCTETS ((size_t)2 * 1024 * 1024)

/* How far the worker has come with what it was asked for. */
enum progress {
	AT_REST = 0,
	ASKED,   /* from where the index ends */
	AT_WORK, /* from the last message that it has read */
	AT_END,  /* no message follows what waits */
	FAILED
};

struct store_ahead {
	struct sql_db *db;
	enum store_prepared_of of;
	struct sql_patience patience;
	struct store_queue *queue; /* to be woken */
	pthread_t thread;

	/* Of both. */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_stopped;
	enum progress progress;
	bool is_asked_again;      /* since it has begun to read */
	enum store_status status; /* why it failed */
	int64_t last;             /* the id that it has come to */
	struct store_prepared_list waiting;
};

/* ---- the worker ---- */

static bool
ahead_has_work(const struct store_ahead *ahead)
{
	return (ahead->progress == ASKED || ahead->progress == AT_WORK) &&
	       ahead->waiting.octets < WAITING_OCTETS;
}

static bool
ahead_has_enough(const struct store_ahead *ahead)
{
	return ahead->waiting.octets >= READY_OCTETS ||
	       ahead->progress == AT_END || ahead->progress == FAILED;
}

/* Some messages, while others may do what they want; NULL: there is none. */
static enum store_status
ahead_read_some(struct store_ahead *ahead, int64_t *above_r,
    struct store_prepared **first_r)
{
	bool begins = ahead->progress == ASKED;
	enum store_status status = STORE_OK;

	ahead->is_asked_again = false;
	*above_r = ahead->last;
	*first_r = NULL;
	store_unlock(&ahead->mutex);
	if (begins && ahead->of == STORE_PREPARED_OF_INDEX)
		status = store_prepared_last(ahead->db, above_r);
	else if (begins)
		*above_r = 0;
	if (status == STORE_OK)
		status = store_prepared_read_some(
		    ahead->db, ahead->of, *above_r, first_r);
	store_lock(&ahead->mutex);
	return status;
}

/* If the worker was restarted meanwhile, drop what was read. */
static void
ahead_work(struct store_ahead *ahead)
{
	enum progress before = ahead->progress;
	int64_t last = ahead->last, above;
	struct store_prepared *first;
	enum store_status status = ahead_read_some(ahead, &above, &first);

	if (ahead->progress != before || ahead->last != last) {
		store_prepared_free(first);
		return;
	}
	if (status != STORE_OK) {
		ahead->progress = FAILED;
		ahead->status = status;
	} else if (first != NULL) {
		ahead->last =
		    store_prepared_list_append(&ahead->waiting, first);
		ahead->progress = AT_WORK;
	} else {
		ahead->last = above;
		ahead->progress = ahead->is_asked_again ? AT_WORK : AT_END;
	}
	if (ahead_has_enough(ahead))
		store_queue_wake(ahead->queue);
}

static void *
ahead_main(void *arg)
{
	struct store_ahead *ahead = arg;

	store_lock(&ahead->mutex);
	while (!ahead->is_stopped) {
		if (ahead_has_work(ahead))
			ahead_work(ahead);
		else
			pthread_cond_wait(&ahead->changed, &ahead->mutex);
	}
	store_unlock(&ahead->mutex);
	return NULL;
}

/* ---- those who ask it ---- */

static bool
ahead_is_over(void *arg)
{
	struct store_ahead *ahead = arg;
	bool is_stopped;

	store_lock(&ahead->mutex);
	is_stopped = ahead->is_stopped;
	store_unlock(&ahead->mutex);
	return is_stopped;
}

struct store_ahead *
store_ahead_new(
    const char *path, enum store_prepared_of of, struct store_queue *queue)
{
	struct store_ahead *ahead = calloc(1, sizeof(*ahead));

	if (ahead == NULL)
		return NULL;
	ahead->of = of;
	ahead->queue = queue;
	ahead->patience.busy_ms = SQL_BUSY_MS;
	ahead->patience.is_over = ahead_is_over;
	ahead->patience.arg = ahead;
	if (store_db_open(&ahead->db, path, SQL_READ) != STORE_OK)
		goto no_mutex;
	sql_set_patience(ahead->db, &ahead->patience);
	if (pthread_mutex_init(&ahead->mutex, NULL) != 0)
		goto no_mutex;
	if (pthread_cond_init(&ahead->changed, NULL) != 0)
		goto no_condition;
	if (pthread_create(&ahead->thread, NULL, ahead_main, ahead) == 0)
		return ahead;
	pthread_cond_destroy(&ahead->changed);
no_condition:
	pthread_mutex_destroy(&ahead->mutex);
no_mutex:
	store_db_close(ahead->db);
	free(ahead);
	return NULL;
}

void
store_ahead_free(struct store_ahead *ahead)
{
	int failed;

	if (ahead == NULL)
		return;
	store_lock(&ahead->mutex);
	ahead->is_stopped = true;
	store_unlock(&ahead->mutex);
	pthread_cond_signal(&ahead->changed);
	failed = pthread_join(ahead->thread, NULL);
	assert(failed == 0);
	store_prepared_list_drop(&ahead->waiting);
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->mutex);
	store_db_close(ahead->db);
	free(ahead);
}

void
store_ahead_look(struct store_ahead *ahead)
{
	store_lock(&ahead->mutex);
	ahead->is_asked_again = true;
	if (ahead->progress == AT_END)
		ahead->progress = AT_WORK;
	if (ahead->progress == AT_REST)
		ahead->progress = ASKED;
	store_unlock(&ahead->mutex);
	pthread_cond_signal(&ahead->changed);
}

bool
store_ahead_is_ready(struct store_ahead *ahead)
{
	bool ready;

	store_lock(&ahead->mutex);
	ready = ahead_has_enough(ahead);
	store_unlock(&ahead->mutex);
	return ready;
}

/* From where the index ends, which may be another place by now. */
static void
ahead_begin_again(struct store_ahead *ahead, enum progress progress)
{
	store_prepared_list_drop(&ahead->waiting);
	ahead->last = -1;
	ahead->progress = progress;
}

static enum store_status
ahead_take(struct store_ahead *ahead, int64_t above,
    struct store_prepared **prepared_r, bool *more_r)
{
	*prepared_r = store_prepared_list_take(&ahead->waiting, above);
	*more_r = true;
	if (*prepared_r != NULL)
		return STORE_OK;
	if (ahead->waiting.head == NULL && ahead->progress == AT_END &&
	    ahead->last == above) {
		*more_r = false;
	} else if (ahead->waiting.head == NULL && ahead->progress == FAILED) {
		ahead_begin_again(ahead, AT_REST);
		return ahead->status;
	} else if (ahead->waiting.head != NULL || ahead->progress != AT_WORK)
		ahead_begin_again(ahead, ASKED);
	return STORE_OK;
}

enum store_status
store_ahead_take(struct store_ahead *ahead, int64_t above,
    struct store_prepared **prepared_r, bool *more_r)
{
	enum store_status status;

	store_lock(&ahead->mutex);
	status = ahead_take(ahead, above, prepared_r, more_r);
	store_unlock(&ahead->mutex);
	pthread_cond_signal(&ahead->changed);
	return status;
}
