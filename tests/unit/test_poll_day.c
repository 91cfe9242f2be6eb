/*
 * A day of a hundred thousand accounts by a simulated clock, through the
 * schedule that the daemon runs.  A model of its own says at every start
 * whether it keeps the schedule's promises; see begin().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/poll/agenda.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define ACCOUNTS 100000
#define NEVER    INT64_MIN
#define RATE_MAX 20
/* All accounts are due at the start; after this that is over. */
#define SETTLED HOUR
/* Outages, in the order of the hosts, and what they leave behind. */
#define OUTAGES         6
#define OUTAGE_LASTS    (2 * HOUR)
#define OUTAGE_RECOVERS HOUR
/* Thousands are due at once by a reload, and after it for so long. */
#define RELOAD_AT (12 * HOUR)
#define CROWDED   (5 * MINUTE)
/*
 * Of accounts whose host is well: the capacity suffices for all of them, so
 * that none waits longer than turns and sessions under way take.
 */
#define LATE_MAX (30 * SECOND)
/* Of those at a host with few: whatever happens at the others. */
#define FEW            5
#define LATE_SMALL_MAX SECOND

enum kind {
	STEADY = 0, /* never fails but for its host */
	ADAPTIVE,   /* the same, and its interval follows its mail */
	FLOORED,    /* its server announces a LOGIN-DELAY */
	FLAKY,      /* fails in all ways */
	HOPELESS    /* always [SYS/PERM] */
};

struct site {
	struct host *host;
	int64_t out_from;         /* NEVER: it is always well */
	int64_t starts[RATE_MAX]; /* the last ones, in a ring */
	int64_t last_start, last_queued;
	unsigned next_start, sessions;
};

struct account {
	struct agenda_item item; /* first */
	struct schedule_item end;
	struct site *site, *session; /* where it is, and where it polls */
	struct pace pace;
	enum kind kind;
	unsigned mail_percent, floor_s;
	char name[24];
	/* The model. */
	enum poller_state rests; /* WAITING: it does not */
	enum poller_state comes_back;
	bool wished, again, pause, removed, renewed, touched, present;
	unsigned failures, polls;
	unsigned known_floor_s;
	int64_t started, queued_at, earliest, latest, interval;
};

static struct world {
	struct agenda agenda;
	struct queue_limits limits;
	struct schedule ends;
	struct account *accounts;
	struct site *sites;
	size_t site_count;
	int64_t now;
	uint64_t seed;
	unsigned sessions;
	struct account *wishes[ACCOUNTS]; /* that wait, the first first */
	size_t wish_count;
	/* What is told and judged in the end. */
	uint64_t polls, wished_polls, failed_polls, fetching_polls;
	int64_t latest, latest_small, latest_recovering;
	unsigned due_minutes[2 * DAY / MINUTE];
	unsigned jitter[10];
} world;

static uint32_t
draw(void)
{
	world.seed ^= world.seed << 13;
	world.seed ^= world.seed >> 7;
	world.seed ^= world.seed << 17;
	return (uint32_t)(world.seed * 0x2545f4914f6cdd1du >> 32);
}

static bool
percent(unsigned chance)
{
	return draw() % 100 < chance;
}

/* ---- the accounts ---- */

static const struct {
	size_t hosts, accounts; /* of each */
} sizes[] = { { 1, 30000 }, { 1, 10000 }, { 10, 3000 }, { 100, 200 },
	{ 1000, 5 }, { 5000, 1 } };

static void
make_account(struct account *account, struct site *site, size_t number)
{
	static const int64_t intervals[] = { 30 * MINUTE, HOUR, HOUR, 2 * HOUR,
		3 * HOUR, 6 * HOUR };
	static const enum kind kinds[] = { STEADY, STEADY, STEADY, STEADY,
		ADAPTIVE, ADAPTIVE, FLOORED, FLAKY, FLAKY, FLAKY };

	account->site = site;
	account->kind = kinds[draw() % 10];
	if (number % 500 == 0)
		account->kind = HOPELESS;
	account->pace.interval_ms = intervals[draw() % 6];
	account->mail_percent = percent(20) ? 60 : 3;
	account->floor_s = account->kind == FLOORED ? 600 + draw() % 4800 : 0;
	if (account->kind == ADAPTIVE && number % 3 != 0)
		account->pace.min_ms = account->pace.interval_ms / 6;
	if (account->kind == ADAPTIVE && number % 3 != 1)
		account->pace.max_ms = account->pace.interval_ms * 2;
	account->started = account->earliest = NEVER;
	account->latest = INT64_MAX;
	account->interval = account->pace.interval_ms;
	account->present = true;
	(void)snprintf(account->name, sizeof(account->name), "user%zu", number);
	agenda_add(&world.agenda, &account->item, account->name, site->host);
}

static void
make_world(void)
{
	size_t number = 0;
	char name[32];

	world.seed = 20240229;
	world.accounts = calloc(ACCOUNTS, sizeof(*world.accounts));
	world.sites = calloc(7000, sizeof(*world.sites));
	assert_non_null(world.accounts);
	assert_non_null(world.sites);
	agenda_init(&world.agenda, NULL);
	world.limits = (struct queue_limits){ 200, 40, RATE_MAX };
	agenda_set_limits(&world.agenda, &world.limits, 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t h = 0; h < sizes[i].hosts; h++) {
			struct site *site = &world.sites[world.site_count];

			(void)snprintf(name, sizeof(name), "pop%zu.example.org",
			    world.site_count);
			site->host = agenda_host(&world.agenda, name);
			assert_non_null(site->host);
			site->last_start = site->last_queued = NEVER / 2;
			site->out_from = NEVER;
			/* One after the other, from the largest on. */
			if (world.site_count < OUTAGES)
				site->out_from =
				    (int64_t)(2 + 3 * world.site_count) * HOUR;
			for (size_t r = 0; r < RATE_MAX; r++)
				site->starts[r] = NEVER / 2;
			world.site_count++;
			for (size_t a = 0; a < sizes[i].accounts; a++, number++)
				make_account(
				    &world.accounts[number], site, number);
		}
	assert_int_equal(number, ACCOUNTS);
	assert_true(agenda_reserve(&world.agenda, ACCOUNTS));
	assert_true(schedule_reserve(&world.ends, ACCOUNTS));
	for (number = 0; number < ACCOUNTS; number++)
		agenda_hurry(&world.agenda, &world.accounts[number].item, 0);
}

/* ---- the model's view ---- */

static bool
is_out(const struct site *site)
{
	return site->out_from != NEVER && world.now >= site->out_from &&
	       world.now < site->out_from + OUTAGE_LASTS;
}

/* Also while it catches up. */
static bool
is_troubled(const struct site *site)
{
	return site->out_from != NEVER && world.now >= site->out_from &&
	       world.now < site->out_from + OUTAGE_LASTS + OUTAGE_RECOVERS;
}

/* Whether a site may not start a session now, by its limits. */
static bool
is_held(const struct site *site)
{
	int64_t spacing = (SECOND + world.limits.logins_per_host - 1) /
			  world.limits.logins_per_host;

	return site->sessions >= world.limits.sessions_per_host ||
	       world.now < site->last_start + spacing;
}

static void
add_wish(struct account *account)
{
	account->wished = true;
	world.wishes[world.wish_count++] = account;
}

static void
drop_wish(struct account *account)
{
	size_t i = 0;

	if (!account->wished)
		return;
	account->wished = false;
	while (world.wishes[i] != account)
		i++;
	memmove(&world.wishes[i], &world.wishes[i + 1],
	    (--world.wish_count - i) * sizeof(world.wishes[0]));
}

/* Of the wishes before `account`, or of all, none could have been fulfilled. */
static void
check_wishes(const struct account *account)
{
	for (size_t i = 0; i < world.wish_count && world.wishes[i] != account;
	     i++)
		if (!is_held(world.wishes[i]->site))
			fail_msg("%s is polled before %s, which was wished for",
			    account->name, world.wishes[i]->name);
}

static void
check_limits(struct site *site)
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
static void
check_due(const struct account *account)
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
	if (is_troubled(site)) {
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

static int64_t
lasts(const struct account *account)
{
	uint32_t longest = 1500;

	/* A host that is out answers at once, or never. */
	if (is_out(account->site))
		return percent(50) ? 100 : 30 * SECOND;
	if (percent(2))
		longest = 20000;
	return 100 + draw() % longest;
}

static void
begin(struct account *account)
{
	assert_true(account->present && account->session == NULL);
	check_wishes(account);
	check_limits(account->site);
	if (account->wished)
		world.wished_polls++;
	else
		check_due(account);
	drop_wish(account);
	account->rests = POLLER_WAITING;
	account->session = account->site;
	account->started = world.now;
	account->polls++;
	world.polls++;
	schedule_set(&world.ends, &account->end, world.now + lasts(account));
}

/* ---- how polls end ---- */

static const struct failure {
	enum evpop_error error;
	enum evpop_response_code code;
} in_use = { EVPOP_ERROR_AUTH, EVPOP_CODE_IN_USE },
  temporary = { EVPOP_ERROR_REFUSED, EVPOP_CODE_SYS_TEMP },
  permanent = { EVPOP_ERROR_AUTH, EVPOP_CODE_SYS_PERM },
  too_soon = { EVPOP_ERROR_REFUSED, EVPOP_CODE_LOGIN_DELAY },
  refused = { EVPOP_ERROR_AUTH, EVPOP_CODE_NONE },
  unreachable = { EVPOP_ERROR_IO, EVPOP_CODE_NONE },
  none = { EVPOP_ERROR_NONE, EVPOP_CODE_NONE };

static struct failure
draw_failure(const struct account *account)
{
	unsigned dice = draw() % 1000;

	if (is_out(account->session))
		return unreachable;
	if (account->kind == HOPELESS)
		return permanent;
	if (account->kind == FLOORED && dice < 30)
		return dice < 15 ? too_soon : in_use;
	if (account->kind != FLAKY || dice >= 130)
		return none;
	return dice < 40    ? in_use
	       : dice < 80  ? temporary
	       : dice < 100 ? unreachable
	       : dice < 110 ? too_soon
	       : dice < 112 ? permanent
	       : dice < 118 ? refused
			    : unreachable;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* How long a failure waits, jitter aside; the promise of the manual. */
static int64_t
expected_backoff(const struct account *account, struct failure failure)
{
	int64_t interval =
	    most(account->interval, account->known_floor_s * SECOND);
	int64_t cap = most(interval, 2 * HOUR), wait = interval;

	if (failure.code == EVPOP_CODE_SYS_PERM)
		return most(interval, 6 * HOUR);
	if (failure.code == EVPOP_CODE_LOGIN_DELAY)
		return most(interval, 15 * MINUTE);
	if (failure.code == EVPOP_CODE_IN_USE ||
	    failure.code == EVPOP_CODE_SYS_TEMP)
		wait = least(interval, MINUTE);
	for (unsigned i = 1; i < account->failures && i < 7; i++)
		wait *= 2;
	return least(wait, cap);
}

static void
check_backoff(struct account *account, struct failure failure)
{
	int64_t wait = expected_backoff(account, failure);
	int64_t extra = account->item.time.due_ms - world.now - wait;
	int64_t floor = account->known_floor_s * SECOND;

	account->earliest = world.now + wait;
	account->latest = world.now + most(wait + wait / 4, floor);
	assert_true(extra >= 0);
	assert_true(account->item.time.due_ms <= account->latest);
	if (wait < floor)
		return;
	assert_true(wait / 4 == 0 || extra <= wait / 4);
	world.jitter[extra * 10 / (wait / 4 + 1)]++;
}

static void
check_pace(struct account *account, bool mail, bool counts)
{
	const struct pace *pace = &account->pace;
	int64_t low = pace->min_ms > 0 ? pace->min_ms : pace->interval_ms;
	int64_t high = pace->max_ms > 0 ? pace->max_ms : pace->interval_ms;
	int64_t expected = account->interval;

	if (counts && mail)
		expected = most(low, expected / 2);
	else if (counts)
		expected = least(high, expected + expected / 2);
	account->interval = expected;
	assert_int_equal(account->item.interval_ms, expected);
	assert_true(expected >= low && expected <= high);
}

static void
check_success(struct account *account)
{
	int64_t floor = account->known_floor_s * SECOND;
	int64_t least_gap = most(floor, account->pace.min_ms);
	int64_t interval = most(account->interval, least_gap + least_gap / 16);
	int64_t due = account->item.time.due_ms;

	account->earliest = most(world.now + interval / 2,
	    account->started + most(account->pace.min_ms, floor));
	account->latest = world.now + most(interval / 2, least_gap) + interval;
	assert_true(due >= account->earliest && due <= account->latest);
	if (due < 2 * DAY)
		world.due_minutes[due / MINUTE]++;
}

/* What the model expects of the account after a poll. */
static void
check_after(struct account *account, struct failure failure)
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
		add_wish(account);
	} else if (account->renewed && account->comes_back != POLLER_PAUSED) {
		if (state == POLLER_WAITING)
			account->queued_at = account->item.time.due_ms;
	} else if (account->comes_back != POLLER_WAITING) {
		assert_int_equal(state, account->comes_back);
		account->rests = state;
	} else if (failure.error == EVPOP_ERROR_AUTH &&
		   failure.code == EVPOP_CODE_NONE) {
		assert_int_equal(state, POLLER_STOPPED);
		account->rests = state;
		account->touched = true;
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

static void
finish(struct account *account)
{
	struct failure failure = draw_failure(account);
	struct evpop_result result = { .error = failure.error,
		.code = failure.code };
	bool well = failure.error == EVPOP_ERROR_NONE;
	bool mail = well && percent(account->mail_percent);
	struct agenda_outcome outcome = { .result = &result };

	world.sessions--;
	account->session->sessions--;
	if (account->removed) {
		account->session = NULL;
		account->present = false;
		agenda_remove(&world.agenda, &account->item);
		return;
	}
	world.failed_polls += !well;
	world.fetching_polls += mail;
	if (well)
		outcome.yield = mail ? PACE_MAIL : PACE_QUIET;
	if (account->floor_s > 0 && failure.error != EVPOP_ERROR_IO) {
		outcome.login_delay_s = account->floor_s;
		account->known_floor_s = account->floor_s;
	}
	account->failures = well ? 0 : account->failures + 1;
	account->session = NULL;
	(void)agenda_ended(&world.agenda, &account->item, &outcome,
	    &account->pace, world.now, draw());
	check_pace(account, mail, well);
	check_after(account, failure);
}

/* ---- people ---- */

static void
wish(struct account *account)
{
	bool come_back = percent(10);

	account->touched = true;
	if (account->session != NULL)
		account->again = true;
	else if (!account->wished) {
		if (come_back && account->rests != POLLER_WAITING)
			account->comes_back = account->rests;
		add_wish(account);
	}
	agenda_wish(&world.agenda, &account->item, come_back);
}

static void
pause_account(struct account *account)
{
	account->touched = true;
	if (account->session != NULL)
		account->pause = true;
	else {
		drop_wish(account);
		account->comes_back = POLLER_WAITING;
		account->rests = POLLER_PAUSED;
	}
	agenda_pause(&world.agenda, &account->item);
}

/* It is due at once, or as soon as its server's LOGIN-DELAY is over. */
static void
expect_soon(struct account *account)
{
	account->rests = POLLER_WAITING;
	account->earliest = NEVER;
	account->latest = INT64_MAX;
	account->queued_at = agenda_state(&account->item) == POLLER_WAITING
				 ? account->item.time.due_ms
				 : world.now;
}

static void
resume(struct account *account)
{
	account->pause = false;
	agenda_resume(&world.agenda, &account->item, world.now);
	if (account->rests == POLLER_WAITING || account->wished)
		return;
	expect_soon(account);
}

static void
interfere(void)
{
	struct account *account = &world.accounts[draw() % ACCOUNTS];
	unsigned dice = draw() % 100;

	if (!account->present || account->removed)
		return;
	if (dice < 60)
		wish(account);
	else if (dice < 75)
		pause_account(account);
	else
		resume(account);
	/* At times somebody wants all of a large host at once. */
	if (draw() % 500 == 0)
		for (size_t i = 0; i < 300; i++) {
			account = &world.accounts[draw() % 40000];
			if (account->present && !account->removed)
				wish(account);
		}
}

/* ---- the reload ---- */

static void
change(struct account *account, bool elsewhere)
{
	struct site *site = &world.sites[draw() % world.site_count];
	bool queued = agenda_state(&account->item) == POLLER_QUEUED;
	bool waits = account->session == NULL && !queued &&
		     account->rests != POLLER_PAUSED;

	account->touched = true;
	account->failures = 0;
	account->pace.interval_ms = 2 * HOUR;
	account->pace.min_ms = account->pace.max_ms = 0;
	account->interval = 2 * HOUR;
	if (elsewhere) {
		account->known_floor_s = account->floor_s = 0;
		account->site = site;
	}
	if (account->comes_back == POLLER_STOPPED)
		account->comes_back = POLLER_WAITING;
	agenda_renew(&world.agenda, &account->item, true, elsewhere, world.now);
	if (elsewhere)
		agenda_move(&world.agenda, &account->item, site->host);
	/* There it is the last, which came last. */
	if (elsewhere && queued)
		account->queued_at = world.now;
	if (elsewhere && account->wished) {
		drop_wish(account);
		add_wish(account);
	}
	account->renewed = account->session != NULL;
	if (!waits)
		return;
	account->comes_back = POLLER_WAITING;
	expect_soon(account);
}

/* As after a trouble of the store: whom it made fail need not wait longer. */
static void
recover(void)
{
	struct account *account;

	for (size_t i = 0; i < ACCOUNTS; i += 2) {
		account = &world.accounts[i];
		if (agenda_state(&account->item) != POLLER_WAITING ||
		    account->failures == 0)
			continue;
		agenda_hurry(&world.agenda, &account->item, world.now);
		expect_soon(account);
	}
}

/* While many wait, by the clock and by persons' wishes. */
static void
reload(void)
{
	struct account *account;

	recover();
	for (size_t i = 0; i < 300; i++)
		wish(&world.accounts[draw() % ACCOUNTS]);
	for (size_t i = 0; i < ACCOUNTS; i++) {
		account = &world.accounts[i];
		switch (draw() % 100) {
		case 0:
			account->removed = true;
			account->touched = true;
			drop_wish(account);
			if (account->session != NULL)
				break;
			account->present = false;
			agenda_remove(&world.agenda, &account->item);
			break;
		case 1:
			change(account, false);
			break;
		case 2:
			change(account, true);
			break;
		}
	}
	agenda_sweep_hosts(&world.agenda);
	world.limits = (struct queue_limits){ 150, 30, 15 };
	agenda_set_limits(&world.agenda, &world.limits, world.now);
	/* The new rate holds from here on. */
	for (size_t s = 0; s < world.site_count; s++) {
		for (size_t r = 0; r < RATE_MAX; r++)
			world.sites[s].starts[r] = NEVER / 2;
		world.sites[s].next_start = 0;
		if (world.sites[s].last_start > NEVER / 2)
			world.sites[s].last_start = world.now;
	}
}

/* ---- the day ---- */

static void
run_day(void)
{
	int64_t next_person = SETTLED, next;
	struct schedule_item *end;
	struct agenda_item *item;
	bool reloaded = false;

	while (world.now < DAY) {
		while ((item = agenda_start(&world.agenda, world.now)) != NULL)
			begin((struct account *)item);
		next = least(agenda_next_ms(&world.agenda), next_person);
		/* What may start has started. */
		assert_true(next > world.now);
		end = schedule_first(&world.ends);
		if (end != NULL && end->due_ms < next)
			next = end->due_ms;
		if (!reloaded && next > RELOAD_AT)
			next = RELOAD_AT;
		world.now = next;
		while ((end = schedule_first(&world.ends)) != NULL &&
		       end->due_ms <= world.now) {
			schedule_remove(&world.ends, end);
			finish(
			    (struct account *)((char *)end -
					       offsetof(struct account, end)));
		}
		if (world.now == next_person) {
			interfere();
			next_person += 1 + draw() % (20 * SECOND);
		}
		if (!reloaded && world.now == RELOAD_AT) {
			reload();
			reloaded = true;
		}
	}
}

/* Nobody who is well is polled less often than the interval says. */
static void
check_starved(void)
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
static void
check_spread(void)
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
static void
check_jitter(void)
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

static void
test_a_day(void **state)
{
	clock_t began = clock();
	size_t in_states = 0, present = 0;

	(void)state;
	make_world();
	run_day();
	print_message(
	    "%d accounts, %llu polls (%llu fetched, %llu failed, %llu wished "
	    "for)\n%lld simulated seconds in %.1f s of the processor\n"
	    "late by %lld ms at most, at small hosts by %lld ms; by %lld s "
	    "where a host had been out\n",
	    ACCOUNTS, (unsigned long long)world.polls,
	    (unsigned long long)world.fetching_polls,
	    (unsigned long long)world.failed_polls,
	    (unsigned long long)world.wished_polls, (long long)(DAY / SECOND),
	    (double)(clock() - began) / CLOCKS_PER_SEC, (long long)world.latest,
	    (long long)world.latest_small,
	    (long long)(world.latest_recovering / SECOND));
	check_starved();
	check_spread();
	check_jitter();
	for (size_t i = 0; i < POLLER_STATE_COUNT; i++)
		in_states += world.agenda.counts[i];
	for (size_t i = 0; i < ACCOUNTS; i++)
		present += world.accounts[i].present;
	assert_int_equal(in_states, present);
	assert_int_equal(world.agenda.counts[POLLER_POLLING], world.sessions);
	agenda_clear(&world.agenda);
	schedule_clear(&world.ends);
	free(world.accounts);
	free(world.sites);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
