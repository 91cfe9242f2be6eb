/* When a target and a message are tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config/target.h"
#include "daemon/deliver/attempt.h"
#include "daemon/deliver/condition.h"
#include "daemon/deliver/retry.h"

static const struct config_target target = {
	.retry_min_ms = 1000,
	.retry_max_ms = 16000,
	.give_up_after_ms = 100000,
};

static void
test_delays_grow_and_differ(void **state)
{
	static const int64_t delays[] = { 1000, 2000, 4000, 8000, 16000,
		16000 };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(
		    retry_delay_ms(i + 1, 1000, 16000, 0), delays[i]);
		assert_int_equal(retry_delay_ms(i + 1, 1000, 16000, 255),
		    delays[i] + delays[i] / 4);
	}
	/* However often, and however little. */
	assert_int_equal(
	    retry_delay_ms(UINT32_MAX, 1, UINT32_MAX, 0), UINT32_MAX);
	assert_int_equal(retry_delay_ms(1, 0, 0, 0), 1);
}

static void
test_a_rate_is_even(void **state)
{
	struct retry_rate rate = { 0 };
	int64_t now_ms = 5000;

	(void)state;
	assert_int_equal(retry_rate_wait_ms(&rate, 0, now_ms), 0);
	/* One in six seconds. */
	assert_int_equal(retry_rate_wait_ms(&rate, 10, now_ms), 0);
	retry_rate_count(&rate, 10, now_ms);
	assert_int_equal(retry_rate_wait_ms(&rate, 10, now_ms), 6000);
	assert_int_equal(retry_rate_wait_ms(&rate, 10, now_ms + 5999), 1);
	assert_int_equal(retry_rate_wait_ms(&rate, 10, now_ms + 6000), 0);
	/* Ten in a second, and what was not used is not saved up. */
	rate = (struct retry_rate){ 0 };
	now_ms = INT64_C(1000000);
	for (int i = 0; i < 11; i++) {
		assert_int_equal(retry_rate_wait_ms(&rate, 600, now_ms), 0);
		retry_rate_count(&rate, 600, now_ms);
	}
	assert_int_equal(retry_rate_wait_ms(&rate, 600, now_ms), 100);
}

static struct carried_result
result_of(enum carried outcome)
{
	return (struct carried_result){ .outcome = outcome, .answer = "words" };
}

static bool
goes_down(struct condition *condition, enum carried outcome, int64_t row,
    unsigned working, int64_t now_ms)
{
	const struct carried_result carried = result_of(outcome);
	const struct condition_failure failure = {
		.target = &target,
		.carried = &carried,
		.row = row,
		.working = working,
		.unix_ms = 7,
		.now_ms = now_ms,
	};

	return condition_fail(condition, &failure);
}

static void
test_a_condition(void **state)
{
	struct condition condition = { .health = CONDITION_WORKS };

	(void)state;
	assert_true(condition_may_try(&condition, 0));
	assert_true(goes_down(&condition, CARRIED_DOWN, 1, 0, 100));
	assert_int_equal(condition.since_ms, 7);
	assert_false(condition_may_try(&condition, 1099));
	assert_true(condition_may_try(&condition, 1100));
	/* What fails with it is the same failure; what fails later is not. */
	assert_false(goes_down(&condition, CARRIED_DOWN, 2, 0, 100));
	assert_int_equal(condition.next_ms, 1100);
	assert_false(goes_down(&condition, CARRIED_DOWN, 1, 0, 1100));
	assert_int_equal(condition.next_ms, 1100 + 2000);
	/* It needs attention: eight times as long. */
	assert_true(goes_down(&condition, CARRIED_WRONG, 1, 0, 3100));
	assert_int_equal(condition.next_ms, 3100 + 16000);
	assert_true(condition_work(&condition, 1, 20000));
	assert_false(condition_work(&condition, 1, 20000));
	assert_string_equal(condition.text, "");
}

static void
test_fewer_carriers(void **state)
{
	struct condition condition = { .health = CONDITION_WORKS };

	(void)state;
	assert_int_equal(condition_most(&condition, 4), 4);
	assert_false(goes_down(&condition, CARRIED_DOWN, 1, 3, 0));
	assert_int_equal(condition_most(&condition, 4), 3);
	assert_false(goes_down(&condition, CARRIED_DOWN, 1, 1, 0));
	assert_int_equal(condition_most(&condition, 4), 1);
	/* One more after a while in which all went well. */
	assert_false(condition_work(&condition, 2, 29999));
	assert_int_equal(condition_most(&condition, 4), 1);
	assert_false(condition_work(&condition, 2, 30000));
	assert_int_equal(condition_most(&condition, 4), 2);
	/* None is left: it is down. */
	assert_true(goes_down(&condition, CARRIED_DOWN, 1, 0, 40000));
}

static void
test_who_is_to_blame(void **state)
{
	struct condition condition = { .health = CONDITION_WORKS };

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(condition_suspect(&condition), 0);
		(void)goes_down(&condition, CARRIED_DOWN, 5, 0, i * 100000);
	}
	/* It may be the target's fault. */
	assert_int_equal(condition_suspect(&condition), 5);
	assert_false(condition_is_culprit(&condition, 5));
	(void)condition_work(&condition, 6, 400000);
	assert_true(condition_is_culprit(&condition, 5));
	assert_false(condition_is_culprit(&condition, 6));
	/* Another that fails as well absolves it. */
	(void)goes_down(&condition, CARRIED_DOWN, 6, 0, 500000);
	assert_false(condition_is_culprit(&condition, 5));
}

static struct store_outbox_result
judge(enum carried outcome, int64_t now_ms, bool is_culprit)
{
	static char text[ATTEMPT_TEXT];
	const struct carried_result carried = result_of(outcome);
	const struct attempt attempt = {
		.target = &target,
		.id = 3,
		.now_ms = now_ms,
		.queued_ms = 1000,
		.attempts = 1,
		.is_culprit = is_culprit,
		.read_status = STORE_IO,
	};
	struct store_outbox_result result;

	assert_true(attempt_judge(&attempt, &carried, &result, text));
	assert_int_equal(result.id, 3);
	return result;
}

static void
test_what_comes_of_an_attempt(void **state)
{
	struct store_outbox_result result;

	(void)state;
	result = judge(CARRIED_DELIVERED, 2000, false);
	assert_int_equal(result.state, STORE_OUTBOX_DELIVERED);
	assert_true(result.is_attempt);
	result = judge(CARRIED_LATER, 2000, false);
	assert_int_equal(result.state, STORE_OUTBOX_WAITING);
	assert_int_equal(result.due_ms, 2000 + 2000);
	assert_true(result.is_attempt);
	result = judge(CARRIED_LATER, 101000, false);
	assert_int_equal(result.state, STORE_OUTBOX_REFUSED);
	assert_string_equal(result.answer, "given up after 1 min: words");
	result = judge(CARRIED_UNREAD, 2000, false);
	assert_int_equal(result.state, STORE_OUTBOX_WAITING);
	assert_false(result.is_attempt);
	/* A target that is down refuses nothing, however long. */
	result = judge(CARRIED_DOWN, INT64_C(1) << 50, false);
	assert_int_equal(result.state, STORE_OUTBOX_WAITING);
	assert_false(result.is_attempt);
	result = judge(CARRIED_DOWN, 2000, true);
	assert_true(result.is_attempt);
	assert_int_equal(result.due_ms, 4000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delays_grow_and_differ),
		cmocka_unit_test(test_a_rate_is_even),
		cmocka_unit_test(test_a_condition),
		cmocka_unit_test(test_fewer_carriers),
		cmocka_unit_test(test_who_is_to_blame),
		cmocka_unit_test(test_what_comes_of_an_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
