/* Responses of IMAP: put together from lines and literals, and taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/deliver/imap_reply.h"

static const struct {
	const char *line;
	enum imap_kind kind;
	enum imap_condition condition;
	enum imap_code code;
	const char *code_data, *word, *text;
	uint32_t tag, number;
} replies[] = {
	{ "* OK [CAPABILITY IMAP4rev1 ID] ready", IMAP_UNTAGGED, IMAP_OK,
	    IMAP_CODE_CAPABILITY, "IMAP4rev1 ID", "", "ready", 0, 0 },
	{ "* PREAUTH hello", IMAP_UNTAGGED, IMAP_PREAUTH, IMAP_CODE_NONE, "",
	    "", "hello", 0, 0 },
	{ "* bye", IMAP_UNTAGGED, IMAP_BYE, IMAP_CODE_NONE, "", "", "", 0, 0 },
	{ "* BYE [UNAVAILABLE] later", IMAP_UNTAGGED, IMAP_BYE,
	    IMAP_CODE_UNAVAILABLE, "", "", "later", 0, 0 },
	{ "e1 OK [APPENDUID 38505 3955:3957] APPEND completed", IMAP_TAGGED,
	    IMAP_OK, IMAP_CODE_APPENDUID, "38505 3955:3957", "",
	    "APPEND completed", 1, 0 },
	{ "E4294967295 no [TryCreate]", IMAP_TAGGED, IMAP_NO,
	    IMAP_CODE_TRYCREATE, "", "", "", 4294967295U, 0 },
	{ "e2 NO [OVERQUOTA]full", IMAP_TAGGED, IMAP_NO, IMAP_CODE_OVERQUOTA,
	    "", "", "full", 2, 0 },
	{ "e3 NO [ALERT] Please log in via your web browser", IMAP_TAGGED,
	    IMAP_NO, IMAP_CODE_ALERT, "", "",
	    "Please log in via your web browser", 3, 0 },
	{ "e3 BAD [X-NEW a b] c", IMAP_TAGGED, IMAP_BAD, IMAP_CODE_OTHER, "a b",
	    "", "c", 3, 0 },
	{ "e3 BAD [UIDNEXT 7", IMAP_TAGGED, IMAP_BAD, IMAP_CODE_NONE, "", "",
	    "[UIDNEXT 7", 3, 0 },
	{ "e3 OK", IMAP_TAGGED, IMAP_OK, IMAP_CODE_NONE, "", "", "", 3, 0 },
	{ "* 5 EXISTS", IMAP_UNTAGGED, IMAP_DATA, IMAP_CODE_NONE, "", "EXISTS",
	    "", 0, 5 },
	{ "* 12 FETCH (UID 4)", IMAP_UNTAGGED, IMAP_DATA, IMAP_CODE_NONE, "",
	    "FETCH", "(UID 4)", 0, 12 },
	{ "* SEARCH", IMAP_UNTAGGED, IMAP_DATA, IMAP_CODE_NONE, "", "SEARCH",
	    "", 0, 0 },
	{ "* OKAY", IMAP_UNTAGGED, IMAP_DATA, IMAP_CODE_NONE, "", "OKAY", "", 0,
	    0 },
	{ "+ go on", IMAP_CONTINUATION, IMAP_DATA, IMAP_CODE_NONE, "", "",
	    "go on", 0, 0 },
	{ "+", IMAP_CONTINUATION, IMAP_DATA, IMAP_CODE_NONE, "", "", "", 0, 0 },
	{ "", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "*", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "* ", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "* 5", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "* 99999999999 EXISTS", IMAP_UNTAGGED, IMAP_DATA, IMAP_CODE_NONE, "",
	    "99999999999", "EXISTS", 0, 0 },
	{ "+OK ready", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "e OK", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "e4294967296 OK", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "e1 BYE", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "e1 FETCH", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "e1", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "a1 OK", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
	{ "220 mail ESMTP", IMAP_NONSENSE, 0, 0, "", "", "", 0, 0 },
};

static void
assert_span(struct imap_span found, const char *expected)
{
	assert_int_equal(found.length, strlen(expected));
	if (found.length > 0)
		assert_memory_equal(found.at, expected, found.length);
}

static void
test_replies(void **state)
{
	struct imap_reply reply;
	size_t i, length;
	char *copy;

	(void)state;
	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		length = strlen(replies[i].line);
		copy = malloc(length + (length == 0));
		assert_non_null(copy);
		memcpy(copy, replies[i].line, length);
		assert_int_equal(imap_reply_parse(copy, length, &reply),
		    replies[i].kind != IMAP_NONSENSE);
		assert_int_equal(reply.kind, replies[i].kind);
		if (reply.kind != IMAP_NONSENSE) {
			assert_int_equal(reply.condition, replies[i].condition);
			assert_int_equal(reply.code, replies[i].code);
			assert_int_equal(reply.tag, replies[i].tag);
			assert_int_equal(reply.number, replies[i].number);
			assert_span(reply.code_data, replies[i].code_data);
			assert_span(reply.word, replies[i].word);
			assert_span(reply.text, replies[i].text);
		}
		free(copy);
	}
}

static void
test_codes(void **state)
{
	struct imap_reply reply;
	char line[64];
	int code;

	(void)state;
	for (code = 0; code < IMAP_CODE_COUNT; code++) {
		if (imap_code_name((enum imap_code)code) == NULL)
			continue;
		strcpy(line, "e1 NO [");
		strcat(line, imap_code_name((enum imap_code)code));
		strcat(line, "] x");
		assert_true(imap_reply_parse(line, strlen(line), &reply));
		assert_int_equal(reply.code, code);
	}
}

/* ---- putting together ---- */

static enum imap_gathered
gather(struct imap_gather *one, const char *line, uint64_t *literal)
{
	return imap_gather_line(one, line, strlen(line), literal);
}

static void
test_literals(void **state)
{
	static const char whole[] = "* 1 FETCH (BODY {4}\r\na}\r\n X {0}\r\n)";
	struct imap_gather one = { 0 };
	uint64_t literal;

	(void)state;
	assert_int_equal(
	    gather(&one, "* 1 FETCH (BODY {4}", &literal), IMAP_GATHERED_MORE);
	assert_int_equal(literal, 4);
	assert_true(imap_gather_literal(&one, (const unsigned char *)"a}", 2));
	assert_true(
	    imap_gather_literal(&one, (const unsigned char *)"\r\n", 2));
	assert_int_equal(gather(&one, " X {0}", &literal), IMAP_GATHERED_MORE);
	assert_int_equal(literal, 0);
	assert_int_equal(gather(&one, ")", &literal), IMAP_GATHERED_WHOLE);
	assert_int_equal(one.length, strlen(whole));
	assert_memory_equal(one.octets, whole, one.length);
	imap_gather_reset(&one);
	assert_int_equal(one.length, 0);
	imap_gather_free(&one);
}

static void
test_no_literals(void **state)
{
	static const char *const lines[] = { "", "}", "{}", "* 1 X {a}",
		"* 1 X {1+}", "* 1 X 1}", "* 1 X {1} ", "* OK words {5}",
		"* NO {5}", "* BYE {5}", "e1 OK done {7}", "+ say {3}" };
	struct imap_gather one = { 0 };
	uint64_t literal;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(
		    gather(&one, lines[i], &literal), IMAP_GATHERED_WHOLE);
		imap_gather_reset(&one);
	}
	imap_gather_free(&one);
}

static void
test_floods(void **state)
{
	static const char *const lines[] = { "* 1 X {65537}",
		"* 1 X {4294967295}", "* 1 X {4294967296}",
		"* 1 X {99999999999999999999999999}" };
	struct imap_gather one = { 0 };
	uint64_t literal;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(
		    gather(&one, lines[i], &literal), IMAP_GATHERED_FLOOD);
		imap_gather_reset(&one);
	}
	/* Line after line, with empty literals between them. */
	for (i = 0; gather(&one, "* 1 X {0}", &literal) == IMAP_GATHERED_MORE;
	     i++)
		assert_true(one.length <= IMAP_REPLY_MOST);
	assert_int_equal(i, IMAP_REPLY_MOST / strlen("* 1 X {0}\r\n"));
	imap_gather_free(&one);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_no_literals),
		cmocka_unit_test(test_floods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
