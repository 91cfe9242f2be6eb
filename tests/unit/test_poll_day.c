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
#include <time.h>

#include "tests/unit/poll_day.h"

/* ---- how polls start ---- */

static int64_t
lasts(const struct account *account)
{
	uint32_t longest = 1500;

	/* A host that is out answers at once, or never. */
	if (day_is_out(account->site))
		return day_percent(50) ? 100 : 30 * SECOND;
	if (day_percent(2))
		longest = 20000;
	return 100 + day_draw() % longest;
}

static void
begin(struct account *account)
{
	assert_true(account->present && account->session == NULL);
	day_check_wishes(account);
	day_check_limits(account->site);
	if (account->wished)
		world.wished_polls++;
	else
		day_check_due(account);
	day_drop_wish(account);
	account->rests = POLLER_WAITING;
	account->session = account->site;
	account->started = world.now;
	account->polls++;
	world.polls++;
	schedule_set(&world.ends, &account->end, world.now + lasts(account));
}

/* ---- how polls end ---- */

static const struct failure in_use = { EVPOP_ERROR_AUTH, EVPOP_CODE_IN_USE };
static const struct failure temporary = { EVPOP_ERROR_REFUSED,
	EVPOP_CODE_SYS_TEMP };
static const struct failure permanent = { EVPOP_ERROR_AUTH,
	EVPOP_CODE_SYS_PERM };
static const struct failure too_soon = { EVPOP_ERROR_REFUSED,
	EVPOP_CODE_LOGIN_DELAY };
static const struct failure refused = { EVPOP_ERROR_AUTH, EVPOP_CODE_NONE };
static const struct failure unreachable = { EVPOP_ERROR_IO, EVPOP_CODE_NONE };
static const struct failure none = { EVPOP_ERROR_NONE, EVPOP_CODE_NONE };

static struct failure
draw_failure(const struct account *account)
{
	unsigned dice = day_draw() % 1000;

	if (day_is_out(account->session))
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

static void
finish(struct account *account)
{
	struct failure failure = draw_failure(account);
	struct evpop_result result = { .error = failure.error,
		.code = failure.code };
	bool well = failure.error == EVPOP_ERROR_NONE;
	bool mail = well && day_percent(account->mail_percent);
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
	account->refusals =
	    well ? 0
		 : account->refusals + (failure.error == EVPOP_ERROR_AUTH &&
					   failure.code == EVPOP_CODE_NONE);
	account->session = NULL;
	(void)agenda_ended(&world.agenda, &account->item, &outcome,
	    &account->pace, world.now, day_draw());
	day_check_pace(account, mail, well);
	day_check_after(account, failure);
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
		next = day_least(agenda_next_ms(&world.agenda), next_person);
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
			day_interfere();
			next_person += 1 + day_draw() % (20 * SECOND);
		}
		if (!reloaded && world.now == RELOAD_AT) {
			day_reload();
			reloaded = true;
		}
	}
}

static void
test_a_day(void **state)
{
	clock_t began = clock();
	size_t in_states = 0, present = 0;

	(void)state;
	day_make();
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
	day_check_starved();
	day_check_spread();
	day_check_jitter();
	for (size_t i = 0; i < POLLER_STATE_COUNT; i++)
		in_states += world.agenda.counts[i];
	for (size_t i = 0; i < ACCOUNTS; i++)
		present += world.accounts[i].present;
	assert_int_equal(in_states, present);
	assert_int_equal(world.agenda.counts[POLLER_POLLING], world.sessions);
	day_free();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
