/* How sessions end that do not end well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/test_core_player.h"

/* A greeting that is none of POP3's, and what is shown of it. */
#define NO_GREETING(what, line, shown)                                        \
	{                                                                     \
		.name = what, .commands = "USER joe",                         \
		.replies = { OCTETS(line) }, .wire = "",                      \
		.events =                                                     \
		    "done USER protocol@greeting session retry "              \
		    "'this is not a POP3 server: it greets with " shown "'\n" \
		    "closed protocol@greeting session retry "                 \
		    "'this is not a POP3 server: it greets with " shown "'\n" \
	}

static const struct exchange greetings[] = {
	NO_GREETING("SMTP", "220 mail ESMTP\r\n", "\"220 mail ESMTP\""),
	NO_GREETING("IMAP", "* OK IMAP4rev1\r\n", "\"* OK IMAP4rev1\""),
	NO_GREETING("+OKAY", "+OKAY then\r\n", "\"+OKAY then\""),
	NO_GREETING("empty line", "\r\n", "an empty line"),
	NO_GREETING("LF alone", "\n", "an empty line"),
	NO_GREETING("continuation", "+ go\r\n", "\"+ go\""),
	NO_GREETING("escapes", "\x1b]0;\x07\r\n", "\"?]0;?\""),
	NO_GREETING("SSH, and long",
	    "SSH-2.0-0123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789\r\n",
	    "\"SSH-2.0-0123456789012345678901234567890123456789"
	    "012345678901234\""),
	{ .name = "refused",
	    .commands = LOGIN "|QUIT",
	    .replies = { OCTETS("-ERR too many connections\r\n") },
	    .wire = "",
	    .events = "greeting refused@greeting session retry "
		      "'too many connections'\n"
		      "done USER refused@greeting session retry "
		      "'too many connections'\n"
		      "done PASS refused@greeting session retry "
		      "'too many connections'\n"
		      "done QUIT refused@greeting session retry "
		      "'too many connections'\n"
		      "closed refused@greeting session retry "
		      "'too many connections'\n" },
	{ .name = "refused for good",
	    .commands = "",
	    .replies = { OCTETS("-err [SYS/PERM] go away\r\n") },
	    .events = "greeting refused@greeting session [SYS/PERM] "
		      "'[SYS/PERM] go away'\n"
		      "closed refused@greeting session [SYS/PERM] "
		      "'[SYS/PERM] go away'\n" },
	{ .name = "closed before it",
	    .commands = "QUIT",
	    .replies = { OCTETS("") },
	    .wire = "",
	    .ending = PLAY_ENDS_EOF,
	    .events = "done QUIT io@greeting session retry 'the server closed "
		      "the connection before its greeting'\n"
		      "closed io@greeting session retry 'the server closed "
		      "the connection before its greeting'\n" },
	{ .name = "closed in the middle of it",
	    .commands = "",
	    .replies = { OCTETS("+OK hi\r") },
	    .ending = PLAY_ENDS_EOF,
	    .events = "closed io@greeting session retry 'the server closed "
		      "the connection before its greeting'\n" },
};

#define UNASKED                           \
	"protocol@command session retry " \
	"'the server spoke without being asked'\n"

static const struct exchange strangers[] = {
	{ .name = "two greetings, nothing asked",
	    .commands = "",
	    .replies = { OCTETS("+OK hi\r\n+OK again\r\n") },
	    .events = "greeting ok 'hi'\n"
		      "closed " UNASKED },
	{ .name = "two replies to one command",
	    .commands = LOGIN,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n"),
		OCTETS("+OK in\r\n-ERR out\r\n") },
	    .events = LOGGED_EVENTS "closed " UNASKED },
	{ .name = "one octet too many behind a body",
	    .commands = LOGIN "|RETR 1",
	    .replies = { LOGGED, OCTETS("+OK\r\na\r\n.\r\n\n") },
	    .events = LOGGED_EVENTS "begin RETR ok '' number=1\n"
				    "body 'a^M^J'\n"
				    "done RETR ok ''\n"
				    "closed " UNASKED },
	{ .name = "a body where a status line belongs",
	    .commands = LOGIN "|NOOP|QUIT",
	    .replies = { LOGGED, OCTETS("Subject: hello\r\n") },
	    .wire = LOGIN "|NOOP",
	    .events = LOGGED_EVENTS
	    "done NOOP protocol@command session retry "
	    "'not a POP3 status line: \"Subject: hello\"'\n"
	    "done QUIT protocol@command session retry "
	    "'not a POP3 status line: \"Subject: hello\"'\n"
	    "closed protocol@command session retry "
	    "'not a POP3 status line: \"Subject: hello\"'\n" },
	{ .name = "+OKAY",
	    .commands = "CAPA",
	    .replies = { OCTETS("+OK\r\n"), OCTETS("+OKAY\r\n") },
	    .events = "greeting ok ''\n"
		      "done CAPA protocol@command session retry "
		      "'not a POP3 status line: \"+OKAY\"'\n"
		      "closed protocol@command session retry "
		      "'not a POP3 status line: \"+OKAY\"'\n" },
	{ .name = "a continuation instead of a log-in",
	    .commands = LOGIN,
	    .replies = { OCTETS("+OK\r\n"), OCTETS("+ \r\n") },
	    .wire = "USER joe",
	    .events = "greeting ok ''\n"
		      "done USER protocol@login session retry "
		      "'not a POP3 status line: \"+ \"'\n"
		      "done PASS protocol@login session retry "
		      "'not a POP3 status line: \"+ \"'\n"
		      "closed protocol@login session retry "
		      "'not a POP3 status line: \"+ \"'\n" },
	{ .name = "an answer to QUIT that is none",
	    .commands = LOGIN "|QUIT",
	    .replies = { LOGGED, OCTETS("bye\r\n") },
	    .events =
		LOGGED_EVENTS "done QUIT protocol@quit session retry "
			      "'not a POP3 status line: \"bye\"' quit=unknown\n"
			      "closed protocol@quit session retry "
			      "'not a POP3 status line: \"bye\"'\n" },
	{ .name = "more replies than the server got commands",
	    .commands = LOGIN "|NOOP",
	    .window_commands = 9,
	    .replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n"),
		OCTETS("+OK in\r\n"), OCTETS("+OK\r\n+OK\r\n") },
	    .events = LOGGED_EVENTS "done NOOP ok ''\n"
				    "closed " UNASKED },
};

static const struct exchange closes[] = {
	{ .name = "while nothing was asked",
	    .commands = LOGIN,
	    .replies = { LOGGED },
	    .ending = PLAY_ENDS_EOF,
	    .events = LOGGED_EVENTS
	    "closed io@command session retry 'the server closed the "
	    "connection in the middle of the session'\n" },
	{ .name = "instead of answering PASS",
	    .commands = LOGIN "|STAT",
	    .replies = { OCTETS("+OK\r\n"), OCTETS("+OK\r\n") },
	    .wire = LOGIN,
	    .ending = PLAY_ENDS_EOF,
	    .events = "greeting ok ''\n"
		      "done USER ok ''\n"
		      "done PASS io@login session retry 'the server closed "
		      "the connection instead of answering the log-in'\n"
		      "done STAT io@login session retry 'the server closed "
		      "the connection instead of answering the log-in'\n"
		      "closed io@login session retry 'the server closed "
		      "the connection instead of answering the log-in'\n" },
	{ .name = "in the middle of a listing",
	    .commands = LOGIN "|UIDL",
	    .replies = { LOGGED, OCTETS("+OK\r\n1 a\r\n2 ") },
	    .ending = PLAY_ENDS_EOF,
	    .events = LOGGED_EVENTS
	    "begin UIDL ok ''\n"
	    "entry UIDL number=1 id='a'\n"
	    "done UIDL io@command session retry 'the server closed the "
	    "connection in the middle of the session'\n"
	    "closed io@command session retry 'the server closed the "
	    "connection in the middle of the session'\n" },
	{ .name = "after QUIT was answered",
	    .commands = LOGIN "|QUIT",
	    .replies = { LOGGED, OCTETS("+OK bye\r\n") },
	    .ending = PLAY_ENDS_EOF,
	    .events = LOGGED_EVENTS "done QUIT ok 'bye' quit=committed\n"
				    "closed ok ''\n" },
};

PLAY_TABLE(greetings_of_other_kinds, greetings)
PLAY_TABLE(servers_that_speak_out_of_turn, strangers)
PLAY_TABLE(connections_that_close, closes)

/* A reply to a command of which some octets are not written yet. */
static void
a_reply_before_its_command_is_a_fault(void **state)
{
	struct evpop_request request = { .command = EVPOP_COMMAND_CAPA };
	struct evpop_event event;
	struct evpop_proto *proto;
	size_t written, length, used;

	(void)state;
	for (written = 0; written <= 6; written++) {
		proto = evpop_proto_new(NULL);
		assert_non_null(proto);
		assert_int_equal(
		    evpop_proto_submit(proto, &request), EVPOP_ERROR_NONE);
		evpop_proto_next(proto, "+OK\r\n", 5, &used, &event);
		assert_int_equal(event.type, EVPOP_EVENT_GREETING);
		assert_non_null(evpop_proto_output(proto, &length));
		assert_int_equal(length, 6);
		evpop_proto_sent(proto, written);
		evpop_proto_next(proto, "+OK\r\n", 5, &used, &event);
		if (written == 6)
			assert_int_equal(event.type, EVPOP_EVENT_BEGIN);
		else {
			assert_int_equal(event.type, EVPOP_EVENT_DONE);
			assert_int_equal(
			    event.result->error, EVPOP_ERROR_PROTOCOL);
			assert_null(evpop_proto_output(proto, &length));
			assert_int_equal(length, 0);
			/* The rest that was under way does no harm. */
			evpop_proto_sent(proto, 6 - written);
			evpop_proto_next(proto, NULL, 0, &used, &event);
			assert_int_equal(event.type, EVPOP_EVENT_CLOSED);
		}
		evpop_proto_free(proto);
	}
}

/* A reply to the second of two commands, of which only the first is out. */
static void
a_reply_may_come_while_later_commands_are_written(void **state)
{
	struct evpop_request request = { .command = EVPOP_COMMAND_CAPA };
	struct evpop_proto *proto = evpop_proto_new(NULL);
	struct evpop_event event;
	size_t length, used, i;

	(void)state;
	assert_non_null(proto);
	evpop_proto_set_window(proto, 9, 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    evpop_proto_submit(proto, &request), EVPOP_ERROR_NONE);
	evpop_proto_next(proto, "+OK\r\n", 5, &used, &event);
	assert_non_null(evpop_proto_output(proto, &length));
	assert_int_equal(length, 12);
	evpop_proto_sent(proto, 7);
	evpop_proto_next(proto, "-ERR\r\n-ERR\r\n", 12, &used, &event);
	assert_int_equal(event.type, EVPOP_EVENT_DONE);
	assert_int_equal(event.result->error, EVPOP_ERROR_REFUSED);
	assert_int_equal(used, 6);
	evpop_proto_next(proto, "-ERR\r\n", 6, &used, &event);
	assert_int_equal(event.type, EVPOP_EVENT_DONE);
	assert_int_equal(event.result->error, EVPOP_ERROR_PROTOCOL);
	evpop_proto_free(proto);
}

/* The first failure counts; later ones change nothing. */
static void
a_session_ends_for_one_reason(void **state)
{
	struct evpop_proto *proto = evpop_proto_new(NULL);
	struct evpop_result result;
	struct evpop_event event;
	size_t used;

	(void)state;
	assert_non_null(proto);
	evpop_result_set(
	    &result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE, "expired");
	evpop_proto_fail(proto, &result);
	evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_COMMAND, "reset");
	evpop_proto_fail(proto, &result);
	evpop_proto_eof(proto);
	assert_int_equal(evpop_proto_state(proto), EVPOP_STATE_GREETING);
	evpop_proto_next(proto, "+OK\r\n", 5, &used, &event);
	assert_int_equal(used, 5);
	assert_int_equal(event.type, EVPOP_EVENT_CLOSED);
	assert_int_equal(event.result->error, EVPOP_ERROR_TLS);
	assert_int_equal(event.result->phase, EVPOP_PHASE_HANDSHAKE);
	assert_string_equal(event.result->text, "expired");
	assert_int_equal(evpop_proto_state(proto), EVPOP_STATE_CLOSED);
	evpop_proto_next(proto, NULL, 0, &used, &event);
	assert_int_equal(event.type, EVPOP_EVENT_NONE);
	evpop_proto_free(proto);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greetings_of_other_kinds),
		cmocka_unit_test(servers_that_speak_out_of_turn),
		cmocka_unit_test(connections_that_close),
		cmocka_unit_test(a_reply_before_its_command_is_a_fault),
		cmocka_unit_test(
		    a_reply_may_come_while_later_commands_are_written),
		cmocka_unit_test(a_session_ends_for_one_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
