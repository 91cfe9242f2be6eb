/* Listings as servers send them, and bounds on what they may make us read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/test_core_player.h"

static const struct exchange listings[] = {
	{ .name = "LIST",
	    .commands = LOGIN "|LIST",
	    .replies = { LOGGED,
		OCTETS("+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n") },
	    .events = LOGGED_EVENTS "begin LIST ok '2 messages'\n"
				    "entry LIST number=1 octets=120\n"
				    "entry LIST number=2 octets=200\n"
				    "done LIST ok '2 messages'\n" },
	{ .name = "empty LIST and UIDL",
	    .commands = LOGIN "|LIST|UIDL",
	    .replies = { LOGGED, OCTETS("+OK\r\n.\r\n"),
		OCTETS("+OK none\r\n.\r\n") },
	    .events = LOGGED_EVENTS "begin LIST ok ''\n"
				    "done LIST ok ''\n"
				    "begin UIDL ok 'none'\n"
				    "done UIDL ok 'none'\n" },
	{ .name = "refused LIST and UIDL have no terminator",
	    .commands = LOGIN "|LIST|UIDL|NOOP",
	    .replies = { LOGGED, OCTETS("-ERR no\r\n"), OCTETS("-ERR nor\r\n"),
		OCTETS("+OK\r\n") },
	    .events = LOGGED_EVENTS "done LIST refused@command message 'no'\n"
				    "done UIDL refused@command message 'nor'\n"
				    "done NOOP ok ''\n" },
	{ .name = "LIST with holes and out of order",
	    .commands = LOGIN "|LIST",
	    .replies = { LOGGED, OCTETS("+OK\r\n7 1\r\n3 2\r\n7 3\r\n.\r\n") },
	    .events = LOGGED_EVENTS "begin LIST ok ''\n"
				    "entry LIST number=7 octets=1\n"
				    "entry LIST number=3 octets=2\n"
				    "entry LIST number=7 octets=3\n"
				    "done LIST ok ''\n" },
	{ .name = "LIST with numbers at the bounds",
	    .commands = LOGIN "|LIST",
	    .replies = { LOGGED,
		OCTETS("+OK\r\n0 5\r\n4294967295 5\r\n4294967296 5\r\n-1 5\r\n"
		       "1 -5\r\n2 18446744073709551615\r\n"
		       "3 18446744073709551616\r\n4\r\n5 x\r\n6 1 extra\r\n"
		       "007 08\r\n.\r\n") },
	    .events = LOGGED_EVENTS
	    "begin LIST ok ''\n"
	    "entry LIST number=4294967295 octets=5\n"
	    "entry LIST number=1\n"
	    "entry LIST number=2 octets=18446744073709551615\n"
	    "entry LIST number=3\n"
	    "entry LIST number=4\n"
	    "entry LIST number=5\n"
	    "entry LIST number=6 octets=1\n"
	    "entry LIST number=7 octets=8\n"
	    "done LIST ok '' ignored=3 '0 5'\n" },
	{ .name = "LIST with blanks",
	    .commands = LOGIN "|LIST",
	    .replies = { LOGGED,
		OCTETS("+OK\r\n  1   120  \r\n\t2\t200\r\n3 4\r\r\n"
		       "\r\n \r\n.\r\n") },
	    .events = LOGGED_EVENTS "begin LIST ok ''\n"
				    "entry LIST number=1 octets=120\n"
				    "entry LIST number=2 octets=200\n"
				    "entry LIST number=3 octets=4\n"
				    "done LIST ok '' ignored=2 ''\n" },
	{ .name = "LIST with words",
	    .commands = LOGIN "|LIST",
	    .replies = { LOGGED,
		OCTETS("+OK\r\nscan listing follows\r\n1a 5\r\n+OK\r\n"
		       "1 2\r\n.\r\n") },
	    .events = LOGGED_EVENTS
	    "begin LIST ok ''\n"
	    "entry LIST number=1 octets=2\n"
	    "done LIST ok '' ignored=3 'scan listing follows'\n" },
	{ .name = "ignored lines are counted for each listing",
	    .commands = LOGIN "|LIST|NOOP|UIDL|CAPA",
	    .window_commands = 9,
	    .replies = { LOGGED, OCTETS("+OK\r\nx\r\ny\r\n.\r\n"),
		OCTETS("+OK\r\n"), OCTETS("+OK\r\nx\r\n1 a\r\n.\r\n"),
		OCTETS("+OK\r\n.\r\n") },
	    .events = LOGGED_EVENTS "begin LIST ok ''\n"
				    "done LIST ok '' ignored=2 'x'\n"
				    "done NOOP ok ''\n"
				    "begin UIDL ok ''\n"
				    "entry UIDL number=1 id='a'\n"
				    "done UIDL ok '' ignored=1 'x'\n"
				    "begin CAPA ok ''\n"
				    "done CAPA ok ''\n" },
	{ .name = "stuffed lines",
	    .commands = LOGIN "|LIST|UIDL",
	    .replies = { LOGGED, OCTETS("+OK\r\n.1 5\r\n..\r\n.\r\n"),
		OCTETS("+OK\r\n.2 x\r\n..3 y\r\n3 .\r\n.\r\n") },
	    .events = LOGGED_EVENTS "begin LIST ok ''\n"
				    "entry LIST number=1 octets=5\n"
				    "done LIST ok '' ignored=1 '.'\n"
				    "begin UIDL ok ''\n"
				    "entry UIDL number=2 id='x'\n"
				    "entry UIDL number=3 id='.'\n"
				    "done UIDL ok '' ignored=1 '.3 y'\n" },
	{ .name = "UIDL",
	    .commands = LOGIN "|UIDL",
	    .replies = { LOGGED,
		OCTETS("+OK\r\n1 whqtswO00WBw418f9t5JxYwZ\r\n"
		       "2   a b\t \r\n3 \r\n4\r\n5 \xff\0\x01\r\n"
		       "0 zero\r\n4294967295 last\r\n4294967296 over\r\n"
		       "x y\r\n6 same\r\n6 same\r\n.\r\n") },
	    .events = LOGGED_EVENTS
	    "begin UIDL ok ''\n"
	    "entry UIDL number=1 id='whqtswO00WBw418f9t5JxYwZ'\n"
	    "entry UIDL number=2 id='a b'\n"
	    "entry UIDL number=3 id=''\n"
	    "entry UIDL number=4 id=''\n"
	    "entry UIDL number=5 id='<FF>^@^A'\n"
	    "entry UIDL number=4294967295 id='last'\n"
	    "entry UIDL number=6 id='same'\n"
	    "entry UIDL number=6 id='same'\n"
	    "done UIDL ok '' ignored=3 '0 zero'\n" },
	{ .name = "lines and terminator in LF",
	    .commands = LOGIN "|UIDL|LIST",
	    .replies = { LOGGED, OCTETS("+OK\n1 a\n2 b\n.\n"),
		OCTETS("+OK\r\n1 5\n.\n") },
	    .events = LOGGED_EVENTS "begin UIDL ok ''\n"
				    "entry UIDL number=1 id='a'\n"
				    "entry UIDL number=2 id='b'\n"
				    "done UIDL ok ''\n"
				    "begin LIST ok ''\n"
				    "entry LIST number=1 octets=5\n"
				    "done LIST ok ''\n" },
};

#define LONG_ID_EVENTS(text)                               \
	LOGGED_EVENTS "begin UIDL ok ''\n"                 \
		      "entry UIDL number=1 id='1234567'\n" \
		      "done UIDL limit@command session "   \
		      "'" text "'\n"                       \
		      "closed limit@command session "      \
		      "'" text "'\n"

#define TOO_LARGE_TEXT(command, size)                                          \
	"'the server's answer to " command                                     \
	" is larger than the limit of " size                                   \
	", each line counting 32 bytes more than it has; the account's other " \
	"mail is untouched'"
#define TOO_LARGE(command, size, ignored)                               \
	"done " command                                                 \
	" limit@command session " TOO_LARGE_TEXT(command, size) ignored \
	    "\n"                                                        \
	    "closed limit@command session " TOO_LARGE_TEXT(command, size) "\n"
#define TEN_LINES "+OK\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\n"

static const struct exchange limits[] = {
	{ .name = "as many lines as the limit",
	    .commands = LOGIN "|LIST",
	    .limits = { .listing_lines = 3 },
	    .replies = { LOGGED, OCTETS("+OK\r\n1 1\r\nx\r\n3 3\r\n.\r\n") },
	    .events = LOGGED_EVENTS "begin LIST ok ''\n"
				    "entry LIST number=1 octets=1\n"
				    "entry LIST number=3 octets=3\n"
				    "done LIST ok '' ignored=1 'x'\n" },
	{ .name = "more lines than the limit",
	    .commands = LOGIN "|LIST|NOOP",
	    .limits = { .listing_lines = 2 },
	    .replies = { LOGGED,
		OCTETS("+OK\r\n1 1\r\n2 2\r\n3 3\r\n4 4\r\n.\r\n") },
	    .wire = LOGIN "|LIST",
	    .events = LOGGED_EVENTS
	    "begin LIST ok ''\n"
	    "entry LIST number=1 octets=1\n"
	    "entry LIST number=2 octets=2\n"
	    "done LIST limit@command session "
	    "'the server's answer to LIST has more than 2 lines'\n"
	    "done NOOP limit@command session "
	    "'the server's answer to LIST has more than 2 lines'\n"
	    "closed limit@command session "
	    "'the server's answer to LIST has more than 2 lines'\n" },
	{ .name = "more lines than the limit, all of them ignored",
	    .commands = LOGIN "|UIDL",
	    .limits = { .listing_lines = 2 },
	    .replies = { LOGGED, OCTETS("+OK\r\nx\r\nx\r\nx\r\nx\r\n.\r\n") },
	    .events = LOGGED_EVENTS
	    "begin UIDL ok ''\n"
	    "done UIDL limit@command session 'the server's answer to UIDL "
	    "has more than 2 lines' ignored=2 'x'\n"
	    "closed limit@command session 'the server's answer to UIDL "
	    "has more than 2 lines'\n" },
	{ .name = "as many octets as the limit",
	    .commands = LOGIN "|UIDL",
	    .limits = { .listing_octets = 2 * (5 + 32) },
	    .replies = { LOGGED, OCTETS("+OK\r\n1 a\r\n2 b\r\n.\r\n") },
	    .events = LOGGED_EVENTS "begin UIDL ok ''\n"
				    "entry UIDL number=1 id='a'\n"
				    "entry UIDL number=2 id='b'\n"
				    "done UIDL ok ''\n" },
	{ .name = "more octets than the limit",
	    .commands = LOGIN "|UIDL",
	    .limits = { .listing_octets = 2 * (5 + 32) - 1 },
	    .replies = { LOGGED, OCTETS("+OK\r\n1 a\r\n2 b\r\n.\r\n") },
	    .events = LOGGED_EVENTS
	    "begin UIDL ok ''\n"
	    "entry UIDL number=1 id='a'\n" TOO_LARGE("UIDL", "73 bytes", "") },
	{ .name = "lines that say nothing count, too",
	    .commands = LOGIN "|LIST",
	    .limits = { .listing_octets = 64 },
	    .replies = { LOGGED, OCTETS("+OK\r\n\r\n\n.\r\n") },
	    .events = LOGGED_EVENTS "begin LIST ok ''\n" TOO_LARGE(
		"LIST", "64 bytes", " ignored=1 ''") },
	{ .name = "each listing is bounded by itself",
	    .commands = LOGIN "|LIST|UIDL",
	    .limits = { .listing_octets = 1024 },
	    .replies = { LOGGED, OCTETS(TEN_LINES ".\r\n"),
		OCTETS(TEN_LINES TEN_LINES TEN_LINES TEN_LINES) },
	    .events = LOGGED_EVENTS "begin LIST ok ''\n"
				    "done LIST ok '' ignored=9 'x'\n"
				    "begin UIDL ok ''\n" TOO_LARGE(
					"UIDL", "1 KiB", " ignored=29 'x'") },
	{ .name = "more capabilities than the limit",
	    .commands = "CAPA",
	    .limits = { .capabilities = 2 },
	    .replies = { OCTETS("+OK\r\n"),
		OCTETS("+OK\r\nA\r\nB\r\nC\r\n.\r\n") },
	    .events = "greeting ok ''\n"
		      "begin CAPA ok ''\n"
		      "line 'A'\n"
		      "line 'B'\n"
		      "done CAPA limit@command session 'the server's answer "
		      "to CAPA has more than 2 lines'\n"
		      "closed limit@command session 'the server's answer "
		      "to CAPA has more than 2 lines'\n" },
	{ .name = "a listing's line at its limit and beyond",
	    .commands = LOGIN "|UIDL",
	    .limits = { .listing_line = 9 },
	    .replies = { LOGGED,
		OCTETS("+OK\r\n1 1234567\r\n2 12345678\r\n.\r\n") },
	    .events = LONG_ID_EVENTS("the server sent an endless line") },
	{ .name = "a listing's line without end",
	    .commands = LOGIN "|UIDL",
	    .limits = { .listing_line = 9 },
	    .replies = { LOGGED,
		OCTETS("+OK\r\n1 1234567\r\n2 123456789abcdef") },
	    .events = LONG_ID_EVENTS("the server sent an endless line") },
	{ .name = "a status line at its limit",
	    .commands = LOGIN "|NOOP",
	    .limits = { .line = 6 },
	    .replies = { LOGGED, OCTETS("+OK 45\r\n") },
	    .events = LOGGED_EVENTS "done NOOP ok '45'\n" },
	{ .name = "a status line beyond its limit",
	    .commands = LOGIN "|NOOP",
	    .limits = { .line = 6 },
	    .replies = { LOGGED, OCTETS("+OK 456\r\n") },
	    .events = LOGGED_EVENTS "done NOOP limit@command session "
				    "'the server sent an endless line'\n"
				    "closed limit@command session "
				    "'the server sent an endless line'\n" },
	{ .name = "a greeting without end",
	    .commands = "",
	    .limits = { .line = 10 },
	    .replies = { OCTETS("+OK 3456789012345") },
	    .events = "closed limit@greeting session "
		      "'the server sent an endless line'\n" },
	{ .name = "a reply may be longer than its text",
	    .commands = LOGIN "|NOOP",
	    .replies = { LOGGED,
		OCTETS("+OK "
		       "0123456789012345678901234567890123456789012345678901"
		       "0123456789012345678901234567890123456789012345678901"
		       "0123456789012345678901234567890123456789012345678901"
		       "0123456789012345678901234567890123456789012345678901"
		       "0123456789012345678901234567890123456789012345678901"
		       "0123456789012345678901234567890123456789012345678901"
		       "0123456789012345678901234567890123456789012345678901"
		       "0123456789012345678901234567890123456789012345678901"
		       "0123456789012345678901234567890123456789\r\n") },
	    .events = LOGGED_EVENTS
	    "done NOOP ok '"
	    "0123456789012345678901234567890123456789012345678901"
	    "0123456789012345678901234567890123456789012345678901"
	    "0123456789012345678901234567890123456789012345678901"
	    "0123456789012345678901234567890123456789012345678901"
	    "0123456789012345678901234567890123456789012345678901"
	    "0123456789012345678901234567890123456789012345678901"
	    "0123456789012345678901234567890123456789012345678901"
	    "0123456789012345678'\n" },
};

/* Unique-ids longer than the 70 octets of RFC 1939 section 7. */
#define TEN        "abcdefghij"
#define HUNDRED    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONGEST_ID HUNDRED HUNDRED TEN TEN TEN TEN TEN "klmno"

static const struct exchange long_ids[] = {
	{ .name = "unique-ids of 70, 71, 255 and 256 octets",
	    .commands = LOGIN "|UIDL",
	    .replies = { LOGGED,
		OCTETS("+OK\r\n1 " TEN TEN TEN TEN TEN TEN TEN
		       "\r\n2 " TEN TEN TEN TEN TEN TEN TEN "k\r\n3 " LONGEST_ID
		       "\r\n4 " LONGEST_ID "p\r\n5 a\r\n.\r\n") },
	    .events = LOGGED_EVENTS
	    "begin UIDL ok ''\n"
	    "entry UIDL number=1 id='" TEN TEN TEN TEN TEN TEN TEN "'\n"
	    "entry UIDL number=2 id='" TEN TEN TEN TEN TEN TEN TEN "k'\n"
	    "entry UIDL number=3 id='" LONGEST_ID "'\n"
	    "entry UIDL number=5 id='a'\n"
	    "done UIDL ok '' ignored=1 '4 " LONGEST_ID "p'\n" },
	{ .name = "the same in answer to UIDL n",
	    .commands = LOGIN "|UIDL 3|UIDL 4|NOOP",
	    .replies = { LOGGED, OCTETS("+OK 3 " LONGEST_ID "\r\n"),
		OCTETS("+OK 4 " LONGEST_ID "p\r\n"), OCTETS("+OK\r\n") },
	    .events = LOGGED_EVENTS
	    "done UIDL ok '3 " LONGEST_ID "' number=3 id='" LONGEST_ID "'\n"
	    "done UIDL protocol@command message retry 'UIDL was answered "
	    "without a unique-id of a fit length'\n"
	    "done NOOP ok ''\n" },
};

PLAY_TABLE(long_unique_ids, long_ids)
PLAY_TABLE(listings_as_servers_send_them, listings)
PLAY_TABLE(limits_hold, limits)

/* A million lines, none of which is kept. */
static void
a_long_listing_costs_no_memory(void **state)
{
	static const char *const commands[] = { "USER joe", "PASS x", "UIDL" };
	static const char line[] = "12345678 abcdefghijklmnop\r\n";
	struct evpop_request request;
	struct evpop_proto *proto = evpop_proto_new(NULL);
	struct evpop_event event;
	char storage[PLAY_LINE_SIZE];
	size_t used, length, entries = 0, i;

	(void)state;
	assert_non_null(proto);
	for (i = 0; i < 3; i++) {
		request = play_parse_command(commands[i], storage);
		assert_int_equal(
		    evpop_proto_submit(proto, &request), EVPOP_ERROR_NONE);
	}
	for (i = 0; i < 3; i++) {
		evpop_proto_next(proto, "+OK\r\n", 5, &used, &event);
		assert_int_not_equal(event.type, EVPOP_EVENT_CLOSED);
		assert_non_null(evpop_proto_output(proto, &length));
		evpop_proto_sent(proto, length);
	}
	evpop_proto_next(proto, "+OK\r\n", 5, &used, &event);
	assert_int_equal(event.type, EVPOP_EVENT_BEGIN);
	for (i = 0; i < 1000000; i++) {
		evpop_proto_next(proto, line, sizeof line - 1, &used, &event);
		assert_int_equal(used, sizeof line - 1);
		entries += event.type == EVPOP_EVENT_ENTRY &&
			   event.number == 12345678 && event.length == 16;
	}
	assert_int_equal(entries, 1000000);
	evpop_proto_next(proto, ".\r\n", 3, &used, &event);
	assert_int_equal(event.type, EVPOP_EVENT_DONE);
	assert_int_equal(event.result->error, EVPOP_ERROR_NONE);
	evpop_proto_free(proto);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listings_as_servers_send_them),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(long_unique_ids),
		cmocka_unit_test(a_long_listing_costs_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
