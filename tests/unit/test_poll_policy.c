/*
 * From an account's configuration and past to the policy of a session, and
 * what is kept of a session for those who ask.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/poll/failures.h"
#include "daemon/poll/findings.h"
#include "daemon/poll/setup.h"

/* ---- policy ---- */

static void
test_wishes(void **state)
{
	const struct config_account account = {
		.keep = { .kind = CONFIG_KEEP_AGE, .age_ms = 5000 },
		.max_message_size = 7,
		.max_messages_per_poll = 8,
		.delete_above = 9,
		.max_deletes_per_session = 10,
		.order = CONFIG_ORDER_NEWEST,
	};
	struct run_order order = { .account = &account,
		.expect_nothing = true };
	struct evpop_policy policy;

	(void)state;
	policy_of_order(&policy, &order);
	assert_int_equal(policy.keep, EVPOP_KEEP_AGE);
	assert_int_equal(policy.keep_ms, 5000);
	assert_int_equal(policy.max_message_octets, 7);
	assert_int_equal(policy.max_messages, 8);
	assert_int_equal(policy.delete_above_octets, 9);
	assert_int_equal(policy.max_session_deletes, 10);
	assert_int_equal(policy.order, EVPOP_ORDER_NEWEST);
	assert_true(policy.fetch_unidentified);
	assert_true(policy.expect_nothing);
	assert_false(policy.dry_run || policy.baseline);
	order.wish = POLLER_WISH_DRY_RUN;
	policy_of_order(&policy, &order);
	assert_true(policy.dry_run && !policy.baseline);
	assert_false(policy.expect_nothing);
	order.wish = POLLER_WISH_BASELINE;
	policy_of_order(&policy, &order);
	assert_true(policy.baseline && !policy.dry_run);
	order.wish = POLLER_WISH_CONFIRM;
	policy_of_order(&policy, &order);
	assert_false(policy.dry_run || policy.baseline);
}

static void
test_what_is_delivered_goes_without_a_guard(void **state)
{
	struct config_account account = { .keep = { CONFIG_KEEP_FOREVER, 0 },
		.delete_guard = 500 };
	const struct run_order order = { .account = &account };
	struct evpop_policy policy;

	(void)state;
	assert_int_equal(policy_present(&order).delete_guard, 500);
	account.keep.kind = CONFIG_KEEP_DELIVERED;
	assert_int_equal(policy_present(&order).delete_guard, 0);
	policy_of_order(&policy, &order);
	assert_int_equal(policy.keep, EVPOP_KEEP_UNTIL_OWED);
}

static void
test_day(void **state)
{
	static const struct {
		uint64_t day, fetched, left;
		bool may_exceed;
	} rows[] = {
		{ 100, 0, 100, true },
		{ 100, 1, 99, false },
		{ 100, 99, 1, false },
		{ 100, 100, 1, false },
		{ 100, 1000, 1, false },
	};
	struct evpop_policy policy = { .max_octets = 0 };
	int64_t now_ms = INT64_C(1700000000000), day_ms;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		policy_of_day(&policy, rows[i].day, rows[i].fetched);
		assert_int_equal(policy.max_octets, rows[i].left);
		assert_int_equal(policy.may_exceed_first, rows[i].may_exceed);
	}
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	day_ms = INT64_C(1699920000000);
	assert_int_equal(policy_day_ms(now_ms), day_ms);
	assert_int_equal(policy_day_ms(day_ms), day_ms);
	assert_int_equal(policy_day_ms(day_ms - 1000), day_ms - 86400000);
	/* Two hours east of Greenwich the day begins sooner. */
	assert_int_equal(setenv("TZ", "EET-2", 1), 0);
	tzset();
	assert_int_equal(policy_day_ms(now_ms), day_ms + 86400000 - 7200000);
}

static void
test_past(void **state)
{
	static const struct {
		bool baseline, listed;
		uint32_t guard, usual;
		bool baseline_now;
		uint32_t max_deletes;
	} cases[] = {
		/* A baseline is for the first poll that goes well. */
		{ true, false, 0, 0, true, 0 },
		{ true, true, 0, 0, false, 0 },
		{ false, false, 0, 0, false, 0 },
		/* The larger of guard and ten times the usual. */
		{ false, true, 500, 0, false, 500 },
		{ false, true, 500, 50, false, 500 },
		{ false, true, 500, 51, false, 510 },
		{ false, true, 1, UINT32_MAX, false, UINT32_MAX },
		/* Without a guard nothing is too much. */
		{ false, true, 0, 51, false, 0 },
	};
	struct store_account account = { .id = 1 };
	struct evpop_policy policy;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memset(&policy, 0, sizeof policy);
		account.listed = cases[i].listed;
		account.usual_deletes = cases[i].usual;
		policy_of_past(&policy, &account,
		    &(struct policy_present){ .baseline = cases[i].baseline,
			.delete_guard = cases[i].guard });
		if (policy.baseline != cases[i].baseline_now ||
		    policy.max_deletes != cases[i].max_deletes)
			fail_msg("%zu: baseline %d, at most %u", i,
			    policy.baseline, policy.max_deletes);
	}
}

/* A poll that probably finds nothing says QUIT at once. */
static void
test_quiet_past(void **state)
{
	static const struct {
		uint32_t quiet_polls;
		enum poller_wish wish;
		bool baseline, listed, expect_nothing;
	} cases[] = {
		{ 0, POLLER_WISH_POLL, false, true, false },
		{ 1, POLLER_WISH_POLL, false, true, false },
		{ 2, POLLER_WISH_POLL, false, true, true },
		{ 4, POLLER_WISH_POLL, false, true, true },
		{ 4, POLLER_WISH_POLL, true, true, true },
		{ 4, POLLER_WISH_POLL, true, false, false },
		{ 4, POLLER_WISH_CONFIRM, false, true, false },
		{ 4, POLLER_WISH_BASELINE, false, true, false },
		{ 4, POLLER_WISH_DRY_RUN, false, true, false },
	};
	struct config_account config = { .delete_guard = 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct store_account account = { .id = 1,
			.listed = cases[i].listed,
			.quiet_polls = cases[i].quiet_polls };
		const struct run_order order = { .account = &config,
			.wish = cases[i].wish };
		struct policy_present present;
		struct evpop_policy policy;

		config.baseline = cases[i].baseline;
		present = policy_present(&order);
		policy_of_order(&policy, &order);
		policy_of_past(&policy, &account, &present);
		if (policy.expect_nothing != cases[i].expect_nothing)
			fail_msg("case %zu", i);
	}
}

static void
test_present(void **state)
{
	const struct config_account account = { .baseline = true,
		.delete_guard = 500 };
	struct run_order order = { .account = &account };

	(void)state;
	assert_int_equal(policy_present(&order).delete_guard, 500);
	assert_true(policy_present(&order).baseline);
	/* A person has seen it, and wants it so. */
	order.wish = POLLER_WISH_CONFIRM;
	assert_int_equal(policy_present(&order).delete_guard, 0);
}

/* ---- transcript ---- */

static void
test_lines(void **state)
{
	struct transcript transcript = { .length = 0 };
	char text[TRANSCRIPT_SIZE + 1];

	(void)state;
	transcript_text(&transcript, text);
	assert_string_equal(text, "");
	transcript_add(&transcript, false, "RETR 1");
	transcript_add(&transcript, true, "+OK");
	transcript_add(&transcript, false, "");
	transcript_text(&transcript, text);
	assert_string_equal(text, "C: RETR 1\nS: +OK\nC: \n");
}

/* Old lines go whole, and long ones are cut, whatever their lengths. */
static void
test_room(void **state)
{
	struct transcript transcript = { .length = 0 };
	char text[TRANSCRIPT_SIZE + 1], line[2 * TRANSCRIPT_LINE];
	const char *last;
	size_t i, length;

	(void)state;
	for (i = 0; i < 5000; i++) {
		length = i * 7 % (sizeof line - 1);
		memset(line, 'a' + (int)(i % 26), length);
		line[length] = '\0';
		transcript_add(&transcript, i % 2 == 0, line);
		transcript_text(&transcript, text);
		assert_true(strlen(text) == transcript.length);
		assert_true(text[0] == 'S' || text[0] == 'C');
		assert_int_equal(text[1], ':');
		assert_int_equal(text[transcript.length - 1], '\n');
		text[transcript.length - 1] = '\0';
		last = strrchr(text, '\n');
		last = last == NULL ? text : last + 1;
		assert_int_equal(last[0], i % 2 == 0 ? 'S' : 'C');
		assert_true(strlen(last) < TRANSCRIPT_LINE);
		assert_int_equal(strncmp(last + 3, line, strlen(last + 3)), 0);
	}
	assert_true(transcript.length > TRANSCRIPT_SIZE - 2 * TRANSCRIPT_LINE);
}

/* ---- dry runs ---- */

#define MANY (POLLER_PLAN_ENTRIES + 5)

static void
test_copy_of_a_plan(void **state)
{
	static struct evpop_entry entries[MANY];
	struct evpop_listing listing = {
		.entries = entries, .count = MANY, .unique_ids = true
	};
	const struct evpop_policy policy = { .keep = EVPOP_KEEP_FOREVER };
	const struct evpop_known known = {
		.unique_id = (const unsigned char *)"k", .unique_id_length = 1
	};
	struct evpop_plan *plan;
	struct poller_plan *copy;
	size_t i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		entries[i].number = (uint32_t)i + 1;
		entries[i].octets = 10;
		entries[i].unique_id =
		    (const unsigned char *)(i == 0 ? "k" : "u\0n");
		entries[i].unique_id_length = i == 0 ? 1 : 3;
	}
	assert_int_equal(evpop_listing_occurrences(&listing), EVPOP_ERROR_NONE);
	assert_int_equal(evpop_plan_new(&plan, &listing, &known, 1, &policy, 0),
	    EVPOP_ERROR_NONE);
	copy = poller_plan_new(&listing, plan, 0, 1234);
	assert_non_null(copy);
	assert_int_equal(copy->made_ms, 1234);
	assert_int_equal(copy->messages, MANY);
	assert_int_equal(copy->fetches, MANY - 1);
	assert_int_equal(copy->fetch_octets, 10 * (MANY - 1));
	assert_int_equal(copy->deletes, 0);
	/* What is to stay as it is is not shown; and no more than so many. */
	assert_int_equal(copy->entry_count, POLLER_PLAN_ENTRIES);
	assert_true(copy->cut);
	assert_int_equal(copy->entries[0].number, 2);
	assert_int_equal(copy->entries[5].occurrence, 5);
	assert_int_equal(copy->entries[5].unique_id_length, 3);
	assert_memory_equal(copy->entries[5].unique_id, "u\0n", 3);
	assert_string_equal(copy->entries[5].action, "fetch");
	poller_plan_free(&copy);
	assert_null(copy);
	evpop_plan_free(&plan);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_what_is_delivered_goes_without_a_guard),
		cmocka_unit_test(test_day),
		cmocka_unit_test(test_past),
		cmocka_unit_test(test_quiet_past),
		cmocka_unit_test(test_present),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_copy_of_a_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
