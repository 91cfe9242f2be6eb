/* What is shown of long work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/ctl/pace.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
test_pace(void **state)
{
	static const struct {
		struct pace pace;
		int64_t elapsed_ms;
		const char *text;
	} cases[] = {
		{ { .messages = 1204, .bytes = 3 << 20 }, 5000,
		    "listing 1,204 messages, 3.0 MiB ..." },
		{ { .messages = 1204,
		      .bytes = 3 << 20,
		      .messages_done = 602,
		      .bytes_done = 3 << 19 },
		    2000,
		    "listing 602 of 1,204 messages, 1.5 MiB, 301/s, 2 s left" },
		{ { .messages = 10,
		      .bytes = 100,
		      .messages_done = 1,
		      .bytes_done = 10 },
		    100, "listing 1 of 10 messages, 10 B" },
		{ { .messages_done = 1234567 }, 1000000,
		    "listing 1,234,567 messages, 1,234/s" },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		pace_text(&cases[i].pace, "listing", cases[i].elapsed_ms, text,
		    sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
