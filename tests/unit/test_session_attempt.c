/* What is said where one mechanism after the other was refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/session/attempt.h"

static const struct {
	enum evpop_error first, last;
	enum evpop_phase phase; /* of the last */
	const char *first_text, *last_text;
	enum evpop_error error; /* what comes of it */
	const char *text;
} cases[] = {
	{ EVPOP_ERROR_NONE, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN, "", "no",
	    EVPOP_ERROR_AUTH, "no" },
	{ EVPOP_ERROR_AUTH, EVPOP_ERROR_NONE, EVPOP_PHASE_NONE, "go away", "",
	    EVPOP_ERROR_NONE, "" },
	{ EVPOP_ERROR_AUTH, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN, "go away",
	    "no way to log in", EVPOP_ERROR_AUTH,
	    "go away; then, by another mechanism: no way to log in" },
	{ EVPOP_ERROR_AUTH, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN, "no", "no",
	    EVPOP_ERROR_AUTH, "no" },
	{ EVPOP_ERROR_AUTH, EVPOP_ERROR_IO, EVPOP_PHASE_LOGIN, "go away",
	    "closed", EVPOP_ERROR_AUTH,
	    "go away; then, by another mechanism: closed" },
	{ EVPOP_ERROR_IO, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN, "closed",
	    "go away", EVPOP_ERROR_AUTH,
	    "closed; then, by another mechanism: go away" },
	{ EVPOP_ERROR_IO, EVPOP_ERROR_IO, EVPOP_PHASE_LOGIN, "closed", "reset",
	    EVPOP_ERROR_IO, "closed; then, by another mechanism: reset" },
	{ EVPOP_ERROR_IO, EVPOP_ERROR_REFUSED, EVPOP_PHASE_LOGIN, "closed",
	    "in use", EVPOP_ERROR_REFUSED,
	    "closed; then, by another mechanism: in use" },
	/* The log-in went well at last: this is about something else. */
	{ EVPOP_ERROR_AUTH, EVPOP_ERROR_IO, EVPOP_PHASE_BODY, "go away",
	    "closed", EVPOP_ERROR_IO, "closed" },
	{ EVPOP_ERROR_IO, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT, "closed",
	    "refused", EVPOP_ERROR_IO, "refused" },
	{ EVPOP_ERROR_AUTH, EVPOP_ERROR_TIMEOUT, EVPOP_PHASE_LOGIN, "go away",
	    "late", EVPOP_ERROR_AUTH,
	    "go away; then, by another mechanism: late" },
};

static void
test_words_of_the_first(void **state)
{
	struct evpop_attempt attempt;
	struct evpop_result result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memset(&attempt, 0, sizeof attempt);
		memset(&result, 0, sizeof result);
		if (cases[i].first != EVPOP_ERROR_NONE)
			evpop_result_set(&attempt.refusal, cases[i].first,
			    EVPOP_PHASE_LOGIN, "%s", cases[i].first_text);
		if (cases[i].last != EVPOP_ERROR_NONE)
			evpop_result_set(&result, cases[i].last, cases[i].phase,
			    "%s", cases[i].last_text);
		evpop_attempt_explain(&attempt, &result);
		assert_int_equal(result.error, cases[i].error);
		assert_string_equal(result.text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_of_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
