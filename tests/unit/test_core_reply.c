/* Status lines, response codes, and numbers in replies and listings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/core/reply.h"

enum verdict {
	IS_OK,
	IS_ERR,
	IS_NEITHER
};

static const struct {
	const char *line;
	enum verdict verdict;
	enum evpop_response_code code;
	const char *text;
} status_lines[] = {
	{ "+OK", IS_OK, EVPOP_CODE_NONE, "" },
	{ "-ERR", IS_ERR, EVPOP_CODE_NONE, "" },
	{ "+OK ", IS_OK, EVPOP_CODE_NONE, "" },
	{ "+OK hello", IS_OK, EVPOP_CODE_NONE, "hello" },
	{ "+OK\thello", IS_OK, EVPOP_CODE_NONE, "hello" },
	{ "+OK   two  words \t", IS_OK, EVPOP_CODE_NONE, "two  words" },
	{ "+OK hello\r", IS_OK, EVPOP_CODE_NONE, "hello" },
	{ "+OK\r", IS_OK, EVPOP_CODE_NONE, "" },
	{ "+ok lower", IS_OK, EVPOP_CODE_NONE, "lower" },
	{ "-err lower", IS_ERR, EVPOP_CODE_NONE, "lower" },
	{ "+Ok", IS_OK, EVPOP_CODE_NONE, "" },
	{ "+OKAY", IS_NEITHER, 0, NULL },
	{ "+OK-go", IS_NEITHER, 0, NULL },
	{ "-ERROR", IS_NEITHER, 0, NULL },
	{ " +OK", IS_NEITHER, 0, NULL },
	{ "+O", IS_NEITHER, 0, NULL },
	{ "-ER", IS_NEITHER, 0, NULL },
	{ "+", IS_NEITHER, 0, NULL },
	{ "+ challenge", IS_NEITHER, 0, NULL },
	{ "", IS_NEITHER, 0, NULL },
	{ "OK", IS_NEITHER, 0, NULL },
	{ "ERR", IS_NEITHER, 0, NULL },
	{ "220 mail ESMTP", IS_NEITHER, 0, NULL },
	{ "* OK IMAP4", IS_NEITHER, 0, NULL },
	{ "-ERR [IN-USE] busy", IS_ERR, EVPOP_CODE_IN_USE, "[IN-USE] busy" },
	{ "-ERR [in-use]", IS_ERR, EVPOP_CODE_IN_USE, "[in-use]" },
	{ "-ERR [LOGIN-DELAY] wait", IS_ERR, EVPOP_CODE_LOGIN_DELAY,
	    "[LOGIN-DELAY] wait" },
	{ "-ERR [SYS/TEMP]x", IS_ERR, EVPOP_CODE_SYS_TEMP, "[SYS/TEMP]x" },
	{ "-ERR [SYS/TEMP/DISK] full", IS_ERR, EVPOP_CODE_SYS_TEMP,
	    "[SYS/TEMP/DISK] full" },
	{ "-ERR [SYS/PERM] gone", IS_ERR, EVPOP_CODE_SYS_PERM,
	    "[SYS/PERM] gone" },
	{ "-ERR [AUTH] no", IS_ERR, EVPOP_CODE_AUTH, "[AUTH] no" },
	{ "+OK [UTF8] yes", IS_OK, EVPOP_CODE_UTF8, "[UTF8] yes" },
	{ "-ERR [AUTHX] no", IS_ERR, EVPOP_CODE_OTHER, "[AUTHX] no" },
	{ "-ERR [SYS] no", IS_ERR, EVPOP_CODE_OTHER, "[SYS] no" },
	{ "-ERR [SYS/TEMPX] no", IS_ERR, EVPOP_CODE_OTHER, "[SYS/TEMPX] no" },
	{ "-ERR [] no", IS_ERR, EVPOP_CODE_OTHER, "[] no" },
	{ "-ERR [IN-USE", IS_ERR, EVPOP_CODE_NONE, "[IN-USE" },
	{ "-ERR [", IS_ERR, EVPOP_CODE_NONE, "[" },
	{ "-ERR busy [IN-USE]", IS_ERR, EVPOP_CODE_NONE, "busy [IN-USE]" },
};

/* Memory of exactly the text's size, so that reading past it is caught. */
static unsigned char *
exact_copy(const char *text, size_t *length_r)
{
	unsigned char *copy;

	*length_r = strlen(text);
	copy = malloc(*length_r + (*length_r == 0));
	assert_non_null(copy);
	memcpy(copy, text, *length_r);
	return copy;
}

static void
status_lines_are_taken_apart(void **state)
{
	struct evpop_status_line status;
	unsigned char *line;
	size_t i, length;
	bool taken;

	(void)state;
	for (i = 0; i < sizeof status_lines / sizeof status_lines[0]; i++) {
		line = exact_copy(status_lines[i].line, &length);
		taken = evpop_status_line_parse(line, length, &status);
		if (taken != (status_lines[i].verdict != IS_NEITHER))
			fail_msg("\"%s\"", status_lines[i].line);
		if (taken &&
		    (status.ok != (status_lines[i].verdict == IS_OK) ||
			status.code != status_lines[i].code ||
			status.length != strlen(status_lines[i].text) ||
			memcmp(status.text, status_lines[i].text,
			    status.length) != 0))
			fail_msg("\"%s\": ok %d, code %s, %zu octets",
			    status_lines[i].line, status.ok,
			    evpop_response_code_name(status.code),
			    status.length);
		free(line);
	}
}

#define REFUSED UINT64_MAX

static const struct {
	const char *text;
	uint64_t number, message; /* REFUSED: not taken */
	const char *rest;
} numbers[] = {
	{ "0", 0, REFUSED, "" },
	{ "1", 1, 1, "" },
	{ "007 x", 7, 7, " x" },
	{ " \t 42\tmore", 42, 42, "\tmore" },
	{ "42\r", 42, 42, "\r" },
	{ "4294967295", 4294967295u, 4294967295u, "" },
	{ "4294967296", 4294967296u, REFUSED, "" },
	{ "18446744073709551614", UINT64_MAX - 1, REFUSED, "" },
	{ "18446744073709551616", REFUSED, REFUSED, NULL },
	{ "99999999999999999999999", REFUSED, REFUSED, NULL },
	{ "", REFUSED, REFUSED, NULL },
	{ "   ", REFUSED, REFUSED, NULL },
	{ "-1", REFUSED, REFUSED, NULL },
	{ "+1", REFUSED, REFUSED, NULL },
	{ "12x", REFUSED, REFUSED, NULL },
	{ "1.5", REFUSED, REFUSED, NULL },
	{ "0x10", REFUSED, REFUSED, NULL },
	{ "x1", REFUSED, REFUSED, NULL },
};

static void
numbers_are_taken_whole_or_not_at_all(void **state)
{
	unsigned char *copy;
	const unsigned char *at;
	size_t i, length, left;
	uint64_t number;
	bool taken;

	(void)state;
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		copy = exact_copy(numbers[i].text, &length);
		at = copy;
		left = length;
		number = 77;
		taken = evpop_number_take(&at, &left, &number);
		if (taken != (numbers[i].number != REFUSED))
			fail_msg("\"%s\"", numbers[i].text);
		if (!taken) {
			assert_ptr_equal(at, copy);
			assert_int_equal(left, length);
			assert_int_equal(number, 77);
		} else {
			assert_int_equal(number, numbers[i].number);
			assert_int_equal(left, strlen(numbers[i].rest));
			assert_memory_equal(at, numbers[i].rest, left);
			assert_ptr_equal(at + left, copy + length);
		}
		free(copy);
	}
}

static void
message_numbers_have_32_bits_and_are_not_zero(void **state)
{
	unsigned char *copy;
	const unsigned char *at;
	size_t i, length, left;
	uint32_t number;
	bool taken;

	(void)state;
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		copy = exact_copy(numbers[i].text, &length);
		at = copy;
		left = length;
		number = 77;
		taken = evpop_message_number_take(&at, &left, &number);
		if (taken != (numbers[i].message != REFUSED))
			fail_msg("\"%s\"", numbers[i].text);
		if (!taken) {
			assert_ptr_equal(at, copy);
			assert_int_equal(number, 77);
		} else
			assert_int_equal(number, numbers[i].message);
		free(copy);
	}
}

/* UINT64_MAX stands for "refused" in the table, so it has a test of its own. */
static void
the_largest_number_is_taken(void **state)
{
	const unsigned char *at =
	    (const unsigned char *)"18446744073709551615 rest";
	size_t left = 25;
	uint64_t number;

	(void)state;
	assert_true(evpop_number_take(&at, &left, &number));
	assert_true(number == UINT64_MAX);
	assert_int_equal(left, 5);
}

static void
white_space_is_trimmed(void **state)
{
	static const struct {
		const char *text, *trimmed;
	} cases[] = {
		{ "", "" },
		{ " \t\r ", "" },
		{ "a", "a" },
		{ " a b ", "a b" },
		{ "a\r", "a" },
		{ "\ta", "a" },
	};
	const unsigned char *at;
	size_t i, left;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		at = (const unsigned char *)cases[i].text;
		left = strlen(cases[i].text);
		evpop_trim(&at, &left);
		assert_int_equal(left, strlen(cases[i].trimmed));
		assert_memory_equal(at, cases[i].trimmed, left);
	}
}

/* A server that gives no reason is said to give none; its code stays. */
static void
test_reasons(void **state)
{
	static const struct {
		const char *line, *text;
		enum evpop_response_code code;
	} cases[] = {
		{ "-ERR", "the server gave no reason", EVPOP_CODE_NONE },
		{ "-ERR ", "the server gave no reason", EVPOP_CODE_NONE },
		{ "-err \t \r", "the server gave no reason", EVPOP_CODE_NONE },
		{ "-ERR [AUTH]", "[AUTH] the server gave no reason",
		    EVPOP_CODE_AUTH },
		{ "-ERR  [sys/temp] ", "[sys/temp] the server gave no reason",
		    EVPOP_CODE_SYS_TEMP },
		{ "-ERR [X-ODD/1]", "[X-ODD/1] the server gave no reason",
		    EVPOP_CODE_OTHER },
		{ "-ERR []", "[] the server gave no reason", EVPOP_CODE_OTHER },
		{ "-ERR [IN-USE] busy", "[IN-USE] busy", EVPOP_CODE_IN_USE },
		{ "-ERR [AUTH", "[AUTH", EVPOP_CODE_NONE },
		{ "-ERR no", "no", EVPOP_CODE_NONE },
		{ "-ERR \x01", "?", EVPOP_CODE_NONE },
		{ "+OK", "", EVPOP_CODE_NONE },
		{ "+OK [AUTH]", "[AUTH]", EVPOP_CODE_AUTH },
	};
	struct evpop_status_line status;
	struct evpop_result result;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(evpop_status_line_parse(
		    (const unsigned char *)cases[i].line, strlen(cases[i].line),
		    &status));
		evpop_status_line_result(&status, EVPOP_PHASE_LOGIN, &result);
		assert_string_equal(result.text, cases[i].text);
		assert_int_equal(result.code, cases[i].code);
		assert_int_equal(result.phase, EVPOP_PHASE_LOGIN);
		assert_int_equal(result.error, cases[i].line[0] == '+'
						   ? EVPOP_ERROR_NONE
						   : EVPOP_ERROR_REFUSED);
	}
}

/* What a server may write for a challenge, and what is none. */
static void
test_challenges(void **state)
{
	static const struct {
		const char *line, *text; /* NULL: no challenge */
		bool ok_is_challenge;
	} cases[] = {
		{ "+", "", false },
		{ "+ ", "", false },
		{ "+ Zm9v", "Zm9v", false },
		{ "+\tZm9v \r", "Zm9v", false },
		{ "+  Zm9v", "Zm9v", true },
		{ "+Zm9v", NULL, true },
		{ "+OK", NULL, false },
		{ "+OK", "", true },
		{ "+ok Zm9v", "Zm9v", true },
		{ "+OKAY", NULL, true },
		{ "-ERR", NULL, true },
		{ "", NULL, true },
	};
	const unsigned char *text;
	size_t i, length;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool is = evpop_challenge_parse(
		    (const unsigned char *)cases[i].line, strlen(cases[i].line),
		    cases[i].ok_is_challenge, &text, &length);

		assert_int_equal(is, cases[i].text != NULL);
		if (!is)
			continue;
		assert_int_equal(length, strlen(cases[i].text));
		assert_memory_equal(text, cases[i].text, length);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_challenges),
		cmocka_unit_test(status_lines_are_taken_apart),
		cmocka_unit_test(numbers_are_taken_whole_or_not_at_all),
		cmocka_unit_test(message_numbers_have_32_bits_and_are_not_zero),
		cmocka_unit_test(the_largest_number_is_taken),
		cmocka_unit_test(white_space_is_trimmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
