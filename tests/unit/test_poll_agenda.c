/*
 * States of accounts, and what polls, wishes and a new configuration make of
 * them; each in a few steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/poll/agenda.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

static const struct evpop_result well = { .error = EVPOP_ERROR_NONE };
static const struct evpop_result broken = { .error = EVPOP_ERROR_IO };
static const struct evpop_result left = { .error = EVPOP_ERROR_PROTOCOL,
	.scope = EVPOP_SCOPE_MESSAGE };
static const struct evpop_result refused = { .error = EVPOP_ERROR_AUTH };
static const struct pace hourly = { .interval_ms = HOUR };

struct scene {
	struct agenda agenda;
	struct agenda_item a, b;
};

static unsigned changes;

static void
count_change(const struct agenda_item *item, enum poller_state from,
    enum poller_state to)
{
	assert_int_equal(agenda_state(item), to);
	changes += from != to;
}

static int
set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct agenda *agenda;
	struct host *host;

	assert_non_null(scene);
	agenda = &scene->agenda;
	agenda_init(agenda, count_change);
	agenda_set_limits(agenda, &(struct queue_limits){ 10, 10, 0 }, 0);
	host = agenda_host(agenda, "pop.example.org");
	assert_non_null(host);
	agenda_add(agenda, &scene->a, "a", host);
	agenda_add(agenda, &scene->b, "b", host);
	assert_true(agenda_reserve(agenda, 2));
	*state = scene;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;

	agenda_clear(&scene->agenda);
	free(scene);
	return 0;
}

static void
start(struct scene *scene, struct agenda_item *item, int64_t now_ms)
{
	assert_ptr_equal(agenda_start(&scene->agenda, now_ms), item);
	assert_null(agenda_start(&scene->agenda, now_ms));
	assert_int_equal(item->state, POLLER_POLLING);
}

/* It is over; the state that follows. */
static enum poller_state
end(struct scene *scene, struct agenda_item *item,
    const struct evpop_result *result, uint32_t login_delay_s, int64_t now_ms)
{
	return agenda_ended(&scene->agenda, item,
	    &(struct agenda_outcome){
		.result = result, .login_delay_s = login_delay_s },
	    &hourly, now_ms, 0);
}

static enum poller_state
poll_once(struct scene *scene, const struct evpop_result *result,
    uint32_t login_delay_s, int64_t now_ms)
{
	agenda_rest(&scene->agenda, &scene->a, POLLER_WAITING);
	agenda_wish(&scene->agenda, &scene->a);
	start(scene, &scene->a, now_ms);
	return end(scene, &scene->a, result, login_delay_s, now_ms);
}

/* Who gets a session at once, or waits no more, is told of nowhere. */
static void
test_who_waits_is_told_once(void **state)
{
	struct scene *scene = *state;
	struct agenda *agenda = &scene->agenda;

	agenda_set_limits(agenda, &(struct queue_limits){ 1, 1, 0 }, 0);
	agenda_hurry(agenda, &scene->a, 0);
	agenda_hurry(agenda, &scene->b, 0);
	start(scene, &scene->a, 0);
	assert_ptr_equal(agenda_next_queued(agenda), &scene->b);
	assert_null(agenda_next_queued(agenda));
	(void)end(scene, &scene->a, &well, 0, SECOND);
	start(scene, &scene->b, SECOND);
	assert_null(agenda_next_queued(agenda));
	agenda_hurry(agenda, &scene->a, SECOND);
	agenda_pause(agenda, &scene->a);
	assert_null(agenda_next_queued(agenda));
	agenda_resume(agenda, &scene->a, SECOND);
	agenda_remove(agenda, &scene->a);
	assert_null(agenda_next_queued(agenda));
}

static void
test_life(void **state)
{
	struct scene *scene = *state;
	struct agenda *agenda = &scene->agenda;

	changes = 0;
	assert_int_equal(agenda->counts[POLLER_DISABLED], 2);
	assert_null(agenda_start(agenda, 0));
	assert_int_equal(agenda_next_ms(agenda), INT64_MAX);
	agenda_hurry(agenda, &scene->a, 0);
	assert_int_equal(agenda->counts[POLLER_QUEUED], 1);
	start(scene, &scene->a, 0);
	assert_int_equal(agenda->counts[POLLER_POLLING], 1);
	assert_int_equal(
	    end(scene, &scene->a, &well, 0, SECOND), POLLER_WAITING);
	assert_int_equal(agenda_next_ms(agenda), scene->a.time.due_ms);
	assert_in_range(scene->a.time.due_ms, HOUR / 2, 3 * HOUR / 2 + SECOND);
	assert_null(agenda_start(agenda, scene->a.time.due_ms - 1));
	start(scene, &scene->a, scene->a.time.due_ms);
	assert_int_equal(changes, 5);
	agenda_remove(agenda, &scene->a);
	agenda_remove(agenda, &scene->b);
	for (size_t i = 0; i < POLLER_STATE_COUNT; i++)
		assert_int_equal(agenda->counts[i], 0);
	assert_int_equal(agenda->queue.sessions, 0);
	agenda_sweep_hosts(agenda);
	assert_int_equal(agenda->queue.hosts.count, 0);
}

static void
expect_health(
    const struct scene *scene, size_t failing, size_t refusing, size_t waiting)
{
	const struct agenda *agenda = &scene->agenda;

	assert_int_equal(agenda->health[POLLER_FAILING], failing);
	assert_int_equal(agenda->health[POLLER_REFUSED], refusing);
	assert_int_equal(agenda->health[POLLER_WELL], 2 - failing - refusing);
	assert_int_equal(agenda->failing_count, waiting);
}

/* Who is refused waits for a person, and is tried again by itself. */
static void
test_refused(void **state)
{
	struct scene *scene = *state;
	struct agenda *agenda = &scene->agenda;
	struct agenda_item *item = &scene->a;

	assert_int_equal(poll_once(scene, &refused, 0, 0), POLLER_WAITING);
	expect_health(scene, 0, 1, 1);
	assert_int_equal(agenda_next_ms(agenda), HOUR);
	start(scene, item, HOUR);
	/* While it is tried, it still is. */
	expect_health(scene, 0, 1, 0);
	end(scene, item, &refused, 0, HOUR);
	assert_int_equal(item->time.due_ms, 3 * HOUR);
	start(scene, item, 3 * HOUR);
	/* An outage says nothing of the credentials. */
	end(scene, item, &broken, 0, 3 * HOUR);
	expect_health(scene, 1, 0, 1);
	agenda_retry(agenda, item, 4 * HOUR);
	start(scene, item, 4 * HOUR);
	end(scene, item, &refused, 0, 4 * HOUR);
	assert_int_equal(item->time.due_ms, 8 * HOUR);
	/* Another configuration is another beginning. */
	agenda_renew(agenda, item, true, false, 5 * HOUR);
	start(scene, item, 5 * HOUR);
	end(scene, item, &refused, 0, 5 * HOUR);
	assert_int_equal(item->time.due_ms, 6 * HOUR);
	agenda_resume(agenda, item, 5 * HOUR);
	start(scene, item, 5 * HOUR);
	assert_int_equal(end(scene, item, &well, 0, 5 * HOUR), POLLER_WAITING);
	expect_health(scene, 0, 0, 0);
	assert_int_equal(item->refusals, 0);
	/* What is well is not hurried. */
	agenda_resume(agenda, item, 5 * HOUR);
	agenda_retry(agenda, item, 5 * HOUR);
	assert_null(agenda_start(agenda, 5 * HOUR));
}

/* What worked is tried once more, soon, before it needs attention. */
static void
test_refused_once(void **state)
{
	struct scene *scene = *state;
	struct agenda_item *item = &scene->a;
	struct agenda_outcome outcome = { .result = &refused,
		.has_worked = true };

	agenda_hurry(&scene->agenda, item, 0);
	start(scene, item, 0);
	agenda_ended(&scene->agenda, item, &outcome, &hourly, 0, 0);
	expect_health(scene, 1, 0, 1);
	assert_int_equal(item->time.due_ms, MINUTE);
	start(scene, item, MINUTE);
	agenda_ended(&scene->agenda, item, &outcome, &hourly, MINUTE, 0);
	expect_health(scene, 0, 1, 1);
	assert_int_equal(item->time.due_ms, MINUTE + HOUR);
}

/* Also where that was before a restart. */
static void
test_refused_before(void **state)
{
	struct scene *scene = *state;
	struct agenda_item *item = &scene->a;
	struct agenda_outcome outcome = {
		.result = &refused, .has_worked = true, .has_failed = true
	};

	agenda_hurry(&scene->agenda, item, 0);
	start(scene, item, 0);
	agenda_ended(&scene->agenda, item, &outcome, &hourly, 0, 0);
	expect_health(scene, 0, 1, 1);
	assert_int_equal(item->time.due_ms, HOUR);
	outcome.has_failed = false;
	start(scene, item, HOUR);
	agenda_ended(&scene->agenda, item, &outcome, &hourly, HOUR, 0);
	assert_int_equal(item->time.due_ms, 3 * HOUR);
	/* Often, and for long. */
	for (int i = 0; i < 100; i++) {
		agenda_retry(&scene->agenda, item, 3 * HOUR);
		start(scene, item, 3 * HOUR);
		agenda_ended(
		    &scene->agenda, item, &outcome, &hourly, 3 * HOUR, 0);
	}
	assert_int_equal(item->time.due_ms, 15 * HOUR);
	expect_health(scene, 0, 1, 1);
}

/* The reload comes while the old password is being refused. */
static void
test_retried_while_polling(void **state)
{
	struct scene *scene = *state;
	struct agenda_item *item = &scene->a;

	poll_once(scene, &refused, 0, 0);
	start(scene, item, HOUR);
	agenda_retry(&scene->agenda, item, HOUR);
	assert_int_equal(end(scene, item, &refused, 0, HOUR), POLLER_QUEUED);
	expect_health(scene, 0, 1, 0);
	start(scene, item, HOUR);
	end(scene, item, &well, 0, HOUR);
	expect_health(scene, 0, 0, 0);
}

/* Who fails is in the list, in turn, while it waits; and nobody else. */
static void
test_list_of_failing(void **state)
{
	struct scene *scene = *state;
	struct agenda *agenda = &scene->agenda;

	assert_null(agenda_next_failing(agenda));
	poll_once(scene, &broken, 0, 0);
	assert_ptr_equal(agenda_next_failing(agenda), &scene->a);
	assert_ptr_equal(agenda_next_failing(agenda), &scene->a);
	agenda_hurry(agenda, &scene->b, 0);
	start(scene, &scene->b, 0);
	end(scene, &scene->b, &refused, 0, 0);
	expect_health(scene, 1, 1, 2);
	assert_ptr_equal(agenda_next_failing(agenda), &scene->a);
	assert_ptr_equal(agenda_next_failing(agenda), &scene->b);
	assert_ptr_equal(agenda_next_failing(agenda), &scene->a);
	/* Paused or disabled by a person, it fails no more. */
	agenda_pause(agenda, &scene->a);
	expect_health(scene, 0, 1, 1);
	agenda_renew(agenda, &scene->b, false, false, 0);
	expect_health(scene, 0, 0, 0);
	assert_null(agenda_next_failing(agenda));
	agenda_resume(agenda, &scene->a, 0);
	start(scene, &scene->a, 0);
	end(scene, &scene->a, &broken, 0, 0);
	agenda_wish(agenda, &scene->a);
	expect_health(scene, 1, 0, 0);
	assert_null(agenda_next_failing(agenda));
	start(scene, &scene->a, 0);
	agenda_pause(agenda, &scene->a);
	assert_int_equal(end(scene, &scene->a, &broken, 0, 0), POLLER_PAUSED);
	expect_health(scene, 0, 0, 0);
	agenda_resume(agenda, &scene->a, 0);
	start(scene, &scene->a, 0);
	end(scene, &scene->a, &broken, 0, 0);
	agenda_remove(agenda, &scene->a);
	assert_int_equal(agenda->failing_count, 0);
	assert_int_equal(agenda->health[POLLER_WELL], 1);
	assert_int_equal(agenda->health[POLLER_FAILING], 0);
}

/* An account that is paused has a look taken at it, and other things happen. */
static void
test_comes_back(void **state)
{
	struct scene *scene = *state;
	struct agenda *agenda = &scene->agenda;

	agenda_pause(agenda, &scene->a);
	agenda_wish(agenda, &scene->a);
	agenda_pause(agenda, &scene->a);
	agenda_resume(agenda, &scene->a, 0);
	start(scene, &scene->a, 0);
	assert_int_equal(end(scene, &scene->a, &well, 0, 1), POLLER_WAITING);
	/* Resumed before its turn comes, or while it is polled. */
	agenda_pause(agenda, &scene->a);
	agenda_wish(agenda, &scene->a);
	assert_true(agenda_is_paused(&scene->a));
	agenda_resume(agenda, &scene->a, 1);
	assert_false(agenda_is_paused(&scene->a));
	start(scene, &scene->a, 1);
	assert_int_equal(end(scene, &scene->a, &well, 0, 1), POLLER_WAITING);
	agenda_pause(agenda, &scene->a);
	agenda_wish(agenda, &scene->a);
	start(scene, &scene->a, 1);
	assert_true(agenda_is_paused(&scene->a));
	agenda_resume(agenda, &scene->a, 1);
	assert_int_equal(end(scene, &scene->a, &broken, 0, 1), POLLER_WAITING);
	/* Wished for again meanwhile: each poll is the last one. */
	agenda_pause(agenda, &scene->a);
	agenda_wish(agenda, &scene->a);
	start(scene, &scene->a, 1);
	agenda_wish(agenda, &scene->a);
	assert_int_equal(end(scene, &scene->a, &broken, 0, 1), POLLER_QUEUED);
	start(scene, &scene->a, 1);
	assert_int_equal(end(scene, &scene->a, &well, 0, 1), POLLER_PAUSED);
	agenda_resume(agenda, &scene->a, 1);
	start(scene, &scene->a, 1);
	end(scene, &scene->a, &well, 0, 1);
	agenda_pause(agenda, &scene->a);
	agenda_wish(agenda, &scene->a);
	agenda_renew(agenda, &scene->a, true, true, 2);
	start(scene, &scene->a, 2);
	agenda_renew(agenda, &scene->a, true, true, 3);
	assert_int_equal(end(scene, &scene->a, &well, 0, 4), POLLER_PAUSED);
	/* What was refused may be mended. */
	poll_once(scene, &refused, 0, 5);
	agenda_wish(agenda, &scene->a);
	agenda_renew(agenda, &scene->a, true, false, 6);
	start(scene, &scene->a, 6);
	assert_int_equal(end(scene, &scene->a, &well, 0, 7), POLLER_WAITING);
}

static void
test_asked_while_polling(void **state)
{
	struct scene *scene = *state;
	struct agenda *agenda = &scene->agenda;

	agenda_hurry(agenda, &scene->a, 0);
	start(scene, &scene->a, 0);
	agenda_wish(agenda, &scene->a);
	/* Also before those that are due by the clock. */
	agenda_hurry(agenda, &scene->b, 0);
	agenda_set_limits(agenda, &(struct queue_limits){ 1, 1, 0 }, 0);
	assert_null(agenda_start(agenda, 0));
	assert_int_equal(end(scene, &scene->a, &refused, 0, 1), POLLER_QUEUED);
	start(scene, &scene->a, 1);
	agenda_pause(agenda, &scene->a);
	agenda_wish(agenda, &scene->a);
	assert_int_equal(end(scene, &scene->a, &well, 0, 2), POLLER_PAUSED);
	start(scene, &scene->b, 2);
	agenda_pause(agenda, &scene->b);
	agenda_resume(agenda, &scene->b, 3);
	assert_int_equal(end(scene, &scene->b, &well, 0, 4), POLLER_WAITING);
	assert_null(agenda_start(agenda, 4));
}

/* A message that cannot be fetched delays no other. */
static void
test_left(void **state)
{
	struct scene *scene = *state;
	int64_t due_ms;

	poll_once(scene, &broken, 0, 100);
	assert_int_equal(scene->a.failures, 1);
	poll_once(scene, &left, 0, 200);
	assert_int_equal(scene->a.failures, 0);
	due_ms = scene->a.time.due_ms;
	poll_once(scene, &well, 0, 200);
	assert_int_equal(scene->a.time.due_ms, due_ms);
	assert_int_equal(agenda_state(&scene->a), POLLER_WAITING);
}

/* The LOGIN-DELAY last seen holds whatever the clock says, but for persons. */
static void
test_floor(void **state)
{
	struct scene *scene = *state;
	struct agenda *agenda = &scene->agenda;
	const int64_t floor_ms = 7200 * SECOND;

	poll_once(scene, &well, 7200, 100);
	assert_true(scene->a.time.due_ms >= 100 + floor_ms);
	/* A failure says nothing of it; it is remembered. */
	poll_once(scene, &broken, 0, 200);
	assert_true(scene->a.time.due_ms >= 200 + floor_ms);
	agenda_hurry(agenda, &scene->a, 300);
	assert_int_equal(scene->a.time.due_ms, 200 + floor_ms);
	assert_int_equal(agenda->failing_count, 1);
	agenda_pause(agenda, &scene->a);
	agenda_resume(agenda, &scene->a, 400);
	assert_int_equal(scene->a.time.due_ms, 200 + floor_ms);
	assert_int_equal(agenda_state(&scene->a), POLLER_WAITING);
	agenda_renew(agenda, &scene->a, true, false, 500);
	assert_int_equal(scene->a.time.due_ms, 200 + floor_ms);
	/* Another value takes its place; an absurd one is cut. */
	poll_once(scene, &well, 7000, 600);
	agenda_hurry(agenda, &scene->a, 700);
	assert_int_equal(scene->a.time.due_ms, 600 + 7000 * SECOND);
	poll_once(scene, &well, UINT32_MAX, 800);
	agenda_hurry(agenda, &scene->a, 900);
	assert_int_equal(scene->a.time.due_ms, 800 + 30 * 24 * HOUR);
	/* Elsewhere it means nothing. */
	agenda_renew(agenda, &scene->a, true, true, 1000);
	start(scene, &scene->a, 1000);
}

static void
test_renewed_while_polling(void **state)
{
	struct scene *scene = *state;
	struct agenda *agenda = &scene->agenda;

	agenda_hurry(agenda, &scene->a, 0);
	start(scene, &scene->a, 0);
	agenda_renew(agenda, &scene->a, true, false, 1);
	assert_int_equal(end(scene, &scene->a, &refused, 0, 2), POLLER_QUEUED);
	start(scene, &scene->a, 2);
	/* What the old server says is not the new one's word. */
	agenda_renew(agenda, &scene->a, true, true, 3);
	assert_int_equal(end(scene, &scene->a, &well, 900, 4), POLLER_QUEUED);
	start(scene, &scene->a, 4);
	agenda_renew(agenda, &scene->a, true, false, 5);
	assert_int_equal(end(scene, &scene->a, &well, 900, 6), POLLER_WAITING);
	assert_int_equal(scene->a.time.due_ms, 6 + 900 * SECOND);
	start(scene, &scene->a, scene->a.time.due_ms);
	agenda_renew(agenda, &scene->a, false, false, HOUR);
	assert_int_equal(
	    end(scene, &scene->a, &well, 0, HOUR), POLLER_DISABLED);
	agenda_renew(agenda, &scene->a, true, true, HOUR);
	start(scene, &scene->a, HOUR);
	/* Off and on again in one poll. */
	agenda_renew(agenda, &scene->a, false, false, HOUR);
	agenda_renew(agenda, &scene->a, true, false, HOUR);
	assert_int_equal(
	    end(scene, &scene->a, &broken, 0, HOUR), POLLER_QUEUED);
}

/* A session counts for the host that it is with. */
static void
test_moves(void **state)
{
	struct scene *scene = *state;
	struct agenda *agenda = &scene->agenda;
	struct host *old = scene->a.host, *new;

	new = agenda_host(agenda, "pop.example.net");
	assert_non_null(new);
	assert_true(agenda_reserve(agenda, 2));
	agenda_hurry(agenda, &scene->a, 0);
	start(scene, &scene->a, 0);
	agenda_move(agenda, &scene->a, new);
	agenda_hurry(agenda, &scene->b, 0);
	agenda_wish(agenda, &scene->b);
	agenda_move(agenda, &scene->b, new);
	assert_int_equal(old->accounts, 0);
	assert_int_equal(new->accounts, 2);
	/* It has a session yet. */
	agenda_sweep_hosts(agenda);
	assert_int_equal(agenda->queue.hosts.count, 2);
	assert_int_equal(old->sessions, 1);
	start(scene, &scene->b, 0);
	assert_int_equal(new->sessions, 1);
	end(scene, &scene->a, &well, 0, 1);
	end(scene, &scene->b, &well, 0, 1);
	assert_int_equal(new->sessions, 0);
	agenda_sweep_hosts(agenda);
	assert_int_equal(agenda->queue.hosts.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_life),
		TEST(test_who_waits_is_told_once),
		TEST(test_refused),
		TEST(test_refused_once),
		TEST(test_refused_before),
		TEST(test_retried_while_polling),
		TEST(test_list_of_failing),
		TEST(test_comes_back),
		TEST(test_asked_while_polling),
		TEST(test_left),
		TEST(test_floor),
		TEST(test_renewed_while_polling),
		TEST(test_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
