#include "daemon/poll/agenda.h"

#include <assert.h>
#include <string.h>

#include "daemon/poll/interval.h"

#define SECOND_MS INT64_C(1000)

/* No longer than the longest interval; a server that demands more is wrong. */
#define FLOOR_MOST_S (30 * 24 * 3600u)

/* As far as they are counted. */
#define REFUSALS_MOST 63

void
agenda_init(
    struct agenda *agenda, void (*trace)(const struct agenda_item *,
			       enum poller_state from, enum poller_state to))
{
	*agenda = (struct agenda){ .trace = trace };
	queue_init(&agenda->queue);
	TAILQ_INIT(&agenda->failing);
	TAILQ_INIT(&agenda->fresh);
}

void
agenda_clear(struct agenda *agenda)
{
	schedule_clear(&agenda->waiting);
	queue_clear(&agenda->queue);
}

static void
agenda_tell(struct agenda *agenda, struct agenda_item *item)
{
	if (item->is_fresh)
		TAILQ_REMOVE(&agenda->fresh, item, fresh);
	item->is_fresh = false;
}

/* The one function that changes an account's state. */
static void
agenda_enter(
    struct agenda *agenda, struct agenda_item *item, enum poller_state state)
{
	enum poller_state from = agenda_state(item);

	agenda->counts[from]--;
	agenda->counts[state]++;
	item->state = state & 7;
	agenda_tell(agenda, item);
	if (state == POLLER_QUEUED) {
		TAILQ_INSERT_TAIL(&agenda->fresh, item, fresh);
		item->is_fresh = true;
	}
	if (agenda->trace != NULL)
		agenda->trace(item, from, state);
}

/* The one function that changes its health; not while it waits. */
static void
agenda_enter_health(
    struct agenda *agenda, struct agenda_item *item, enum poller_health health)
{
	agenda->health[item->health]--;
	agenda->health[health]++;
	item->health = health & 3;
}

/* Who waits after a failure is in the heap and in a list. */
static bool
agenda_is_failing(const struct agenda_item *item)
{
	return item->state == POLLER_WAITING && schedule_has(&item->time) &&
	       item->health != POLLER_WELL;
}

/* Out of queue and heap, whichever it is in, and back nowhere. */
static void
agenda_take_out(struct agenda *agenda, struct agenda_item *item)
{
	assert(item->state != POLLER_POLLING);
	if (item->state == POLLER_QUEUED)
		queue_remove(&agenda->queue, item);
	if (agenda_is_failing(item)) {
		TAILQ_REMOVE(&agenda->failing, item, link);
		agenda->failing_count--;
	}
	schedule_remove(&agenda->waiting, &item->time);
	item->before = POLLER_WAITING;
}

static void
agenda_queue(struct agenda *agenda, struct agenda_item *item, bool wished)
{
	agenda_take_out(agenda, item);
	queue_put(&agenda->queue, item, wished);
	agenda_enter(agenda, item, POLLER_QUEUED);
}

static void
agenda_wait(struct agenda *agenda, struct agenda_item *item, int64_t due_ms)
{
	agenda_take_out(agenda, item);
	schedule_set(&agenda->waiting, &item->time, due_ms);
	agenda_enter(agenda, item, POLLER_WAITING);
	if (agenda_is_failing(item)) {
		TAILQ_INSERT_TAIL(&agenda->failing, item, link);
		agenda->failing_count++;
	}
}

/*
 * Before this the server does not want to see it again.  It counts from one
 * log-in to the next; when in its session that was is not known, but never
 * after its end.
 */
static int64_t
agenda_floor_ms(const struct agenda_item *item)
{
	return item->session_ms + item->floor_s * SECOND_MS;
}

/* ---- accounts come and go ---- */

struct host *
agenda_host(struct agenda *agenda, const char *name)
{
	return queue_host(&agenda->queue, name);
}

bool
agenda_reserve(struct agenda *agenda, size_t items)
{
	return schedule_reserve(&agenda->waiting, items) &&
	       queue_reserve(&agenda->queue);
}

void
agenda_add(struct agenda *agenda, struct agenda_item *item, const char *name,
    struct host *host)
{
	*item = (struct agenda_item){
		.time = { .share = interval_share(name) },
		.host = host,
		.state = POLLER_DISABLED,
	};
	host_enter(host);
	agenda->counts[POLLER_DISABLED]++;
	agenda->health[POLLER_WELL]++;
}

void
agenda_remove(struct agenda *agenda, struct agenda_item *item)
{
	if (item->state == POLLER_POLLING)
		queue_release(&agenda->queue, item);
	else
		agenda_take_out(agenda, item);
	agenda_tell(agenda, item);
	agenda->counts[item->state]--;
	agenda->health[item->health]--;
	host_leave(item->host);
	item->host = NULL;
}

void
agenda_move(struct agenda *agenda, struct agenda_item *item, struct host *host)
{
	bool queued = item->state == POLLER_QUEUED, wished = item->wished;

	if (host == item->host)
		return;
	if (queued)
		queue_remove(&agenda->queue, item);
	host_leave(item->host);
	item->host = host;
	host_enter(host);
	if (queued)
		queue_put(&agenda->queue, item, wished);
}

void
agenda_sweep_hosts(struct agenda *agenda)
{
	queue_sweep_hosts(&agenda->queue);
}

void
agenda_set_limits(
    struct agenda *agenda, const struct queue_limits *limits, int64_t now_ms)
{
	queue_set_limits(&agenda->queue, limits, now_ms);
}

/* ---- what is asked for ---- */

void
agenda_rest(
    struct agenda *agenda, struct agenda_item *item, enum poller_state state)
{
	agenda_take_out(agenda, item);
	agenda_enter(agenda, item, state);
	/* Nobody wants it polled. */
	if (state != POLLER_WAITING)
		agenda_enter_health(agenda, item, POLLER_WELL);
}

void
agenda_hurry(struct agenda *agenda, struct agenda_item *item, int64_t now_ms)
{
	int64_t floor_ms = agenda_floor_ms(item);

	if (item->floor_s > 0 && floor_ms > now_ms)
		agenda_wait(agenda, item, floor_ms);
	else
		agenda_queue(agenda, item, false);
}

bool
agenda_soon(struct agenda *agenda, struct agenda_item *item, int64_t due_ms)
{
	if (item->floor_s > 0 && agenda_floor_ms(item) > due_ms)
		due_ms = agenda_floor_ms(item);
	if (item->state != POLLER_WAITING || item->health != POLLER_WELL ||
	    !schedule_has(&item->time) ||
	    schedule_due_ms(&item->time) <= due_ms)
		return false;
	agenda_wait(agenda, item, due_ms);
	return true;
}

void
agenda_wish(struct agenda *agenda, struct agenda_item *item)
{
	enum poller_state before;

	assert(item->state != POLLER_DISABLED);
	if (item->state == POLLER_POLLING) {
		item->again = true;
		return;
	}
	/* The place of a wish that waits already is the better one. */
	if (item->state == POLLER_QUEUED && item->wished)
		return;
	before = item->state == POLLER_PAUSED ? POLLER_PAUSED : POLLER_WAITING;
	agenda_queue(agenda, item, true);
	item->before = before & 7;
}

void
agenda_pause(struct agenda *agenda, struct agenda_item *item)
{
	if (item->state == POLLER_POLLING)
		item->pause = true;
	else if (item->state != POLLER_PAUSED)
		agenda_rest(agenda, item, POLLER_PAUSED);
}

void
agenda_resume(struct agenda *agenda, struct agenda_item *item, int64_t now_ms)
{
	item->pause = false;
	if (item->state == POLLER_PAUSED)
		agenda_hurry(agenda, item, now_ms);
	else if (item->before == POLLER_PAUSED)
		item->before = POLLER_WAITING;
	else
		agenda_retry(agenda, item, now_ms);
}

void
agenda_retry(struct agenda *agenda, struct agenda_item *item, int64_t now_ms)
{
	if (item->health == POLLER_WELL)
		return;
	if (item->state == POLLER_POLLING)
		item->renewed = true;
	else if (item->state == POLLER_WAITING)
		agenda_hurry(agenda, item, now_ms);
}

struct agenda_item *
agenda_next_failing(struct agenda *agenda)
{
	struct agenda_item *item = TAILQ_FIRST(&agenda->failing);

	if (item == NULL)
		return NULL;
	TAILQ_REMOVE(&agenda->failing, item, link);
	TAILQ_INSERT_TAIL(&agenda->failing, item, link);
	return item;
}

void
agenda_renew(struct agenda *agenda, struct agenda_item *item, bool enabled,
    bool elsewhere, int64_t now_ms)
{
	item->failures = 0;
	item->refusals = 0;
	item->interval_ms = 0;
	if (elsewhere)
		item->floor_s = 0;
	if (item->state == POLLER_POLLING) {
		item->elsewhere |= elsewhere;
		item->disabled = !enabled;
		item->renewed = enabled;
	} else if (!enabled)
		agenda_rest(agenda, item, POLLER_DISABLED);
	else if (item->state != POLLER_QUEUED && item->state != POLLER_PAUSED)
		agenda_hurry(agenda, item, now_ms);
}

size_t
agenda_count(const struct agenda *agenda, enum poller_state state)
{
	return agenda->counts[state];
}

size_t
agenda_count_health(const struct agenda *agenda, enum poller_health health)
{
	return agenda->health[health];
}

size_t
agenda_count_failing(const struct agenda *agenda)
{
	return agenda->failing_count;
}

void
agenda_each_running(const struct agenda *agenda,
    void (*visit)(struct agenda_item *, void *arg), void *arg)
{
	queue_each_running(&agenda->queue, visit, arg);
}

/* ---- polls ---- */

struct agenda_item *
agenda_start(struct agenda *agenda, int64_t now_ms)
{
	struct schedule_item *due;
	struct agenda_item *item;

	while ((due = schedule_first(&agenda->waiting)) != NULL &&
	       schedule_due_ms(due) <= now_ms)
		agenda_queue(agenda, (struct agenda_item *)due, false);
	item = queue_take(&agenda->queue, now_ms);
	if (item == NULL)
		return NULL;
	item->session_ms = now_ms;
	agenda_enter(agenda, item, POLLER_POLLING);
	return item;
}

struct agenda_item *
agenda_next_queued(struct agenda *agenda)
{
	struct agenda_item *item = TAILQ_FIRST(&agenda->fresh);

	if (item != NULL)
		agenda_tell(agenda, item);
	return item;
}

int64_t
agenda_next_ms(const struct agenda *agenda)
{
	const struct schedule_item *due = schedule_first(&agenda->waiting);
	int64_t next_ms = queue_next_ms(&agenda->queue);

	return due != NULL && schedule_due_ms(due) < next_ms
		   ? schedule_due_ms(due)
		   : next_ms;
}

static struct backoff_past
agenda_past(
    const struct agenda_item *item, const struct agenda_outcome *outcome)
{
	return (struct backoff_past){
		.failures = item->failures,
		.refusals = item->refusals,
		.has_worked = outcome->has_worked,
	};
}

static enum poller_health
agenda_health_after(
    const struct agenda_item *item, const struct agenda_outcome *outcome)
{
	const struct backoff_past past = agenda_past(item, outcome);

	if (!backoff_is_failure(outcome->result))
		return POLLER_WELL;
	return backoff_needs_person(outcome->result, &past) ? POLLER_REFUSED
							    : POLLER_FAILING;
}

static void
agenda_note(struct agenda_item *item, const struct agenda_outcome *outcome,
    const struct pace *pace)
{
	bool well = !backoff_is_failure(outcome->result);

	item->failures = well ? 0 : item->failures + 1;
	if (well)
		item->refusals = 0;
	else if (backoff_is_refusal(outcome->result)) {
		/* An earlier daemon may have tried once more already. */
		if (item->refusals == 0 && outcome->has_failed)
			item->refusals++;
		if (item->refusals < REFUSALS_MOST)
			item->refusals++;
	}
	/* One that says nothing may not have got so far: the last one holds. */
	if (outcome->login_delay_s > 0 && !item->elsewhere)
		item->floor_s = outcome->login_delay_s < FLOOR_MOST_S
				    ? outcome->login_delay_s
				    : FLOOR_MOST_S;
	item->interval_ms = (uint32_t)pace_after(
	    pace, item->interval_ms, well ? outcome->yield : PACE_UNKNOWN);
}

static int64_t
agenda_longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void
agenda_after_failure(struct agenda *agenda, struct agenda_item *item,
    const struct agenda_outcome *outcome, int64_t now_ms, uint32_t random)
{
	const struct backoff_past past = agenda_past(item, outcome);
	int64_t delay_ms, interval_ms;

	interval_ms =
	    agenda_longer(item->interval_ms, item->floor_s * SECOND_MS);
	delay_ms =
	    backoff_delay_ms(outcome->result, &past, interval_ms, random);
	agenda_wait(agenda, item,
	    agenda_longer(now_ms + delay_ms, agenda_floor_ms(item)));
}

static void
agenda_after_success(struct agenda *agenda, struct agenda_item *item,
    const struct pace *pace, int64_t started_ms, int64_t now_ms)
{
	int64_t least_ms, not_before_ms;

	least_ms = agenda_longer(pace->min_ms, item->floor_s * SECOND_MS);
	not_before_ms =
	    agenda_longer(started_ms + pace->min_ms, agenda_floor_ms(item));
	agenda_wait(agenda, item,
	    pace_next(schedule_share_of(&item->time), item->interval_ms,
		least_ms, not_before_ms, now_ms));
}

enum poller_state
agenda_ended(struct agenda *agenda, struct agenda_item *item,
    const struct agenda_outcome *outcome, const struct pace *pace,
    int64_t now_ms, uint32_t random)
{
	const struct agenda_item was = *item;

	assert(item->state == POLLER_POLLING);
	queue_release(&agenda->queue, item);
	agenda_note(item, outcome, pace);
	agenda_enter_health(agenda, item, agenda_health_after(item, outcome));
	agenda_enter(agenda, item, POLLER_WAITING);
	item->session_ms = now_ms;
	item->again = item->pause = item->disabled = false;
	item->renewed = item->elsewhere = false;
	if (was.disabled)
		agenda_rest(agenda, item, POLLER_DISABLED);
	else if (was.pause)
		agenda_rest(agenda, item, POLLER_PAUSED);
	else if (was.again) {
		agenda_queue(agenda, item, true);
		item->before = was.before;
	} else if (was.renewed && was.before != POLLER_PAUSED)
		agenda_hurry(agenda, item, now_ms);
	else if (was.before != POLLER_WAITING)
		agenda_rest(agenda, item, (enum poller_state)was.before);
	else if (item->health == POLLER_WELL)
		agenda_after_success(
		    agenda, item, pace, was.session_ms, now_ms);
	else
		agenda_after_failure(agenda, item, outcome, now_ms, random);
	return agenda_state(item);
}
