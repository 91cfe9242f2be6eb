/* How long to wait after which failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/poll/backoff.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct backoff_case {
	const char *name;
	enum evpop_error error;
	enum evpop_response_code code;
	unsigned failures;
	int64_t interval_ms;
	int64_t least_ms; /* without jitter; or BACKOFF_STOP */
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
	{ "credentials refused", EVPOP_ERROR_AUTH, EVPOP_CODE_NONE, 1, MINUTE,
	    BACKOFF_STOP },
	{ "credentials refused by code", EVPOP_ERROR_AUTH, EVPOP_CODE_AUTH, 1,
	    MINUTE, BACKOFF_STOP },
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
		for (r = 0; r < sizeof randoms / sizeof randoms[0]; r++) {
			delay_ms = backoff_delay_ms(&result, one->failures,
			    one->interval_ms, randoms[r]);
			if (one->least_ms == BACKOFF_STOP) {
				assert_int_equal(delay_ms, BACKOFF_STOP);
				continue;
			}
			assert_true(delay_ms >= one->least_ms);
			assert_true(
			    delay_ms <= one->least_ms + one->least_ms / 4);
		}
		/* Without jitter it is exactly that. */
		assert_int_equal(backoff_delay_ms(&result, one->failures,
				     one->interval_ms, 0),
		    one->least_ms);
	}
}

static void
test_jitter_parts(void **state)
{
	const struct evpop_result result = { .error = EVPOP_ERROR_IO };

	(void)state;
	assert_int_equal(
	    backoff_delay_ms(&result, 1, 4 * MINUTE, UINT32_C(1) << 31),
	    4 * MINUTE + 30000);
	/* One part in a thousand tells two apart. */
	assert_true(backoff_delay_ms(&result, 1, 4 * MINUTE, 4300000) >
		    backoff_delay_ms(&result, 1, 4 * MINUTE, 0));
}

/* A longer row of failures never shortens the wait. */
static void
test_never_shrinks(void **state)
{
	static const enum evpop_response_code codes[] = { EVPOP_CODE_NONE,
		EVPOP_CODE_IN_USE, EVPOP_CODE_SYS_TEMP, EVPOP_CODE_LOGIN_DELAY,
		EVPOP_CODE_SYS_PERM };
	struct evpop_result result = { .error = EVPOP_ERROR_REFUSED };
	int64_t last_ms, delay_ms;
	unsigned failures;
	size_t c;

	(void)state;
	for (c = 0; c < sizeof codes / sizeof codes[0]; c++) {
		result.code = codes[c];
		last_ms = 0;
		for (failures = 1; failures < 50; failures++) {
			delay_ms =
			    backoff_delay_ms(&result, failures, MINUTE, 0);
			assert_true(delay_ms >= last_ms);
			last_ms = delay_ms;
		}
		assert_true(last_ms <= 6 * HOUR);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_jitter_parts),
		cmocka_unit_test(test_never_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
