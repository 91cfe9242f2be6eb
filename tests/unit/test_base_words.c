/* A command's words, as a program gets them that is started without a shell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/words.h"

static void
test_words(void **state)
{
	static const struct {
		const char *text;
		const char *words[5];
		bool are_whole;
	} rows[] = {
		{ "", { NULL }, true },
		{ " \t ", { NULL }, true },
		{ "cat", { "cat" }, true },
		{ "  a\t b  ", { "a", "b" }, true },
		{ "a 'b c' \"d e\"", { "a", "b c", "d e" }, true },
		{ "a'b'\"c\"d", { "abcd" }, true },
		{ "''", { "" }, true },
		{ "a \"\" b", { "a", "", "b" }, true },
		{ "a\\ b \\\"c \\\\", { "a b", "\"c", "\\" }, true },
		{ "'a\\b' \"a\\\"b\"", { "a\\b", "a\"b" }, true },
		{ "'\"' \"'\"", { "\"", "'" }, true },
		{ "$HOME *;|& {x}", { "$HOME", "*;|&", "{x}" }, true },
		{ "a 'b", { "a", "b" }, false },
		{ "a \"b c", { "a", "b c" }, false },
		{ "a\\", { "a" }, false },
		{ "\\", { "" }, false },
		{ "'a' 'b", { "a", "b" }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t count, expected = 0;
		char **words = evpop_words_split(rows[i].text, &count);

		assert_non_null(words);
		while (rows[i].words[expected] != NULL)
			expected++;
		assert_int_equal(count, expected);
		for (size_t j = 0; j < count; j++)
			assert_string_equal(words[j], rows[i].words[j]);
		assert_null(words[count]);
		assert_int_equal(
		    evpop_words_are_whole(rows[i].text), rows[i].are_whole);
		free(words);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
