/* Server text made printable, and results made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evpop/error.h>

struct printable_case {
	const char *name;
	const char *input;
	size_t length;
	const char *expected;
};

#define CASE(name, input, expected)                      \
	{                                                \
		name, input, sizeof(input) - 1, expected \
	}

static const struct printable_case cases[] = {
	CASE("empty", "", ""),
	CASE("ASCII", " az~", " az~"),
	CASE("controls", "\x01\x1f\x7f\t\r\n", "??????"),
	CASE("NUL", "a\0b", "a?b"),
	CASE("escape sequence", "\x1b[31m", "?[31m"),
	CASE("two octets", "\xc3\xa9", "\xc3\xa9"),
	CASE("three octets", "\xe2\x82\xac", "\xe2\x82\xac"),
	CASE("four octets", "\xf0\x9f\x93\xac", "\xf0\x9f\x93\xac"),
	CASE("first beyond C1", "\xc2\xa0", "\xc2\xa0"),
	CASE("C1", "\xc2\x80\xc2\x85\xc2\x9b\xc2\x9f", "????????"),
	CASE("raw C1", "\x9b", "?"),
	CASE("Latin-1", "caf\xe9", "caf?"),
	CASE("lone continuation", "\x80\xbf", "??"),
	CASE("cut short at the end", "\xe2\x82", "??"),
	CASE("cut short inside",
	    "\xe2\x82"
	    "a",
	    "??a"),
	CASE("lead and lead", "\xc3\xc3\xa9", "?\xc3\xa9"),
	CASE("overlong 2", "\xc0\xaf\xc1\xbf", "????"),
	CASE("overlong 3", "\xe0\x80\xaf", "???"),
	CASE("overlong 3, last", "\xe0\x9f\xbf", "???"),
	CASE("first of 3", "\xe0\xa0\x80", "\xe0\xa0\x80"),
	CASE("overlong 4", "\xf0\x80\x80\xaf", "????"),
	CASE("overlong 4, last", "\xf0\x8f\xbf\xbf", "????"),
	CASE("first of 4", "\xf0\x90\x80\x80", "\xf0\x90\x80\x80"),
	CASE("before surrogates", "\xed\x9f\xbf", "\xed\x9f\xbf"),
	CASE("first surrogate", "\xed\xa0\x80", "???"),
	CASE("last surrogate", "\xed\xbf\xbf", "???"),
	CASE("behind surrogates", "\xee\x80\x80", "\xee\x80\x80"),
	CASE("last of all", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"),
	CASE("beyond all", "\xf4\x90\x80\x80", "????"),
	CASE("impossible leads", "\xf5\x80\x80\x80\xff\xfe", "??????"),
	CASE("soft hyphen", "\xc2\xad", "??"),
	CASE("Arabic letter mark", "\xd8\x9c", "??"),
	CASE("Mongolian vowel separator", "\xe1\xa0\x8e", "???"),
	CASE("before zero width", "\xe2\x80\x8a", "\xe2\x80\x8a"),
	CASE("zero width space", "\xe2\x80\x8b", "???"),
	CASE("right-to-left mark", "\xe2\x80\x8f", "???"),
	CASE("behind marks", "\xe2\x80\x90", "\xe2\x80\x90"),
	CASE("line separator", "\xe2\x80\xa8", "???"),
	CASE("right-to-left override", "\xe2\x80\xae", "???"),
	CASE("behind overrides", "\xe2\x80\xaf", "\xe2\x80\xaf"),
	CASE("word joiner", "\xe2\x81\xa0", "???"),
	CASE("first isolate", "\xe2\x81\xa6", "???"),
	CASE("last of the block", "\xe2\x81\xaf", "???"),
	CASE("byte order mark", "\xef\xbb\xbf", "???"),
	CASE("interlinear annotation", "\xef\xbf\xb9", "???"),
	CASE("replacement character", "\xef\xbf\xbd", "\xef\xbf\xbd"),
	CASE("tag", "\xf3\xa0\x81\x81", "????"),
};

static void
text_is_made_printable(void **state)
{
	char dst[64];
	char *copy;
	size_t i, length;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		copy = malloc(cases[i].length + (cases[i].length == 0));
		assert_non_null(copy);
		memcpy(copy, cases[i].input, cases[i].length);
		length =
		    evpop_printable(dst, sizeof dst, copy, cases[i].length);
		if (strcmp(dst, cases[i].expected) != 0 ||
		    length != strlen(dst))
			fail_msg("%s: \"%s\"", cases[i].name, dst);
		free(copy);
	}
}

/* Cut to every size, the text is a prefix that ends between characters. */
static void
truncation_keeps_characters_whole(void **state)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x93\xac\x1bz";
	/* The length that remains of it for each size of the destination. */
	static const size_t kept[] = { 0, 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11,
		12, 12 };
	char *dst;
	size_t size, length;

	(void)state;
	for (size = 0; size < sizeof kept / sizeof kept[0]; size++) {
		dst = malloc(size + (size == 0));
		assert_non_null(dst);
		dst[0] = 'x';
		length = evpop_printable(dst, size, text, sizeof text - 1);
		if (length != kept[size])
			fail_msg("size %zu: %zu octets", size, length);
		if (size == 0)
			assert_int_equal(dst[0], 'x');
		else
			assert_int_equal(strlen(dst), length);
		free(dst);
	}
}

static const struct {
	enum evpop_error error;
	const char *name;
	bool retry;
} errors[] = {
	{ EVPOP_ERROR_NONE, "ok", false },
	{ EVPOP_ERROR_REFUSED, "refused", true },
	{ EVPOP_ERROR_PROTOCOL, "protocol", true },
	{ EVPOP_ERROR_TLS, "tls", false },
	{ EVPOP_ERROR_AUTH, "auth", false },
	{ EVPOP_ERROR_IO, "io", true },
	{ EVPOP_ERROR_TIMEOUT, "timeout", true },
	{ EVPOP_ERROR_LIMIT, "limit", false },
	{ EVPOP_ERROR_CANCELLED, "cancelled", false },
	{ EVPOP_ERROR_MEMORY, "memory", true },
	{ EVPOP_ERROR_USAGE, "usage", false },
	{ EVPOP_ERROR_INCOMPLETE, "incomplete", true },
};

static void
results_are_set(void **state)
{
	struct evpop_result result;
	size_t i;

	(void)state;
	assert_int_equal(sizeof errors / sizeof errors[0], EVPOP_ERROR_COUNT);
	for (i = 0; i < EVPOP_ERROR_COUNT; i++) {
		memset(&result, 0xff, sizeof result);
		evpop_result_set(&result, errors[i].error, EVPOP_PHASE_BODY,
		    "%s %d\x1b", "number", 7);
		assert_string_equal(
		    evpop_error_name(result.error), errors[i].name);
		assert_int_equal(result.code, EVPOP_CODE_NONE);
		assert_int_equal(result.scope,
		    i == 0 ? EVPOP_SCOPE_NONE : EVPOP_SCOPE_SESSION);
		assert_int_equal(result.phase, EVPOP_PHASE_BODY);
		if (result.retry != errors[i].retry)
			fail_msg("%s", errors[i].name);
		assert_string_equal(result.text, "number 7?");
	}
}

static void
long_results_are_cut(void **state)
{
	char text[2 * EVPOP_TEXT_SIZE];
	struct evpop_result result;

	(void)state;
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_NONE, "%s", text);
	assert_int_equal(strlen(result.text), EVPOP_TEXT_SIZE - 1);
}

static void
a_result_may_be_made_of_itself(void **state)
{
	struct evpop_result result;

	(void)state;
	evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_NONE, "why");
	evpop_result_set(&result, EVPOP_ERROR_CANCELLED, EVPOP_PHASE_LOGIN,
	    "because: %s", result.text);
	assert_string_equal(result.text, "because: why");
}

static void
names_are_stable(void **state)
{
	(void)state;
	assert_string_equal(
	    evpop_response_code_name(EVPOP_CODE_SYS_TEMP), "SYS/TEMP");
	assert_string_equal(
	    evpop_response_code_name(EVPOP_CODE_LOGIN_DELAY), "LOGIN-DELAY");
	assert_string_equal(evpop_scope_name(EVPOP_SCOPE_ACCOUNT), "account");
	assert_string_equal(evpop_phase_name(EVPOP_PHASE_LOGIN), "login");
	assert_string_equal(evpop_phase_name(EVPOP_PHASE_QUIT), "quit");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_made_printable),
		cmocka_unit_test(truncation_keeps_characters_whole),
		cmocka_unit_test(results_are_set),
		cmocka_unit_test(long_results_are_cut),
		cmocka_unit_test(a_result_may_be_made_of_itself),
		cmocka_unit_test(names_are_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
