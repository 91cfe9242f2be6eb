/* Messages as servers send them, and the bound on one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/test_core_player.h"

/* RETR 1, answered "+OK" and these lines; then NOOP shows who speaks next. */
#define BODY(what, lines, body)                                            \
	{                                                                  \
		.name = what, .commands = LOGIN "|RETR 1|NOOP",            \
		.replies = { LOGGED, OCTETS("+OK\r\n" lines),              \
			OCTETS("+OK\r\n") },                               \
		.events = LOGGED_EVENTS "begin RETR ok '' number=1\n" body \
					"done RETR ok ''\n"                \
					"done NOOP ok ''\n"                \
	}

/* The same on a server whose lines end in LF. */
#define LF_BODY(what, lines, body)                                             \
	{                                                                      \
		.name = what, .commands = LOGIN "|RETR 1|NOOP",                \
		.replies = { LOGGED, OCTETS("+OK\n" lines), OCTETS("+OK\n") }, \
		.events = LOGGED_EVENTS "begin RETR ok '' number=1\n" body     \
					"done RETR ok ''\n"                    \
					"done NOOP ok ''\n"                    \
	}

static const struct exchange bodies[] = {
	BODY("plain", "a\r\nb\r\n.\r\n", "body 'a^M^Jb^M^J'\n"),
	BODY("empty", ".\r\n", ""),
	BODY("one blank line", "\r\n.\r\n", "body '^M^J'\n"),
	BODY("stuffed", "..\r\n...\r\n..a\r\n.\r\n",
	    "body '.^M^J..^M^J.a^M^J'\n"),
	BODY("unstuffed", ".foo\r\n.bar.\r\n.\r\n",
	    "body '.foo^M^J.bar.^M^J'\n"),
	BODY("LF dot LF inside", "a\n.\nb\r\n.\r\n", "body 'a^J.^Jb^M^J'\n"),
	BODY("CRLF dot LF inside", "a\r\n.\nb\r\n.\r\n",
	    "body 'a^M^J.^Jb^M^J'\n"),
	BODY("LF dot CRLF inside", "a\n.\r\nb\r\n.\r\n",
	    "body 'a^J.^M^Jb^M^J'\n"),
	BODY("bare CR", "a\rb\r\r\n.\r\r\n.\rx\r\n.\r\n",
	    "body 'a^Mb^M^M^J.^M^M^J.^Mx^M^J'\n"),
	BODY("NULs", "\0a\0\r\n.\0\r\n.\r\n", "body '^@a^@^M^J.^@^M^J'\n"),
	BODY("8-bit", "\xc3\xa9\xff\r\n.\r\n", "body '<C3><A9><FF>^M^J'\n"),
	BODY("status lines inside", "+OK\r\n-ERR no\r\n.\r\n",
	    "body '+OK^M^J-ERR no^M^J'\n"),
	LF_BODY("LF", "a\nb\n.\n", "body 'a^Jb^J'\n"),
	LF_BODY("LF, empty", ".\n", ""),
	LF_BODY("LF, stuffed", "..\n.a\n.\n", "body '.^J.a^J'\n"),
	LF_BODY("LF, CRLF inside", "a\r\n..b\r\n.\r\n", "body 'a^M^J.b^M^J'\n"),
};

static const struct exchange sizes[] = {
	{ .name = "sizes named and not",
	    .commands = LOGIN "|RETR 1|RETR 2|RETR 3|RETR 4|TOP 5 1",
	    .window_commands = 9,
	    .replies = { LOGGED, OCTETS("+OK 120 octets\r\n.\r\n"),
		OCTETS("+OK 120octets\r\n.\r\n"),
		OCTETS("+OK -1 octets\r\n.\r\n"),
		OCTETS("+OK message follows (4 octets)\r\n.\r\n"),
		OCTETS("+OK 18446744073709551615\r\n.\r\n") },
	    .events = LOGGED_EVENTS
	    "begin RETR ok '120 octets' number=1 octets=120\n"
	    "done RETR ok '120 octets'\n"
	    "begin RETR ok '120octets' number=2\n"
	    "done RETR ok '120octets'\n"
	    "begin RETR ok '-1 octets' number=3\n"
	    "done RETR ok '-1 octets'\n"
	    "begin RETR ok 'message follows (4 octets)' number=4\n"
	    "done RETR ok 'message follows (4 octets)'\n"
	    "begin TOP ok '18446744073709551615' number=5 "
	    "octets=18446744073709551615\n"
	    "done TOP ok '18446744073709551615'\n" },
	{ .name = "as large as the limit, stuffing not counted",
	    .commands = LOGIN "|RETR 1|RETR 2",
	    .limits = { .body = 7 },
	    .replies = { LOGGED, OCTETS("+OK\r\n..\r\n..a\r\n.\r\n"),
		OCTETS("+OK\r\nabcde\r\n.\r\n") },
	    .events = LOGGED_EVENTS "begin RETR ok '' number=1\n"
				    "body '.^M^J.a^M^J'\n"
				    "done RETR ok ''\n"
				    "begin RETR ok '' number=2\n"
				    "body 'abcde^M^J'\n"
				    "done RETR ok ''\n" },
	{ .name = "larger than the limit",
	    .commands = LOGIN "|RETR 1|RETR 2",
	    .limits = { .body = 6 },
	    .replies = { LOGGED, OCTETS("+OK\r\n..cd\r\n.\r\n"),
		OCTETS("+OK\r\nabcde\r\n.\r\n") },
	    .events = LOGGED_EVENTS
	    "begin RETR ok '' number=1\n"
	    "body '.cd^M^J'\n"
	    "done RETR ok ''\n"
	    "begin RETR ok '' number=2\n"
	    "body 'abcde^M'\n"
	    "done RETR limit@body session "
	    "'the message is larger than the limit of 6 octets'\n"
	    "closed limit@body session "
	    "'the message is larger than the limit of 6 octets'\n" },
	{ .name = "the limit falls on what was held back",
	    .commands = LOGIN "|RETR 1",
	    .limits = { .body = 4 },
	    .replies = { LOGGED, OCTETS("+OK\r\na\r\n.\rx\r\n.\r\n") },
	    .events = LOGGED_EVENTS
	    "begin RETR ok '' number=1\n"
	    "body 'a^M^J'\n"
	    "done RETR limit@body session "
	    "'the message is larger than the limit of 4 octets'\n"
	    "closed limit@body session "
	    "'the message is larger than the limit of 4 octets'\n" },
};

#define NO_END                                                             \
	"'too late: the lines of message 1 end in LF alone, the server's " \
	"status lines in CRLF, so its end cannot be told'\n"

static const struct exchange interrupted[] = {
	{ .name = "EOF in the middle",
	    .commands = LOGIN "|RETR 1|RETR 2",
	    .replies = { LOGGED, OCTETS("+OK\r\na\r\n.") },
	    .wire = LOGIN "|RETR 1",
	    .ending = PLAY_ENDS_EOF,
	    .events = LOGGED_EVENTS
	    "begin RETR ok '' number=1\n"
	    "body 'a^M^J'\n"
	    "done RETR io@body session retry 'the server closed the "
	    "connection in the middle of a message'\n"
	    "done RETR io@body session retry 'the server closed the "
	    "connection in the middle of a message'\n"
	    "closed io@body session retry 'the server closed the "
	    "connection in the middle of a message'\n" },
	{ .name = "EOF instead of the terminator's LF",
	    .commands = LOGIN "|TOP 1 0",
	    .replies = { LOGGED, OCTETS("+OK\r\n.\r") },
	    .ending = PLAY_ENDS_EOF,
	    .events = LOGGED_EVENTS
	    "begin TOP ok '' number=1\n"
	    "done TOP io@body session retry 'the server closed the "
	    "connection in the middle of a message'\n"
	    "closed io@body session retry 'the server closed the "
	    "connection in the middle of a message'\n" },
	{ .name = "LF dot LF is no end on a server with CRLF",
	    .commands = LOGIN "|RETR 1",
	    .replies = { LOGGED, OCTETS("+OK\r\na\n.\n") },
	    .ending = PLAY_ENDS_FAIL,
	    .events =
		LOGGED_EVENTS "begin RETR ok '' number=1\n"
			      "body 'a^J.^J'\n"
			      "done RETR timeout@command session retry " NO_END
			      "closed timeout@command session retry " NO_END },
};

PLAY_TABLE(bodies_as_servers_send_them, bodies)
PLAY_TABLE(sizes_and_the_limit, sizes)
PLAY_TABLE(a_body_cut_short_is_not_done, interrupted)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_as_servers_send_them),
		cmocka_unit_test(sizes_and_the_limit),
		cmocka_unit_test(a_body_cut_short_is_not_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
