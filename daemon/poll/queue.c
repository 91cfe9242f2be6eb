#include "daemon/poll/queue.h"

#include <assert.h>
#include <string.h>

#define SECOND_US      INT64_C(1000000)
#define MILLISECOND_US INT64_C(1000)

void
queue_init(struct agenda_queue *queue)
{
	*queue = (struct agenda_queue){ 0 };
	TAILQ_INIT(&queue->ready);
	TAILQ_INIT(&queue->cooling);
	TAILQ_INIT(&queue->running);
}

void
queue_clear(struct agenda_queue *queue)
{
	schedule_clear(&queue->wishes);
	host_table_clear(&queue->hosts);
}

bool
queue_reserve(struct agenda_queue *queue)
{
	return schedule_reserve(&queue->wishes, queue->hosts.count);
}

struct host *
queue_host(struct agenda_queue *queue, const char *name)
{
	return host_get(&queue->hosts, name);
}

void
queue_sweep_hosts(struct agenda_queue *queue)
{
	host_table_sweep(&queue->hosts);
}

/* ---- where hosts stand ---- */

static void
queue_move_host(
    struct agenda_queue *queue, struct host *host, enum host_place place)
{
	if (host->place == HOST_READY)
		TAILQ_REMOVE(&queue->ready, host, link);
	else if (host->place == HOST_COOLING)
		TAILQ_REMOVE(&queue->cooling, host, link);
	host->place = place;
	if (place == HOST_READY)
		TAILQ_INSERT_TAIL(&queue->ready, host, link);
	else if (place == HOST_COOLING)
		TAILQ_INSERT_TAIL(&queue->cooling, host, link);
}

/*
 * After any change: a host that may start a session is ready if somebody waits
 * for it, and its first wish stands among those of all hosts.
 */
static void
queue_settle(struct agenda_queue *queue, struct host *host)
{
	struct agenda_item *wish = TAILQ_FIRST(&host->wished);
	bool open = host->place != HOST_COOLING &&
		    host->sessions < queue->limits.sessions_per_host;

	if (!open && host->place == HOST_READY)
		queue_move_host(queue, host, HOST_ASIDE);
	if (open && TAILQ_EMPTY(&host->due) != (host->place == HOST_ASIDE))
		queue_move_host(queue, host,
		    TAILQ_EMPTY(&host->due) ? HOST_ASIDE : HOST_READY);
	if (wish == NULL)
		return;
	if (open)
		schedule_set(&queue->wishes, &wish->time, wish->time.due_ms);
	else
		schedule_remove(&queue->wishes, &wish->time);
}

/* ---- the rate of log-ins ---- */

static int64_t
queue_spacing_us(const struct agenda_queue *queue)
{
	int64_t rate = queue->limits.logins_per_host;

	return rate == 0 ? 0 : (SECOND_US + rate - 1) / rate;
}

/*
 * The times are finer than the clock, which may be up to a millisecond behind:
 * counting from there reaches the full rate, and never exceeds it by the clock.
 */
static void
queue_cool(struct agenda_queue *queue, struct host *host, int64_t now_ms)
{
	int64_t earliest_us = (now_ms - 1) * MILLISECOND_US + 1;

	if (host->next_login_us < earliest_us)
		host->next_login_us = earliest_us;
	host->next_login_us += queue_spacing_us(queue);
	queue_move_host(queue, host, HOST_COOLING);
}

/*
 * All hosts wait the same time, thus those that began first are through first
 * (but for a part of a millisecond).
 */
static void
queue_release_cooled(struct agenda_queue *queue, int64_t now_ms)
{
	struct host *host;

	while ((host = TAILQ_FIRST(&queue->cooling)) != NULL &&
	       host->next_login_us <= now_ms * MILLISECOND_US) {
		queue_move_host(queue, host, HOST_ASIDE);
		queue_settle(queue, host);
	}
}

int64_t
queue_next_ms(const struct agenda_queue *queue)
{
	const struct host *host = TAILQ_FIRST(&queue->cooling);

	if (host == NULL)
		return INT64_MAX;
	return (host->next_login_us + MILLISECOND_US - 1) / MILLISECOND_US;
}

static void
queue_settle_each(struct host *host, void *queue)
{
	queue_settle(queue, host);
}

void
queue_set_limits(struct agenda_queue *queue, const struct queue_limits *limits,
    int64_t now_ms)
{
	bool rate = limits->logins_per_host != queue->limits.logins_per_host;
	struct host *host;

	queue->limits = *limits;
	if (rate)
		TAILQ_FOREACH(host, &queue->cooling, link)
			host->next_login_us =
			    now_ms * MILLISECOND_US + queue_spacing_us(queue);
	queue_release_cooled(queue, now_ms);
	host_table_each(&queue->hosts, queue_settle_each, queue);
}

/* ---- accounts ---- */

void
queue_put(struct agenda_queue *queue, struct agenda_item *item, bool wished)
{
	struct host *host = item->host;

	item->wished = wished;
	if (wished) {
		item->time.due_ms = ++queue->wish_count;
		TAILQ_INSERT_TAIL(&host->wished, item, link);
	} else
		TAILQ_INSERT_TAIL(&host->due, item, link);
	queue_settle(queue, host);
}

static void
queue_unlink(struct agenda_queue *queue, struct agenda_item *item)
{
	struct host *host = item->host;

	if (item->wished) {
		schedule_remove(&queue->wishes, &item->time);
		TAILQ_REMOVE(&host->wished, item, link);
	} else
		TAILQ_REMOVE(&host->due, item, link);
	item->wished = false;
}

void
queue_remove(struct agenda_queue *queue, struct agenda_item *item)
{
	queue_unlink(queue, item);
	queue_settle(queue, item->host);
}

static struct agenda_item *
queue_choose(const struct agenda_queue *queue)
{
	struct schedule_item *wish = schedule_first(&queue->wishes);
	struct host *host = TAILQ_FIRST(&queue->ready);

	if (wish != NULL)
		return (struct agenda_item *)wish;
	return host == NULL ? NULL : TAILQ_FIRST(&host->due);
}

struct agenda_item *
queue_take(struct agenda_queue *queue, int64_t now_ms)
{
	struct agenda_item *item;
	struct host *host;
	bool wished;

	queue_release_cooled(queue, now_ms);
	if (queue->sessions >= queue->limits.sessions)
		return NULL;
	item = queue_choose(queue);
	if (item == NULL)
		return NULL;
	host = item->host;
	wished = item->wished;
	queue_unlink(queue, item);
	item->session = host;
	host->sessions++;
	queue->sessions++;
	TAILQ_INSERT_TAIL(&queue->running, item, link);
	if (queue->limits.logins_per_host > 0)
		queue_cool(queue, host, now_ms);
	else if (!wished) /* it had its turn */
		queue_move_host(queue, host, HOST_ASIDE);
	queue_settle(queue, host);
	return item;
}

void
queue_each_running(const struct agenda_queue *queue,
    void (*visit)(struct agenda_item *, void *arg), void *arg)
{
	struct agenda_item *item, *next;

	for (item = TAILQ_FIRST(&queue->running); item != NULL; item = next) {
		next = TAILQ_NEXT(item, link);
		visit(item, arg);
	}
}

void
queue_release(struct agenda_queue *queue, struct agenda_item *item)
{
	struct host *host = item->session;

	assert(host != NULL && host->sessions > 0 && queue->sessions > 0);
	TAILQ_REMOVE(&queue->running, item, link);
	item->session = NULL;
	host->sessions--;
	queue->sessions--;
	queue_settle(queue, host);
}
