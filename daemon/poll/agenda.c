#include "daemon/poll/agenda.h"

#include <assert.h>
#include <string.h>

#include "daemon/poll/backoff.h"

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
}

void
agenda_clear(struct agenda *agenda)
{
	schedule_clear(&agenda->waiting);
	queue_clear(&agenda->queue);
}

/* The one function that changes an account's state. */
static void
enter(struct agenda *agenda, struct agenda_item *item, enum poller_state state)
{
	enum poller_state from = agenda_state(item);

	agenda->counts[from]--;
	agenda->counts[state]++;
	item->state = state & 7;
	if (agenda->trace != NULL)
		agenda->trace(item, from, state);
}

/* The one function that changes its health; not while it waits. */
static void
enter_health(
    struct agenda *agenda, struct agenda_item *item, enum poller_health health)
{
	agenda->health[item->health]--;
	agenda->health[health]++;
	item->health = health & 3;
}

/* Who waits after a failure is in the heap and in a list. */
static bool
is_listed(const struct agenda_item *item)
{
	return item->state == POLLER_WAITING && item->time.position != 0 &&
	       item->health != POLLER_WELL;
}

/* Out of queue and heap, whichever it is in, and back nowhere. */
static void
take_out(struct agenda *agenda, struct agenda_item *item)
{
	assert(item->state != POLLER_POLLING);
	if (item->state == POLLER_QUEUED)
		queue_remove(&agenda->queue, item);
	if (is_listed(item)) {
		TAILQ_REMOVE(&agenda->failing, item, link);
		agenda->failing_count--;
	}
	schedule_remove(&agenda->waiting, &item->time);
	item->before = POLLER_WAITING;
}

static void
queue_up(struct agenda *agenda, struct agenda_item *item, bool wished)
{
	take_out(agenda, item);
	queue_put(&agenda->queue, item, wished);
	enter(agenda, item, POLLER_QUEUED);
}

static void
wait_until(struct agenda *agenda, struct agenda_item *item, int64_t due_ms)
{
	take_out(agenda, item);
	schedule_set(&agenda->waiting, &item->time, due_ms);
	enter(agenda, item, POLLER_WAITING);
	if (is_listed(item)) {
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
floor_until_ms(const struct agenda_item *item)
{
	return item->session_ms + item->floor_s * SECOND_MS;
}

/* ---- accounts come and go ---- */

struct host *
agenda_host(struct agenda *agenda, const char *name)
{
	return host_get(&agenda->queue.hosts, name);
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
		.time = { .share = schedule_share(name) },
		.host = host,
		.state = POLLER_DISABLED,
	};
	host->accounts++;
	agenda->counts[POLLER_DISABLED]++;
	agenda->health[POLLER_WELL]++;
}

void
agenda_remove(struct agenda *agenda, struct agenda_item *item)
{
	if (item->state == POLLER_POLLING)
		queue_release(&agenda->queue, item);
	else
		take_out(agenda, item);
	agenda->counts[item->state]--;
	agenda->health[item->health]--;
	item->host->accounts--;
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
	item->host->accounts--;
	item->host = host;
	host->accounts++;
	if (queued)
		queue_put(&agenda->queue, item, wished);
}

void
agenda_sweep_hosts(struct agenda *agenda)
{
	host_table_sweep(&agenda->queue.hosts);
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
	take_out(agenda, item);
	enter(agenda, item, state);
	/* Nobody wants it polled. */
	if (state != POLLER_WAITING)
		enter_health(agenda, item, POLLER_WELL);
}

void
agenda_hurry(struct agenda *agenda, struct agenda_item *item, int64_t now_ms)
{
	int64_t floor_ms = floor_until_ms(item);

	if (item->floor_s > 0 && floor_ms > now_ms)
		wait_until(agenda, item, floor_ms);
	else
		queue_up(agenda, item, false);
}

void
agenda_wish(struct agenda *agenda, struct agenda_item *item, bool come_back)
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
	come_back &= item->state == POLLER_PAUSED;
	before = come_back ? POLLER_PAUSED : POLLER_WAITING;
	queue_up(agenda, item, true);
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

/* ---- polls ---- */

struct agenda_item *
agenda_start(struct agenda *agenda, int64_t now_ms)
{
	struct schedule_item *due;
	struct agenda_item *item;

	while ((due = schedule_first(&agenda->waiting)) != NULL &&
	       due->due_ms <= now_ms)
		queue_up(agenda, (struct agenda_item *)due, false);
	item = queue_take(&agenda->queue, now_ms);
	if (item == NULL)
		return NULL;
	item->session_ms = now_ms;
	enter(agenda, item, POLLER_POLLING);
	return item;
}

int64_t
agenda_next_ms(const struct agenda *agenda)
{
	const struct schedule_item *due = schedule_first(&agenda->waiting);
	int64_t next_ms = queue_next_ms(&agenda->queue);

	return due != NULL && due->due_ms < next_ms ? due->due_ms : next_ms;
}

static struct backoff_past
past_of(const struct agenda_item *item, const struct agenda_outcome *outcome)
{
	return (struct backoff_past){
		.failures = item->failures,
		.refusals = item->refusals,
		.has_worked = outcome->has_worked,
	};
}

static enum poller_health
health_after(
    const struct agenda_item *item, const struct agenda_outcome *outcome)
{
	const struct backoff_past past = past_of(item, outcome);

	if (!backoff_is_failure(outcome->result))
		return POLLER_WELL;
	return backoff_needs_person(outcome->result, &past) ? POLLER_REFUSED
							    : POLLER_FAILING;
}

static void
note(struct agenda_item *item, const struct agenda_outcome *outcome,
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
at_least(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void
after_failure(struct agenda *agenda, struct agenda_item *item,
    const struct agenda_outcome *outcome, int64_t now_ms, uint32_t random)
{
	const struct backoff_past past = past_of(item, outcome);
	int64_t delay_ms, interval_ms;

	interval_ms = at_least(item->interval_ms, item->floor_s * SECOND_MS);
	delay_ms =
	    backoff_delay_ms(outcome->result, &past, interval_ms, random);
	wait_until(
	    agenda, item, at_least(now_ms + delay_ms, floor_until_ms(item)));
}

static void
after_success(struct agenda *agenda, struct agenda_item *item,
    const struct pace *pace, int64_t started_ms, int64_t now_ms)
{
	int64_t least_ms, not_before_ms;

	least_ms = at_least(pace->min_ms, item->floor_s * SECOND_MS);
	not_before_ms =
	    at_least(started_ms + pace->min_ms, floor_until_ms(item));
	wait_until(agenda, item,
	    pace_next(item->time.share, item->interval_ms, least_ms,
		not_before_ms, now_ms));
}

enum poller_state
agenda_ended(struct agenda *agenda, struct agenda_item *item,
    const struct agenda_outcome *outcome, const struct pace *pace,
    int64_t now_ms, uint32_t random)
{
	const struct agenda_item was = *item;

	assert(item->state == POLLER_POLLING);
	queue_release(&agenda->queue, item);
	note(item, outcome, pace);
	enter_health(agenda, item, health_after(item, outcome));
	enter(agenda, item, POLLER_WAITING);
	item->session_ms = now_ms;
	item->again = item->pause = item->disabled = false;
	item->renewed = item->elsewhere = false;
	if (was.disabled)
		agenda_rest(agenda, item, POLLER_DISABLED);
	else if (was.pause)
		agenda_rest(agenda, item, POLLER_PAUSED);
	else if (was.again)
		queue_up(agenda, item, true);
	else if (was.renewed && was.before != POLLER_PAUSED)
		agenda_hurry(agenda, item, now_ms);
	else if (was.before != POLLER_WAITING)
		agenda_rest(agenda, item, (enum poller_state)was.before);
	else if (item->health == POLLER_WELL)
		after_success(agenda, item, pace, was.session_ms, now_ms);
	else
		after_failure(agenda, item, outcome, now_ms, random);
	return agenda_state(item);
}
