/*
 * What people type, as the tree that it becomes, and what is said where it is
 * not understood.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/index/query.h"

#define NOW_MS 1000000

/* "1s" is a second before now; any number of digits is milliseconds. */
static bool
read_time(const char *text, int64_t now_ms, int64_t *time_ms_r)
{
	char *end;

	*time_ms_r = strtoll(text, &end, 10);
	if (strcmp(end, "s") == 0) {
		*time_ms_r = now_ms - *time_ms_r * 1000;
		return true;
	}
	return *end == '\0' && end != text;
}

/* ---- a tree as text ---- */

static void
write_tree(char *text, size_t size, const struct query_node *node)
{
	static const char *const names[] = { "and", "or", "not", "", "attached",
		"account", "id", "since", "before", "larger", "smaller" };
	size_t length = strlen(text);

	if (node->kind == QUERY_WORDS) {
		snprintf(text + length, size - length, "%s%s%s",
		    node->columns != NULL ? node->columns : "",
		    node->columns != NULL ? "=" : "", node->text);
		return;
	}
	snprintf(text + length, size - length, "%s", names[node->kind]);
	length = strlen(text);
	if (node->kind == QUERY_ACCOUNT || node->kind == QUERY_ID)
		snprintf(text + length, size - length, "=%s", node->text);
	else if (node->kind >= QUERY_SINCE)
		snprintf(text + length, size - length, "=%lld",
		    (long long)node->value);
	if (node->first == NULL)
		return;
	strcat(text, "(");
	for (node = node->first; node != NULL; node = node->next) {
		write_tree(text, size, node);
		strcat(text, node->next != NULL ? " " : ")");
	}
}

static void
expect_tree(const char *query, const char *tree)
{
	struct evpop_arena arena = { .blocks = NULL };
	struct store_query_problem problem;
	struct query_node *node =
	    query_parse(&arena, query, read_time, NOW_MS, &problem);
	char text[4096] = "";

	if (node == NULL)
		fail_msg("%s: %s", query, problem.message);
	write_tree(text, sizeof(text), node);
	if (strcmp(text, tree) != 0)
		fail_msg("%s: is %s, not %s", query, text, tree);
	evpop_arena_free(&arena);
	assert_true(store_query_check(query, read_time, NOW_MS, &problem));
	assert_int_equal(problem.position, 0);
}

#define YEAR   "\xe5\xb9\xb4"
#define BUDGET "\xe9\xa2\x84\xe7\xae\x97"
#define WIDE   "\xe3\x80\x80"
#define DASH   "\xe2\x80\x93"
#define UML    "\xc3\xbc"

struct case_of {
	const char *query, *tree;
};

static const struct case_of of_words[] = {
	/* Words. */
	{ "invoice", "\"invoice\"" },
	{ "  invoice  ", "\"invoice\"" },
	{ "a b c", "and(\"a\" \"b\" \"c\")" },
	{ "a\tb\r\nc", "and(\"a\" \"b\" \"c\")" },
	{ "a" WIDE "b", "and(\"a\" \"b\")" },
	{ "invoi*", "\"invoi\"*" },
	{ "foo-bar", "\"foo-bar\"" },
	{ "foo\"bar", "\"foo\"\"bar\"" },
	{ "foo)", "\"foo)\"" },
	{ "f(x)", "\"f(x)\"" },
	{ "12:30", "\"12:30\"" },
	{ "M" UML "ller", "\"M" UML "ller\"" },
	{ YEAR BUDGET, "\" \xe5\xb9\xb4\xe9\xa2\x84 " BUDGET "  \"" },
	{ YEAR, "\" " YEAR " \"*" },
	{ "or", "\"or\"" },
	{ "ORDER", "\"ORDER\"" },
	{ "NOTE", "\"NOTE\"" },
	{ "ANDY", "\"ANDY\"" },
	{ "--foo", "\"--foo\"" },
	{ "'; DROP", "\"DROP\"" },
	{ "a'; DROP", "and(\"a';\" \"DROP\")" },
	{ "NEAR(a", "\"NEAR(a\"" },
	{ "a^b", "\"a^b\"" },
	{ "{a}", "\"{a}\"" },
	/* Marks by themselves. */
	{ "a & b", "and(\"a\" \"b\")" },
	{ "a " DASH " b", "and(\"a\" \"b\")" },
	{ "a +", "\"a\"" },
	{ "! a", "\"a\"" },
	/* Phrases. */
	{ "\"a b\"", "\"a b\"" },
	{ "\"a b\"*", "\"a b\"*" },
	{ "\"a b\"c", "and(\"a b\" \"c\")" },
	{ "\"a OR b\"", "\"a OR b\"" },
	{ "\"-a\"", "\"-a\"" },
	{ "\"Re: a\"", "\"Re: a\"" },
	{ "\"a*b\"", "\"a*b\"" },
	{ "\"from:a\"", "\"from:a\"" },
	/* Without. */
	{ "-a", "not(\"a\")" },
	{ "a -b", "and(\"a\" not(\"b\"))" },
	{ "-a -b", "and(not(\"a\") not(\"b\"))" },
	{ "-\"a b\"", "not(\"a b\")" },
	{ "-from:a", "not(sender=\"a\")" },
	{ "-(a b)", "not(and(\"a\" \"b\"))" },
	{ "NOT a", "not(\"a\")" },
	{ "NOT -a", "not(not(\"a\"))" },
	{ "a NOT b", "and(\"a\" not(\"b\"))" },
	{ "a-b", "\"a-b\"" },
	{ "-inv*", "not(\"inv\"*)" },
	{ "-has:attachment", "not(attached)" },
	/* One of them. */
	{ "a OR b", "or(\"a\" \"b\")" },
	{ "a OR b OR c", "or(\"a\" \"b\" \"c\")" },
	{ "a b OR c d", "or(and(\"a\" \"b\") and(\"c\" \"d\"))" },
	{ "a AND b", "and(\"a\" \"b\")" },
	{ "a AND b OR c", "or(and(\"a\" \"b\") \"c\")" },
	{ "a OR -b", "or(\"a\" not(\"b\"))" },
	{ "a OR(b c)", "or(\"a\" and(\"b\" \"c\"))" },
	/* Groups. */
	{ "(a)", "\"a\"" },
	{ "((a))", "\"a\"" },
	{ "( a )", "\"a\"" },
	{ "(a OR b) c", "and(or(\"a\" \"b\") \"c\")" },
	{ "c (a OR b)", "and(\"c\" or(\"a\" \"b\"))" },
	{ "(a OR b)c", "and(or(\"a\" \"b\") \"c\")" },
	{ "(f(x) b)", "and(\"f(x)\" \"b\")" },
	{ "(a b*)", "and(\"a\" \"b\"*)" },
	{ "(\"a b\"*)", "\"a b\"*" },
	{ "((((((((a))))))))", "\"a\"" },
};

static const struct case_of of_fields[] = {
	/* Fields of words. */
	{ "from:anna", "sender=\"anna\"" },
	{ "From:anna", "sender=\"anna\"" },
	{ "FROM:anna", "sender=\"anna\"" },
	{ "from:anna@example.org", "sender=\"anna@example.org\"" },
	{ "from:\"anna b\"", "sender=\"anna b\"" },
	{ "from:ann*", "sender=\"ann\"*" },
	{ "from:(a OR b)", "or(sender=\"a\" sender=\"b\")" },
	{ "from:(a -b)", "and(sender=\"a\" not(sender=\"b\"))" },
	{ "from:(a:b)", "sender=\"a:b\"" },
	{ "to:bob", "recipients copies=\"bob\"" },
	{ "cc:bob", "copies=\"bob\"" },
	{ "subject:x", "subject=\"x\"" },
	{ "subject:OR", "subject=\"OR\"" },
	{ "subject:-x", "subject=\"-x\"" },
	{ "subject:x:y", "subject=\"x:y\"" },
	{ "body:x", "body=\"x\"" },
	{ "filename:report.pdf", "files=\"report.pdf\"" },
	{ "from:a to:b subject:c", "and(sender=\"a\" recipients copies=\"b\""
				   " subject=\"c\")" },
	/* Fields of their own kinds. */
	{ "has:attachment", "attached" },
	{ "has:Attachments", "attached" },
	{ "account:work", "account=work" },
	{ "account:\"my work\"", "account=my work" },
	{ "account:a* b", "and(account=a* \"b\")" },
	{ "(account:work)", "account=work" },
	{ "id:x@y", "id=x@y" },
	{ "id:<x@y>", "id=x@y" },
	{ "id:\"<x y>\"", "id=x y" },
	{ "since:5000", "since=5000" },
	{ "since:10s", "since=990000" },
	{ "since:\"10s\"", "since=990000" },
	{ "before:5000 a", "and(before=5000 \"a\")" },
	{ "(before:5000)", "before=5000" },
	{ "larger:10", "larger=10" },
	{ "larger:10K", "larger=10240" },
	{ "larger:10k", "larger=10240" },
	{ "larger:1M", "larger=1048576" },
	{ "larger:1MB", "larger=1048576" },
	{ "larger:1MiB", "larger=1048576" },
	{ "larger:1mb", "larger=1048576" },
	{ "smaller:2G", "smaller=2147483648" },
	{ "smaller:500B", "smaller=500" },
	{ "invoice from:anna since:10s has:attachment -draft",
	    "and(\"invoice\" sender=\"anna\" since=990000 attached"
	    " not(\"draft\"))" },
	{ "-draft has:attachment since:10s from:anna invoice",
	    "and(not(\"draft\") attached since=990000 sender=\"anna\""
	    " \"invoice\")" },
};

static void
words_become_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(of_words) / sizeof(of_words[0]); i++)
		expect_tree(of_words[i].query, of_words[i].tree);
}

static void
fields_become_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(of_fields) / sizeof(of_fields[0]); i++)
		expect_tree(of_fields[i].query, of_fields[i].tree);
}

/* ---- what is not understood ---- */

static void
expect_problem(
    const char *query, size_t position, const char *said, const char *hint)
{
	struct store_query_problem problem;
	char place[40];

	if (store_query_check(query, read_time, NOW_MS, &problem))
		fail_msg("%s: is understood", query);
	if (problem.position != position)
		fail_msg("%s: at %zu, not %zu: %s", query, problem.position,
		    position, problem.message);
	if (strstr(problem.message, said) == NULL)
		fail_msg("%s: %s", query, problem.message);
	if (hint != NULL && strstr(problem.hint, hint) == NULL)
		fail_msg("%s: hint: %s", query, problem.hint);
	snprintf(place, sizeof(place), "(character %zu)", position);
	assert_non_null(strstr(problem.message, place));
}

static void
problems_name_the_place(void **state)
{
	static const struct {
		const char *query;
		size_t position;
		const char *said, *hint;
	} cases[] = {
		{ "", 1, "no word to search for", NULL },
		{ "   ", 4, "no word to search for", NULL },
		{ "&", 2, "no word to search for", NULL },
		{ "form:anna", 1, "\"form:\"", "\"from:\"" },
		{ "a sbject:b", 3, "\"sbject:\"", "\"subject:\"" },
		{ "after:7d", 1, "\"after:\"", "\"since:\"" },
		{ "sender:a", 1, "\"sender:\"", "\"from:\"" },
		{ "Re: invoice", 1, "\"Re:\"", "\"Re: invoice\"" },
		{ "http://x", 1, "\"http:\"", "quotation marks" },
		{ UML UML " zzzz:a", 4, "\"zzzz:\"", NULL },
		{ "from:", 1, "nothing stands behind \"from:\"", "without a" },
		{ "from: anna", 1, "nothing stands behind", "without a" },
		{ "(from:)", 2, "nothing stands behind", NULL },
		{ "from:\"\"", 6, "no letter or digit", NULL },
		{ "from:&", 6, "no letter or digit", NULL },
		{ "\"\"", 1, "no letter or digit", NULL },
		{ "\"&\"", 1, "no letter or digit", NULL },
		{ "a - b", 3, "\"-\" has no letter", "leave it out" },
		{ "-", 1, "\"-\" has no letter", NULL },
		{ "a *", 3, "star", "invoi*" },
		{ "*foo", 1, "star", NULL },
		{ "f*o", 1, "star", NULL },
		{ "foo**", 1, "star", NULL },
		{ "filename:*.pdf", 10, "star", NULL },
		{ "\"a b", 1, "not closed", NULL },
		{ "a \"b", 3, "not closed", NULL },
		{ "from:\"b", 6, "not closed", NULL },
		{ "(a", 1, "not closed", "quotation marks" },
		{ "b ((a)", 3, "not closed", NULL },
		{ "()", 1, "no words", NULL },
		{ "a ( )", 3, "no words", NULL },
		{ "OR", 1, "\"OR\" needs words", NULL },
		{ "OR a", 1, "\"OR\" needs words", NULL },
		{ "a OR", 3, "\"OR\" needs words", "quotation marks" },
		{ "a OR OR b", 3, "\"OR\" needs words", NULL },
		{ "(a OR)", 4, "\"OR\" needs words", NULL },
		{ "AND a", 1, "\"AND\" needs words", NULL },
		{ "a AND", 3, "\"AND\" needs words", NULL },
		{ "a AND AND b", 7, "\"AND\" needs words", NULL },
		{ "a AND OR b", 3, "\"AND\" needs words", NULL },
		{ "a NOT", 3, "nothing stands behind \"NOT\"", NULL },
		{ "(a NOT)", 4, "nothing stands behind \"NOT\"", NULL },
		{ "has:cheese", 5, "\"has:\"", "has:attachment" },
		{ "since:tomorrow", 7, "\"since:\"", "2024-02-29" },
		{ "before:x", 8, "\"before:\"", "7d" },
		{ "larger:big", 8, "\"larger:\"", "500K" },
		{ "smaller:-1", 9, "\"smaller:\"", "500K" },
		{ "larger:KB", 8, "\"larger:\"", NULL },
		{ "account:\"\"", 9, "\"account:\"", "name" },
		{ "since:(10s)", 7, "\"since:\"", NULL },
		{ "(((((((((a)))))))))", 9, "8 deep", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_problem(cases[i].query, cases[i].position, cases[i].said,
		    cases[i].hint);
}

static void
questions_are_bounded(void **state)
{
	char query[4096] = "";

	(void)state;
	for (int i = 0; i < QUERY_LEAVES_MAX; i++)
		strcat(query, "a ");
	assert_true(store_query_check(query, read_time, NOW_MS,
	    &(struct store_query_problem){ .position = 0 }));
	strcat(query, "a");
	expect_problem(query, 2 * QUERY_LEAVES_MAX + 1, "at most 32", NULL);
	query[0] = '\0';
	for (int i = 0; i < 1000; i++)
		strcat(query, "NOT ");
	expect_problem(query, 4 * QUERY_LEAVES_MAX + 1, "at most 32", NULL);
	/* What is long is shown cut, between characters. */
	strcpy(query, "a*");
	for (int i = 0; i < 500; i++)
		strcat(query, UML);
	expect_problem(query, 1, "a*" UML UML, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_trees),
		cmocka_unit_test(fields_become_trees),
		cmocka_unit_test(problems_name_the_place),
		cmocka_unit_test(questions_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
