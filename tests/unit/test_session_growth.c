/*
 * What grows with a maildrop: what is known comes in batches, and the memory
 * for the listing and the plan is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "tests/unit/session_run.h"

/* What is known comes in batches, and memory is bounded. */
struct growth_run {
	struct session_run run;
	size_t batch; /* 0: in one call */
	size_t room;  /* bytes of memory there are; 0: any */
	size_t held;
	bool out_of_order;
	char log[4096];
};

static void
note(struct growth_run *run, const char *word, const struct evpop_known *known)
{
	size_t length = strlen(run->log);

	snprintf(run->log + length, sizeof run->log - length, "%s%.*s ", word,
	    known == NULL ? 0 : (int)known->unique_id_length,
	    known == NULL ? "" : (const char *)known->unique_id);
}

static void
on_listing(
    struct evpop_sync *sync, const struct evpop_listing *listing, void *arg)
{
	struct growth_run *run = arg;
	size_t i, count;

	(void)listing;
	if (run->batch == 0) {
		evpop_sync_known(
		    sync, run->run.known, run->run.known_count, 1000);
		return;
	}
	for (i = 0; i < run->run.known_count; i += run->batch) {
		count = run->run.known_count - i;
		if (count > run->batch)
			count = run->batch;
		evpop_sync_known_batch(sync,
		    run->run.known + (run->out_of_order
					     ? run->run.known_count - i - count
					     : i),
		    count, false, 1000);
	}
	evpop_sync_known_batch(sync, NULL, 0, true, 1000);
	/* Who has told all has nothing more to say. */
	evpop_sync_known_batch(sync, run->run.known, 1, true, 1000);
	evpop_sync_unchanged(sync);
}

static void
on_gone(struct evpop_sync *sync, const struct evpop_known *known, void *arg)
{
	(void)sync;
	note(arg, "gone:", known);
}

static void
on_matched(struct evpop_sync *sync, const struct evpop_plan *plan, void *arg)
{
	struct growth_run *run = arg;

	assert_ptr_equal(evpop_sync_plan(sync), plan);
	assert_int_equal(plan->gone == NULL, run->batch > 0);
	note(run, "matched", NULL);
}

static void
on_planned(struct evpop_sync *sync, const struct evpop_plan *plan, void *arg)
{
	struct growth_run *run = arg;
	char text[64];

	(void)sync;
	snprintf(
	    text, sizeof text, "planned:%zu+%zu", plan->fetches, plan->deletes);
	note(run, text, NULL);
}

static bool
on_hold(struct evpop_sync *sync, size_t octets, void *arg)
{
	struct growth_run *run = arg;

	(void)sync;
	assert_true(octets > run->held);
	run->held = octets;
	return run->room == 0 || octets <= run->room;
}

static void
poll_once(struct growth_run *run, struct event_base *base,
    const struct net_rule *rules, size_t count,
    const struct evpop_policy *policy)
{
	struct evpop_sync_callbacks callbacks = session_run_callbacks;

	callbacks.listing = on_listing;
	callbacks.gone = on_gone;
	callbacks.matched = on_matched;
	callbacks.planned = on_planned;
	callbacks.hold = on_hold;
	run->run.callbacks = &callbacks;
	session_run_play(&run->run, base, rules, count, policy);
}

/* ---- batches ---- */

#define KNOWN(id)                                       \
	{                                               \
		.unique_id = (const unsigned char *)id, \
		.unique_id_length = sizeof id - 1,      \
	}

static const struct evpop_known some[] = { KNOWN("a"), KNOWN("id"),
	KNOWN("id-1"), KNOWN("id-2"), KNOWN("id-22"), KNOWN("id-4"),
	KNOWN("z") };

/* However it is cut, it comes to the same. */
static void
test_batches(void **state)
{
	struct growth_run whole = { .run = {
					.known = some, .known_count = 7 } };
	size_t batch, count;

	poll_once(&whole, *state, NULL, 0, &keep_none);
	assert_string_equal(whole.log,
	    "gone:a gone:id gone:id-22 gone:id-4 gone:z matched planned:1+2 ");
	assert_int_equal(whole.run.report.fetched, 1);
	for (count = 0; count <= 7; count++) {
		struct growth_run one = { .run = { .known = some,
					      .known_count = count } };

		poll_once(&one, *state, NULL, 0, &keep_none);
		for (batch = 1; batch <= 7; batch++) {
			struct growth_run run = { .run = { .known = some,
						      .known_count = count },
				.batch = batch };

			poll_once(&run, *state, NULL, 0, &keep_none);
			assert_string_equal(run.log, one.log);
			assert_int_equal(
			    run.run.report.deleted, one.run.report.deleted);
			assert_int_equal(
			    run.run.report.result.error, EVPOP_ERROR_NONE);
		}
	}
}

static void
test_batches_out_of_order(void **state)
{
	struct growth_run run = { .run = { .known = some, .known_count = 7 },
		.batch = 3,
		.out_of_order = true };

	poll_once(&run, *state, NULL, 0, &keep_none);
	assert_int_equal(run.run.report.result.error, EVPOP_ERROR_USAGE);
	assert_null(strstr(run.log, "matched"));
	assert_int_equal(run.run.report.fetched + run.run.report.deleted, 0);
}

/* ---- memory ---- */

#define LONG_ID "0123456789012345678901234567890123456789012345678901234567"

/* UIDL with so many messages, or LIST without sizes worth the name. */
static char *
make_listing(size_t count, bool ids)
{
	char *text = malloc(count * 80 + 16), *at = text;
	size_t i;

	assert_non_null(text);
	at += sprintf(at, "+OK\r\n");
	for (i = 1; i <= count; i++)
		at += sprintf(
		    at, ids ? "%zu %07zu" LONG_ID "\r\n" : "%zu %zu\r\n", i, i);
	sprintf(at, ".\r\n");
	return text;
}

static void
test_hold(void **state)
{
	static const struct {
		size_t messages, room;
		bool ids, fits;
	} rounds[] = {
		{ 3, 1, true, true }, /* too little to be asked for */
		{ 500, 1, true, true },
		{ 1000, 65536, true, false },
		{ 1000, 1 << 20, true, true },
		{ 10000, 0, true, true },
		{ 10000, 100000, true, false },
		{ 10000, 500000, true, false },
		{ 10000, 4000000, true, true },
		{ 20000, 1000000, true, false },
		{ 20000, 8000000, true, true },
		{ 20000, 100000, false, false },
		{ 20000, 2000000, false, true },
	};
	static const struct evpop_policy policy = { .dry_run = true };
	struct event_base *base = *state;
	size_t i;

	for (i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
		struct growth_run run = { .room = rounds[i].room };
		char *listing = make_listing(rounds[i].messages, rounds[i].ids);
		const struct net_rule rules[] = {
			{ "UIDL", rounds[i].ids ? listing : "-ERR what?\r\n",
			    NET_GO_ON },
			{ "LIST", listing, NET_GO_ON },
			{ "TOP 1 0", "-ERR what?\r\n", NET_GO_ON },
			{ "CAPA", "-ERR what?\r\n", NET_GO_ON },
		};

		poll_once(&run, base, rules, 4, &policy);
		free(listing);
		assert_int_equal(run.run.report.result.error,
		    rounds[i].fits ? EVPOP_ERROR_NONE : EVPOP_ERROR_LIMIT);
		if (rounds[i].fits) {
			assert_int_equal(
			    run.run.report.messages, rounds[i].messages);
			continue;
		}
		assert_int_equal(
		    run.run.report.result.scope, EVPOP_SCOPE_ACCOUNT);
		/* It ended as soon as it was told that there is no more. */
		assert_true(run.held < rounds[i].room * 2 + 200000);
	}
}

/* What a million messages would take, by what a thousand do. */
static void
test_octets_of_an_entry(void **state)
{
	static const struct evpop_policy policy = { .dry_run = true };
	struct growth_run run = { .room = 0 };
	char *listing = make_listing(20000, true);
	const struct net_rule rule = { "UIDL", listing, NET_GO_ON };

	poll_once(&run, *state, &rule, 1, &policy);
	free(listing);
	/* 65 octets of unique-id, 32 of entry, 10 of plan, and room to grow. */
	assert_true(run.held / 20000 < 140);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_batches_out_of_order),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_octets_of_an_entry),
	};

	return cmocka_run_group_tests(
	    tests, session_run_set_up, session_run_tear_down);
}
