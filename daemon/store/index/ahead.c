#include "daemon/store/index/ahead.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "daemon/store/index/prepared.h"
#include "daemon/store/queue.h"

/* What waits at most; one message more may come to it. */
#define WAITING_OCTETS ((size_t)4 * 1024 * 1024)
/* So much is worth a transaction, where more is to follow. */
#define READY_OCTETS ((size_t)512 * 1024)

/* How far the worker has come with what it was asked for. */
enum progress {
	AT_REST = 0,
	ASKED,   /* from where the index ends */
	AT_WORK, /* from the last message that it has read */
	AT_END,  /* no message follows what waits */
	FAILED
};

struct store_ahead {
	struct store_db db;
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
	struct store_prepared *head, **tail;
	size_t octets;
};

static void
lock(struct store_ahead *ahead)
{
	int failed = pthread_mutex_lock(&ahead->mutex);

	assert(failed == 0);
}

static void
unlock(struct store_ahead *ahead)
{
	int failed = pthread_mutex_unlock(&ahead->mutex);

	assert(failed == 0);
}

static void
drop_all(struct store_ahead *ahead)
{
	while (ahead->head != NULL) {
		struct store_prepared *next = ahead->head->next;

		store_prepared_free(ahead->head);
		ahead->head = next;
	}
	ahead->tail = &ahead->head;
	ahead->octets = 0;
}

/* ---- the worker ---- */

static bool
has_work(const struct store_ahead *ahead)
{
	return (ahead->progress == ASKED || ahead->progress == AT_WORK) &&
	       ahead->octets < WAITING_OCTETS;
}

static bool
is_ready(const struct store_ahead *ahead)
{
	return ahead->octets >= READY_OCTETS || ahead->progress == AT_END ||
	       ahead->progress == FAILED;
}

/* One message, while others may do what they want. */
static enum store_status
read_one(struct store_ahead *ahead, int64_t *above_r,
    struct store_prepared **prepared_r)
{
	bool begins = ahead->progress == ASKED;
	enum store_status status = STORE_OK;

	ahead->is_asked_again = false;
	*above_r = ahead->last;
	*prepared_r = NULL;
	unlock(ahead);
	if (begins)
		status = store_prepared_last(&ahead->db, above_r);
	if (status == STORE_OK)
		status = store_prepared_read(&ahead->db, *above_r, prepared_r);
	lock(ahead);
	return status;
}

static void
take_in(struct store_ahead *ahead, struct store_prepared *prepared)
{
	ahead->last = prepared->id;
	ahead->octets += prepared->octets;
	*ahead->tail = prepared;
	ahead->tail = &prepared->next;
	ahead->progress = AT_WORK;
}

/* Whoever began it again meanwhile has no use for what was read. */
static void
work(struct store_ahead *ahead)
{
	enum progress before = ahead->progress;
	int64_t last = ahead->last, above;
	struct store_prepared *prepared;
	enum store_status status = read_one(ahead, &above, &prepared);

	if (ahead->progress != before || ahead->last != last) {
		store_prepared_free(prepared);
		return;
	}
	if (status != STORE_OK) {
		ahead->progress = FAILED;
		ahead->status = status;
	} else if (prepared != NULL)
		take_in(ahead, prepared);
	else {
		ahead->last = above;
		ahead->progress = ahead->is_asked_again ? AT_WORK : AT_END;
	}
	if (is_ready(ahead))
		store_queue_wake(ahead->queue);
}

static void *
ahead_main(void *arg)
{
	struct store_ahead *ahead = arg;

	lock(ahead);
	while (!ahead->is_stopped) {
		if (has_work(ahead))
			work(ahead);
		else
			pthread_cond_wait(&ahead->changed, &ahead->mutex);
	}
	unlock(ahead);
	return NULL;
}

/* ---- those who ask it ---- */

static bool
is_over(void *arg)
{
	struct store_ahead *ahead = arg;
	bool is_stopped;

	lock(ahead);
	is_stopped = ahead->is_stopped;
	unlock(ahead);
	return is_stopped;
}

struct store_ahead *
store_ahead_new(const char *path, struct store_queue *queue)
{
	struct store_ahead *ahead = calloc(1, sizeof(*ahead));

	if (ahead == NULL)
		return NULL;
	ahead->queue = queue;
	ahead->tail = &ahead->head;
	ahead->patience.busy_ms = SQL_BUSY_MS;
	ahead->patience.is_over = is_over;
	ahead->patience.arg = ahead;
	if (store_db_open(&ahead->db, path, SQL_READ) != STORE_OK)
		goto no_mutex;
	sql_set_patience(ahead->db.sql, &ahead->patience);
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
	store_db_close(&ahead->db);
	free(ahead);
	return NULL;
}

void
store_ahead_free(struct store_ahead *ahead)
{
	int failed;

	if (ahead == NULL)
		return;
	lock(ahead);
	ahead->is_stopped = true;
	unlock(ahead);
	pthread_cond_signal(&ahead->changed);
	failed = pthread_join(ahead->thread, NULL);
	assert(failed == 0);
	drop_all(ahead);
	pthread_cond_destroy(&ahead->changed);
	pthread_mutex_destroy(&ahead->mutex);
	store_db_close(&ahead->db);
	free(ahead);
}

void
store_ahead_look(struct store_ahead *ahead)
{
	lock(ahead);
	ahead->is_asked_again = true;
	if (ahead->progress == AT_END)
		ahead->progress = AT_WORK;
	if (ahead->progress == AT_REST)
		ahead->progress = ASKED;
	unlock(ahead);
	pthread_cond_signal(&ahead->changed);
}

bool
store_ahead_is_ready(struct store_ahead *ahead)
{
	bool ready;

	lock(ahead);
	ready = is_ready(ahead);
	unlock(ahead);
	return ready;
}

/* From where the index ends, which may be another place by now. */
static void
begin_again(struct store_ahead *ahead, enum progress progress)
{
	drop_all(ahead);
	ahead->last = -1;
	ahead->progress = progress;
}

static enum store_status
take(struct store_ahead *ahead, int64_t above,
    struct store_prepared **prepared_r, bool *more_r)
{
	*prepared_r = NULL;
	*more_r = true;
	if (ahead->head != NULL && ahead->head->above == above) {
		*prepared_r = ahead->head;
		ahead->octets -= ahead->head->octets;
		ahead->head = ahead->head->next;
		if (ahead->head == NULL)
			ahead->tail = &ahead->head;
		(*prepared_r)->next = NULL;
	} else if (ahead->head == NULL && ahead->progress == AT_END &&
		   ahead->last == above) {
		*more_r = false;
	} else if (ahead->head == NULL && ahead->progress == FAILED) {
		begin_again(ahead, AT_REST);
		return ahead->status;
	} else if (ahead->head != NULL || ahead->progress != AT_WORK)
		begin_again(ahead, ASKED);
	return STORE_OK;
}

enum store_status
store_ahead_take(struct store_ahead *ahead, int64_t above,
    struct store_prepared **prepared_r, bool *more_r)
{
	enum store_status status;

	lock(ahead);
	status = take(ahead, above, prepared_r, more_r);
	unlock(ahead);
	pthread_cond_signal(&ahead->changed);
	return status;
}
