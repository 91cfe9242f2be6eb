/*
 * Pieces of a text around what was looked for, and where that is in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/index/snippet.h"

/* The piece, with hits in brackets. */
static void
mark(const struct snippet *snippet, char *marked_r, size_t size)
{
	const char *at = snippet->text;
	size_t filled = 0, hit = 0;

	for (unsigned character = 0; *at != '\0'; character++) {
		if (hit < snippet->count &&
		    snippet->hits[hit].start == character)
			marked_r[filled++] = '[';
		do
			marked_r[filled++] = *at++;
		while (((unsigned char)*at & 0xc0) == 0x80);
		if (hit < snippet->count &&
		    snippet->hits[hit].start + snippet->hits[hit].length ==
			character + 1) {
			marked_r[filled++] = ']';
			hit++;
		}
		assert_true(filled + 8 < size);
	}
	marked_r[filled] = '\0';
	assert_int_equal(hit, snippet->count);
}

static void
make(const char *text, const char *query, char *marked_r, size_t size)
{
	struct evpop_arena arena = { .blocks = NULL };
	struct store_query_problem problem;
	struct snippet snippet;
	struct query_node *node = query_parse(&arena, query, NULL, 0, &problem);

	assert_non_null(node);
	assert_true(snippet_make(&snippet, &arena, text, node));
	mark(&snippet, marked_r, size);
	evpop_arena_free(&arena);
}

static void
hits_are_where_the_words_are(void **state)
{
	static const struct {
		const char *text, *query, *marked;
	} cases[] = {
		{ "", "a", "" },
		{ "one two three", "two", "one [two] three" },
		{ "one two three", "TWO", "one [two] three" },
		{ "one Two three", "two", "one [Two] three" },
		{ "one two three", "four", "one two three" },
		{ "one two three", "tw", "one two three" },
		{ "one two three", "tw*", "one [two] three" },
		{ "one two three", "\"two three\"", "one [two three]" },
		{ "one two, three", "\"two three\"", "one [two, three]" },
		{ "one two three", "\"three two\"", "one two three" },
		{ "one two three", "one three", "[one] two [three]" },
		{ "one two three", "one OR four", "[one] two three" },
		{ "one two three", "one -two", "[one] two three" },
		{ "one two three", "subject:two one", "[one] two three" },
		{ "one two three", "body:two", "one [two] three" },
		{ "aa aa", "aa", "[aa] [aa]" },
		{ "M\xc3\xbcller", "muller", "[M\xc3\xbcller]" },
		{ "Muller", "m\xc3\xbcller", "[Muller]" },
		{ "\xc3\xbc\xc3\xbc x", "x", "\xc3\xbc\xc3\xbc [x]" },
		{ "gro\xc3\x9f", "gross", "[gro\xc3\x9f]" },
		{ "2026\xe5\xb9\xb4\xe9\xa2\x84\xe7\xae\x97\xe6\x8a\xa5",
		    "\xe9\xa2\x84\xe7\xae\x97",
		    "2026\xe5\xb9\xb4[\xe9\xa2\x84\xe7\xae\x97]\xe6\x8a\xa5" },
		{ "bad \xff two", "two", "bad \xff [two]" },
		{ "a@b.example", "b.example", "a@[b.example]" },
	};
	char marked[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make(cases[i].text, cases[i].query, marked, sizeof(marked));
		if (strcmp(marked, cases[i].marked) != 0)
			fail_msg("%s in %s: %s", cases[i].query, cases[i].text,
			    marked);
	}
}

/* The place where the most of the words are, cut between words. */
static void
pieces_are_short(void **state)
{
	char text[20000] = "", marked[1024];

	(void)state;
	for (int i = 0; i < 500; i++)
		strcat(text, "lorem ipsum ");
	strcat(text, "needle ");
	for (int i = 0; i < 500; i++)
		strcat(text, "dolor sit ");
	strcat(text, "needle near thread amet");
	make(text, "needle", marked, sizeof(marked));
	assert_non_null(strstr(marked, " ipsum [needle] dolor "));
	assert_true(strncmp(marked, "\xe2\x80\xa6", 3) == 0);
	assert_string_equal(marked + strlen(marked) - 3, "\xe2\x80\xa6");
	assert_true(strlen(marked) < SNIPPET_CHARACTERS + 20);
	make(text, "needle thread", marked, sizeof(marked));
	assert_non_null(strstr(marked, "[needle] near [thread] amet"));
	make(text, "absent", marked, sizeof(marked));
	assert_true(strncmp(marked, "lorem ipsum", 11) == 0);
	/* A word that is longer than a piece. */
	memset(text, 'x', 3000);
	strcpy(text + 3000, " end");
	make(text, "end", marked, sizeof(marked));
	assert_non_null(strstr(marked, " [end]"));
	make(text, "xxx*", marked, sizeof(marked));
	assert_true(strlen(marked) < SNIPPET_CHARACTERS + 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hits_are_where_the_words_are),
		cmocka_unit_test(pieces_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
