/* What a poll falls short of is said whole, and fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/poll/advice.h"

static void
test_unidentified(void **state)
{
	struct evpop_result result;

	(void)state;
	shortfall_unidentified(&result, 1, false);
	assert_string_equal(result.text, "1 message was left on the server, "
					 "since it did not tell what it is "
					 "known by");
	assert_int_equal(result.error, EVPOP_ERROR_PROTOCOL);
	assert_int_equal(result.scope, EVPOP_SCOPE_MESSAGE);
	shortfall_unidentified(&result, 1, true);
	assert_string_equal(result.text, "1 message was left on the server, "
					 "since it did not tell what it is "
					 "known by: fetch_after needs UIDL or "
					 "TOP there");
	shortfall_unidentified(&result, 12, false);
	assert_string_equal(result.text, "12 messages were left on the server, "
					 "since it did not tell what they are "
					 "known by");
}

static void
test_unreadable(void **state)
{
	struct evpop_result result;
	char line[512];

	(void)state;
	shortfall_unreadable(&result, 1, "two id-2");
	assert_string_equal(result.text,
	    "1 line of the server's listing cannot be read: \"two id-2\"; its "
	    "message is not fetched: move or delete it with a mail program, "
	    "or tell the server's operator");
	assert_int_equal(result.scope, EVPOP_SCOPE_MESSAGE);
	shortfall_unreadable(&result, 2, "");
	assert_string_equal(result.text,
	    "2 lines of the server's listing cannot be read, the first is "
	    "\"\"; their messages are not fetched: move or delete them with a "
	    "mail program, or tell the server's operator");
	shortfall_unreadable(&result, 1, NULL);
	assert_string_equal(result.text,
	    "1 line of the server's listing cannot be read; its message is "
	    "not fetched: move or delete it with a mail program, or tell the "
	    "server's operator");
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\0';
	shortfall_unreadable(&result, UINT32_MAX, line);
	assert_non_null(strstr(result.text, "xxx\"; their"));
	assert_non_null(strstr(result.text, "the server's operator"));
}

static void
test_memory(void **state)
{
	struct evpop_result result;

	(void)state;
	shortfall_memory(&result, UINT64_C(72) << 20, 1572864);
	assert_string_equal(result.text,
	    "the server's listing and what is known of it take more than the "
	    "72 MiB that polls may hold together (1.5 MiB came so far): raise "
	    "memory_limit in [daemon] if the maildrop is that large; no mail "
	    "is lost");
	assert_int_equal(result.error, EVPOP_ERROR_LIMIT);
	/* The schedule backs off from it. */
	assert_int_not_equal(result.scope, EVPOP_SCOPE_MESSAGE);
	shortfall_memory(&result, UINT64_MAX, UINT64_MAX);
	assert_non_null(strstr(result.text, "no mail is lost"));
}

static void
test_listing(void **state)
{
	struct evpop_result result;

	(void)state;
	evpop_result_set(&result, EVPOP_ERROR_LIMIT, EVPOP_PHASE_COMMAND,
	    "the server's answer to UIDL is larger than the limit of 64 MiB, "
	    "each line counting 32 bytes more than it has; the account's "
	    "other mail is untouched");
	shortfall_listing(&result, 64 << 20);
	assert_non_null(strstr(result.text,
	    "untouched; if the maildrop is that large, raise memory_limit in "
	    "[daemon] above that"));
	/* Other limits have no key. */
	evpop_result_set(&result, EVPOP_ERROR_LIMIT, EVPOP_PHASE_COMMAND,
	    "the server sent an endless line");
	shortfall_listing(&result, 20000);
	assert_string_equal(result.text, "the server sent an endless line");
	result.error = EVPOP_ERROR_IO;
	shortfall_listing(&result, 64 << 20);
	assert_string_equal(result.text, "the server sent an endless line");
	result.error = EVPOP_ERROR_LIMIT;
	memset(result.text, 'x', sizeof result.text);
	result.text[sizeof result.text - 1] = '\0';
	shortfall_listing(&result, 64 << 20);
	assert_int_equal(strlen(result.text), sizeof result.text - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unidentified),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
