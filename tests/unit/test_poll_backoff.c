/* How long to wait after which failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/poll/interval.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct backoff_case {
	const char *name;
	enum evpop_error error;
	enum evpop_response_code code;
	unsigned failures;
	int64_t interval_ms;
	int64_t least_ms; /* without jitter */
};

static const struct backoff_case cases[] = {
	{ "the first time", EVPOP_ERROR_IO, EVPOP_CODE_NONE, 1, 5 * MINUTE,
	    5 * MINUTE },
	{ "the second", EVPOP_ERROR_TIMEOUT, EVPOP_CODE_NONE, 2, 5 * MINUTE,
	    10 * MINUTE },
	{ "the third", EVPOP_ERROR_TLS, EVPOP_CODE_NONE, 3, 5 * MINUTE,
	    20 * MINUTE },
	{ "it does not grow forever", EVPOP_ERROR_IO, EVPOP_CODE_NONE, 100000,
	    5 * MINUTE, 2 * HOUR },
	{ "at the largest count", EVPOP_ERROR_IO, EVPOP_CODE_NONE, UINT32_MAX,
	    1000, 64000 },
	{ "a long interval is the limit", EVPOP_ERROR_IO, EVPOP_CODE_NONE, 9,
	    DAY, DAY },
	{ "refused", EVPOP_ERROR_REFUSED, EVPOP_CODE_NONE, 1, MINUTE, MINUTE },
	{ "what the server said is unknown", EVPOP_ERROR_REFUSED,
	    EVPOP_CODE_OTHER, 2, MINUTE, 2 * MINUTE },
	{ "no secret to be had", EVPOP_ERROR_USAGE, EVPOP_CODE_NONE, 1, MINUTE,
	    MINUTE },
	{ "in use is no fault of the credentials", EVPOP_ERROR_AUTH,
	    EVPOP_CODE_IN_USE, 1, HOUR, MINUTE },
	{ "in use again", EVPOP_ERROR_REFUSED, EVPOP_CODE_IN_USE, 3, HOUR,
	    4 * MINUTE },
	{ "in use, with a short interval", EVPOP_ERROR_REFUSED,
	    EVPOP_CODE_IN_USE, 1, 10000, 10000 },
	{ "will pass", EVPOP_ERROR_AUTH, EVPOP_CODE_SYS_TEMP, 2, HOUR,
	    2 * MINUTE },
	{ "too soon", EVPOP_ERROR_AUTH, EVPOP_CODE_LOGIN_DELAY, 1, MINUTE,
	    15 * MINUTE },
	{ "too soon, with a long interval", EVPOP_ERROR_REFUSED,
	    EVPOP_CODE_LOGIN_DELAY, 5, HOUR, HOUR },
	{ "needs a person there", EVPOP_ERROR_AUTH, EVPOP_CODE_SYS_PERM, 1,
	    MINUTE, 6 * HOUR },
};

static void
test_cases(void **state)
{
	static const uint32_t randoms[] = { 0, 1, 1023, 4096, 70001, INT32_MAX,
		UINT32_MAX };
	const struct backoff_case *one;
	struct backoff_past past;
	struct evpop_result result;
	int64_t delay_ms;
	size_t i, r;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		one = &cases[i];
		print_message("%s\n", one->name);
		memset(&result, 0, sizeof result);
		result.error = one->error;
		result.code = one->code;
		past = (struct backoff_past){ .failures = one->failures };
		for (r = 0; r < sizeof randoms / sizeof randoms[0]; r++) {
			delay_ms = backoff_delay_ms(
			    &result, &past, one->interval_ms, randoms[r]);
			assert_true(delay_ms >= one->least_ms);
			assert_true(
			    delay_ms <= one->least_ms + one->least_ms / 4);
		}
		/* Without jitter it is exactly that. */
		assert_int_equal(
		    backoff_delay_ms(&result, &past, one->interval_ms, 0),
		    one->least_ms);
	}
}

static void
test_jitter_parts(void **state)
{
	const struct evpop_result result = { .error = EVPOP_ERROR_IO };
	const struct backoff_past past = { .failures = 1 };

	(void)state;
	assert_int_equal(
	    backoff_delay_ms(&result, &past, 4 * MINUTE, UINT32_C(1) << 31),
	    4 * MINUTE + 30000);
	/* One part in a thousand tells two apart. */
	assert_true(backoff_delay_ms(&result, &past, 4 * MINUTE, 4300000) >
		    backoff_delay_ms(&result, &past, 4 * MINUTE, 0));
}

/* A longer row of failures never shortens the wait. */
static void
test_never_shrinks(void **state)
{
	static const enum evpop_response_code codes[] = { EVPOP_CODE_NONE,
		EVPOP_CODE_IN_USE, EVPOP_CODE_SYS_TEMP, EVPOP_CODE_LOGIN_DELAY,
		EVPOP_CODE_SYS_PERM };
	struct evpop_result result = { .error = EVPOP_ERROR_REFUSED };
	struct backoff_past past = { 0 };
	int64_t last_ms, delay_ms;
	size_t c;

	(void)state;
	for (c = 0; c < sizeof codes / sizeof codes[0]; c++) {
		result.code = codes[c];
		last_ms = 0;
		for (past.failures = 1; past.failures < 50; past.failures++) {
			delay_ms = backoff_delay_ms(&result, &past, MINUTE, 0);
			assert_true(delay_ms >= last_ms);
			last_ms = delay_ms;
		}
		assert_true(last_ms <= 6 * HOUR);
	}
}

struct ladder {
	const char *name;
	struct evpop_result result;
	bool has_worked;
	int64_t interval_ms;
	int64_t steps_ms[9];
	unsigned person_from; /* needs attention from that failure on; 0: no */
};

static const struct ladder ladders[] = {
	{ "credentials that never worked",
	    { .error = EVPOP_ERROR_AUTH, .phase = EVPOP_PHASE_LOGIN }, false,
	    10000,
	    { HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, 12 * HOUR,
		12 * HOUR, 12 * HOUR, 12 * HOUR },
	    1 },
	{ "by code",
	    { .error = EVPOP_ERROR_AUTH,
		.code = EVPOP_CODE_AUTH,
		.phase = EVPOP_PHASE_LOGIN },
	    false, HOUR,
	    { HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, 12 * HOUR,
		12 * HOUR, 12 * HOUR, 12 * HOUR },
	    1 },
	{ "credentials that worked",
	    { .error = EVPOP_ERROR_AUTH, .phase = EVPOP_PHASE_LOGIN }, true,
	    10000,
	    { 10000, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, 12 * HOUR,
		12 * HOUR, 12 * HOUR },
	    2 },
	{ "credentials that worked, once a day",
	    { .error = EVPOP_ERROR_AUTH, .phase = EVPOP_PHASE_LOGIN }, true,
	    DAY,
	    { MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, 12 * HOUR,
		12 * HOUR, 12 * HOUR },
	    2 },
	{ "for now, by words",
	    { .error = EVPOP_ERROR_REFUSED, .phase = EVPOP_PHASE_LOGIN }, true,
	    10000,
	    { 10000, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 16 * MINUTE,
		32 * MINUTE, 64 * MINUTE, 64 * MINUTE, 64 * MINUTE },
	    0 },
	{ "a greeting that turns away",
	    { .error = EVPOP_ERROR_REFUSED, .phase = EVPOP_PHASE_GREETING },
	    false, HOUR,
	    { MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 16 * MINUTE,
		32 * MINUTE, 64 * MINUTE, 64 * MINUTE, 64 * MINUTE },
	    0 },
	{ "the server's administrator",
	    { .error = EVPOP_ERROR_REFUSED,
		.code = EVPOP_CODE_SYS_PERM,
		.phase = EVPOP_PHASE_LOGIN },
	    true, MINUTE,
	    { 6 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR, 6 * HOUR,
		6 * HOUR, 6 * HOUR, 6 * HOUR },
	    1 },
};

/* What an account waits that fails in one way, and when it needs attention. */
static void
test_ladders(void **state)
{
	const struct ladder *one;
	struct backoff_past past;
	size_t i, step;

	(void)state;
	for (i = 0; i < sizeof ladders / sizeof ladders[0]; i++) {
		one = &ladders[i];
		past = (struct backoff_past){ .has_worked = one->has_worked };
		for (step = 0; step < 9; step++) {
			past.failures++;
			past.refusals += backoff_is_refusal(&one->result);
			if (backoff_delay_ms(&one->result, &past,
				one->interval_ms, 0) != one->steps_ms[step])
				fail_msg("%s, step %zu", one->name, step);
			assert_int_equal(
			    backoff_needs_person(&one->result, &past),
			    one->person_from != 0 &&
				step + 1 >= one->person_from);
			assert_true(backoff_is_failure(&one->result));
		}
	}
}

/* Nobody is locked out by us: log-ins in ten minutes, and in an hour. */
static void
test_nobody_is_locked_out(void **state)
{
	static const int64_t intervals_ms[] = { 1000, 10000, MINUTE, HOUR };
	struct backoff_past past;
	int64_t at_ms, log_ins_10, log_ins_60;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof ladders / sizeof ladders[0]; i++)
		for (j = 0; j < 4; j++) {
			past = (struct backoff_past){ .has_worked = true };
			at_ms = log_ins_10 = log_ins_60 = 0;
			while (at_ms < HOUR) {
				log_ins_10 += at_ms < 10 * MINUTE;
				log_ins_60++;
				past.failures++;
				past.refusals +=
				    backoff_is_refusal(&ladders[i].result);
				at_ms += backoff_delay_ms(&ladders[i].result,
				    &past, intervals_ms[j], 0);
			}
			assert_true(log_ins_10 <= 4);
			assert_true(log_ins_60 <= 6);
		}
}

/* A server that is out meanwhile takes no step up, and none back. */
static void
test_outages_between_refusals(void **state)
{
	const struct evpop_result refused = { .error = EVPOP_ERROR_AUTH };
	const struct backoff_past past = { .failures = 40, .refusals = 2 };

	(void)state;
	assert_int_equal(
	    backoff_delay_ms(&refused, &past, MINUTE, 0), 2 * HOUR);
	assert_false(backoff_is_failure(
	    &(struct evpop_result){ .error = EVPOP_ERROR_NONE }));
	assert_false(backoff_is_failure(&(struct evpop_result){
	    .error = EVPOP_ERROR_PROTOCOL, .scope = EVPOP_SCOPE_MESSAGE }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ladders),
		cmocka_unit_test(test_nobody_is_locked_out),
		cmocka_unit_test(test_outages_between_refusals),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_jitter_parts),
		cmocka_unit_test(test_never_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
