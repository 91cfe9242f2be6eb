#include "tests/unit/poll_day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * Of accounts whose host is well: the capacity suffices for all of them, so
 * that none waits longer than turns and sessions under way take.
 */
#define LATE_MAX (30 * SECOND)
/* Of those at a host with few: whatever happens at the others. */
#define FEW            5
#define LATE_SMALL_MAX SECOND

/* ---- how polls start ---- */

/* Of the wishes before `account`, or of all, none could have been fulfilled. */
void
day_check_wishes(const struct account *account)
{
	for (size_t i = 0; i < world.wish_count && world.wishes[i] != account;
	     i++)
		if (!day_is_held(world.wishes[i]->site))
			fail_msg("%s is polled before %s, which was wished for",
			    account->name, world.wishes[i]->name);
}

void
day_check_limits(struct site *site)
{
	assert_true(++world.sessions <= world.limits.sessions);
	assert_true(++site->sessions <= world.limits.sessions_per_host);
	/* As many log-ins ago as a second may have, it was another second. */
	assert_true(world.now - site->starts[site->next_start] >= SECOND);
	site->starts[site->next_start] = world.now;
	site->next_start =
	    (site->next_start + 1) % world.limits.logins_per_host;
	site->last_start = world.now;
}

/* By the clock: not too early, not too late, and in turn. */
void
day_check_due(const struct account *account)
{
	struct site *site = account->site;
	int64_t late = world.now - account->queued_at;

	assert_int_equal(account->rests, POLLER_WAITING);
	assert_true(world.now >= account->earliest);
	if (account->started != NEVER)
		assert_true(world.now >=
			    account->started + account->known_floor_s * SECOND);
	/* Who was due first is first. */
	assert_true(account->queued_at >= site->last_queued);
	site->last_queued = account->queued_at;
	if (world.now < SETTLED ||
	    (world.now >= RELOAD_AT && world.now < RELOAD_AT + CROWDED))
		return;
	if (day_is_troubled(site)) {
		if (world.latest_recovering < late)
			world.latest_recovering = late;
		return;
	}
	assert_true(late <= LATE_MAX);
	if (site->host->accounts <= FEW) {
		assert_true(late <= LATE_SMALL_MAX);
		if (world.latest_small < late)
			world.latest_small = late;
	}
	if (world.latest < late)
		world.latest = late;
	assert_true(account->latest == INT64_MAX ||
		    world.now <= account->latest + LATE_MAX);
}

/* ---- what follows a poll ---- */

/* How long a failure waits, jitter aside; the promise of the manual. */
static int64_t
expected_backoff(const struct account *account, struct failure failure)
{
	int64_t interval =
	    day_most(account->interval, account->known_floor_s * SECOND);
	int64_t cap = day_most(interval, 2 * HOUR), wait = interval;

	if (failure.error == EVPOP_ERROR_AUTH &&
	    failure.code == EVPOP_CODE_NONE) {
		wait = HOUR;
		for (unsigned i = 1; i < account->refusals; i++)
			wait = day_least(2 * wait, 12 * HOUR);
		return wait;
	}
	if (failure.code == EVPOP_CODE_SYS_PERM)
		return day_most(interval, 6 * HOUR);
	if (failure.code == EVPOP_CODE_LOGIN_DELAY)
		return day_most(interval, 15 * MINUTE);
	if (failure.code == EVPOP_CODE_IN_USE ||
	    failure.code == EVPOP_CODE_SYS_TEMP)
		wait = day_least(interval, MINUTE);
	for (unsigned i = 1; i < account->failures && i < 7; i++)
		wait *= 2;
	return day_least(wait, cap);
}

static void
check_backoff(struct account *account, struct failure failure)
{
	int64_t wait = expected_backoff(account, failure);
	int64_t extra = account->item.time.due_ms - world.now - wait;
	int64_t floor = account->known_floor_s * SECOND;

	account->earliest = world.now + wait;
	account->latest = world.now + day_most(wait + wait / 4, floor);
	assert_true(extra >= 0);
	assert_true(account->item.time.due_ms <= account->latest);
	if (wait < floor)
		return;
	assert_true(wait / 4 == 0 || extra <= wait / 4);
	world.jitter[extra * 10 / (wait / 4 + 1)]++;
}

void
day_check_pace(struct account *account, bool mail, bool counts)
{
	const struct pace *pace = &account->pace;
	int64_t low = pace->min_ms > 0 ? pace->min_ms : pace->interval_ms;
	int64_t high = pace->max_ms > 0 ? pace->max_ms : pace->interval_ms;
	int64_t expected = account->interval;

	if (counts && mail)
		expected = day_most(low, expected / 2);
	else if (counts)
		expected = day_least(high, expected + expected / 2);
	account->interval = expected;
	assert_int_equal(account->item.interval_ms, expected);
	assert_true(expected >= low && expected <= high);
}

static void
check_success(struct account *account)
{
	int64_t floor = account->known_floor_s * SECOND;
	int64_t least_gap = day_most(floor, account->pace.min_ms);
	int64_t interval =
	    day_most(account->interval, least_gap + least_gap / 16);
	int64_t due = account->item.time.due_ms;

	account->earliest = day_most(world.now + interval / 2,
	    account->started + day_most(account->pace.min_ms, floor));
	account->latest =
	    world.now + day_most(interval / 2, least_gap) + interval;
	assert_true(due >= account->earliest && due <= account->latest);
	if (due < 2 * DAY)
		world.due_minutes[due / MINUTE]++;
}

/* What the model expects of the account after a poll. */
void
day_check_after(struct account *account, struct failure failure)
{
	enum poller_state state = agenda_state(&account->item);

	account->earliest = NEVER;
	account->latest = INT64_MAX;
	account->queued_at = world.now;
	if (account->pause) {
		assert_int_equal(state, POLLER_PAUSED);
		account->rests = state;
	} else if (account->again) {
		assert_int_equal(state, POLLER_QUEUED);
		day_add_wish(account);
	} else if (account->renewed && account->comes_back != POLLER_PAUSED) {
		if (state == POLLER_WAITING)
			account->queued_at = account->item.time.due_ms;
	} else if (account->comes_back != POLLER_WAITING) {
		assert_int_equal(state, account->comes_back);
		account->rests = state;
	} else {
		assert_int_equal(state, POLLER_WAITING);
		account->queued_at = account->item.time.due_ms;
		if (failure.error == EVPOP_ERROR_NONE)
			check_success(account);
		else
			check_backoff(account, failure);
	}
	account->pause = account->again = account->renewed = false;
	account->comes_back = POLLER_WAITING;
}

/* ---- the day as a whole ---- */

/* Nobody who is well is polled less often than the interval says. */
void
day_check_starved(void)
{
	const struct account *account;
	int64_t expected;
	size_t checked = 0;

	for (size_t i = 0; i < ACCOUNTS; i++) {
		account = &world.accounts[i];
		assert_true(account->polls > 0);
		if (account->kind != STEADY || account->touched ||
		    account->site->out_from != NEVER)
			continue;
		expected = (DAY - SETTLED) / account->pace.interval_ms - 1;
		assert_true(account->polls >= expected);
		assert_true(account->polls <= expected + 4);
		checked++;
	}
	assert_true(checked > ACCOUNTS / 10);
}

/* Due times by the clock, outages and the reload aside, never bunch up. */
void
day_check_spread(void)
{
	unsigned busiest = 0;
	uint64_t sum = 0;
	int64_t from = 20 * HOUR / MINUTE, to = 24 * HOUR / MINUTE;

	for (int64_t i = from; i < to; i++) {
		sum += world.due_minutes[i];
		if (busiest < world.due_minutes[i])
			busiest = world.due_minutes[i];
	}
	print_message("due in a minute: %llu on average, %u at most\n",
	    (unsigned long long)(sum / (uint64_t)(to - from)), busiest);
	assert_true(busiest * (uint64_t)(to - from) * 100 < sum * 125);
}

/* Those that failed together part. */
void
day_check_jitter(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < 10; i++)
		sum += world.jitter[i];
	assert_true(sum > 10000);
	for (size_t i = 0; i < 10; i++) {
		assert_true(world.jitter[i] * UINT64_C(100) > 8 * sum);
		assert_true(world.jitter[i] * UINT64_C(100) < 12 * sum);
	}
}
