/*
 * Servers that break the rules of multi-line responses: replies inside a
 * message, lines that end in LF alone, dots that are not escaped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/test_core_player.h"

#define INSIDE_TEXT                                                          \
	"protocol@body session retry 'the server answered a command inside " \
	"message 1; commands must go one by one'\n"
#define CUT_TEXT(phase, size, came)                                            \
	"protocol@" phase " session retry 'message 1 was cut: " size           \
	" octets were listed and " came " came; the server does not escape a " \
	"line that begins with a dot'\n"
/* What one of these makes of a session with two messages to fetch. */
#define BOTH_FAIL(text) "done RETR " text "done RETR " text "closed " text

/* RETR 1 and RETR 2 go out together; `first` and `second` come for them. */
#define PAIR(what, retr, first, second, events_)                      \
	{                                                             \
		.name = what, .commands = LOGIN "|" retr "|RETR 2",   \
		.wire = LOGIN "|RETR 1|RETR 2", .window_commands = 9, \
		.replies = { LOGGED, OCTETS(first), OCTETS(second) }, \
		.events = LOGGED_EVENTS events_                       \
	}

#define SECOND "+OK 4 octets\r\nxy\r\n.\r\n"
#define SECOND_EVENTS                                  \
	"begin RETR ok '4 octets' number=2 octets=4\n" \
	"body 'xy^M^J'\n"                              \
	"done RETR ok '4 octets'\n"

static const struct exchange answers_inside[] = {
	PAIR("an answer before the end, the size announced", "RETR 1",
	    "+OK 6 octets\r\nabcd\r\n", "+OK 4 octets\r\n.\r\nxy\r\n.\r\n",
	    "begin RETR ok '6 octets' number=1 octets=6\n"
	    "body 'abcd^M^J+OK 4 octets^M^J'\n" BOTH_FAIL(INSIDE_TEXT)),
	PAIR("the size known from LIST", "RETR 1/6", "+OK\r\nabcd\r\n",
	    "+OK 4 octets\r\n.\r\nxy\r\n.\r\n",
	    "begin RETR ok '' number=1\n"
	    "body 'abcd^M^J+OK 4 octets^M^J'\n" BOTH_FAIL(INSIDE_TEXT)),
	PAIR("in the middle", "RETR 1", "+OK 12\r\nabcd\r\n",
	    "+OK\r\nefgh\r\n.\r\nxy\r\n.\r\n",
	    "begin RETR ok '12' number=1 octets=12\n"
	    "body 'abcd^M^J+OK^M^Jefgh^M^J'\n" BOTH_FAIL(INSIDE_TEXT)),
	PAIR("at the beginning", "RETR 1", "+OK 6\r\n",
	    "+ok two\r\nabcd\r\n.\r\nxy\r\n.\r\n",
	    "begin RETR ok '6' number=1 octets=6\n"
	    "body '+ok two^M^Jabcd^M^J'\n" BOTH_FAIL(INSIDE_TEXT)),
	PAIR("a refusal", "RETR 1", "+OK 6\r\nabcd\r\n",
	    "-ERR no such message\r\n.\r\n",
	    "begin RETR ok '6' number=1 octets=6\n"
	    "body 'abcd^M^J-ERR no such message^M^J'\n" BOTH_FAIL(INSIDE_TEXT)),
	PAIR("beside a line of the message that looks like one", "RETR 1",
	    "+OK 14\r\n+OK mine\r\nab\r\n", "+OK 4\r\n.\r\nxy\r\n.\r\n",
	    "begin RETR ok '14' number=1 octets=14\n"
	    "body '+OK mine^M^Jab^M^J+OK 4^M^J'\n" BOTH_FAIL(INSIDE_TEXT)),
	{ .name = "two of them",
	    .commands = LOGIN "|RETR 1|NOOP|DELE 2",
	    .window_commands = 9,
	    .replies = { LOGGED, OCTETS("+OK 6\r\nabcd\r\n"), OCTETS("+OK\r\n"),
		OCTETS("-ERR no\r\n.\r\n") },
	    .events =
		LOGGED_EVENTS "begin RETR ok '6' number=1 octets=6\n"
			      "body 'abcd^M^J+OK^M^J-ERR no^M^J'\n"
			      "done RETR " INSIDE_TEXT "done NOOP " INSIDE_TEXT
			      "done DELE " INSIDE_TEXT "closed " INSIDE_TEXT },
	PAIR("no size is known, and no reply follows", "RETR 1",
	    "+OK\r\nabcd\r\n", "+OK\r\n.\r\nxy\r\n.\r\n",
	    "begin RETR ok '' number=1\n"
	    "body 'abcd^M^J+OK^M^J'\n"
	    "done RETR protocol@command session retry 'the server answered a "
	    "command inside message 1; commands must go one by one'\n"
	    "done RETR protocol@command session retry 'the server answered a "
	    "command inside message 1; commands must go one by one'\n"
	    "closed protocol@command session retry 'the server answered a "
	    "command inside message 1; commands must go one by one'\n"),
	PAIR("within a line", "RETR 1", "+OK 6\r\nab",
	    "+OK\r\ncd\r\n.\r\nxy\r\n.\r\n",
	    "begin RETR ok '6' number=1 octets=6\n"
	    "body 'ab+OK^M^Jcd^M^J'\n"
	    "done RETR protocol@command session retry 'the server answered a "
	    "command inside message 1; commands must go one by one'\n"
	    "done RETR protocol@command session retry 'the server answered a "
	    "command inside message 1; commands must go one by one'\n"
	    "closed protocol@command session retry 'the server answered a "
	    "command inside message 1; commands must go one by one'\n"),
};

/* What looks like one of these, and is none. */
static const struct exchange sound[] = {
	PAIR("a line like a reply in a message of its size", "RETR 1",
	    "+OK 10\r\n+OK\r\n-ERR\r\n.\r\n", SECOND,
	    "begin RETR ok '10' number=1 octets=10\n"
	    "body '+OK^M^J-ERR^M^J'\n"
	    "done RETR ok '10'\n" SECOND_EVENTS),
	PAIR("the size known from LIST, and another announced", "RETR 1/11",
	    "+OK 1 follows\r\n+OK\r\n-ERR\r\n.\r\n", SECOND,
	    "begin RETR ok '1 follows' number=1 octets=1\n"
	    "body '+OK^M^J-ERR^M^J'\n"
	    "done RETR ok '1 follows'\n" SECOND_EVENTS),
	PAIR("the size counted in LF", "RETR 1/9",
	    "+OK\r\n+OK\r\n-ERR\r\n.\r\n", SECOND,
	    "begin RETR ok '' number=1\n"
	    "body '+OK^M^J-ERR^M^J'\n"
	    "done RETR ok ''\n" SECOND_EVENTS),
	PAIR("no size is known", "RETR 1", "+OK\r\na\r\n+OK\r\n.\r\n", SECOND,
	    "begin RETR ok '' number=1\n"
	    "body 'a^M^J+OK^M^J'\n"
	    "done RETR ok ''\n" SECOND_EVENTS),
	PAIR("more such lines than replies were due", "RETR 1",
	    "+OK 3\r\na\r\n+OK\r\n+OK\r\n.\r\n", SECOND,
	    "begin RETR ok '3' number=1 octets=3\n"
	    "body 'a^M^J+OK^M^J+OK^M^J'\n"
	    "done RETR ok '3'\n" SECOND_EVENTS),
	PAIR("words that begin like a reply", "RETR 1",
	    "+OK 3\r\na\r\n+OKAY\r\n-ERROR\r\n+O\r\n-\r\n.\r\n", SECOND,
	    "begin RETR ok '3' number=1 octets=3\n"
	    "body 'a^M^J+OKAY^M^J-ERROR^M^J+O^M^J-^M^J'\n"
	    "done RETR ok '3'\n" SECOND_EVENTS),
	PAIR("a size too large, and a reply follows", "RETR 1/20",
	    "+OK\r\nabcd\r\n.\r\n", SECOND,
	    "begin RETR ok '' number=1\n"
	    "body 'abcd^M^J'\n"
	    "done RETR ok ''\n" SECOND_EVENTS),
	PAIR("a size too large, and a refusal follows", "RETR 1",
	    "+OK 20\r\nabcd\r\n.\r\n", "-ERR gone\r\n",
	    "begin RETR ok '20' number=1 octets=20\n"
	    "body 'abcd^M^J'\n"
	    "done RETR ok '20'\n"
	    "done RETR refused@command message 'gone'\n"),
	{ .name = "nothing had gone out ahead",
	    .commands = LOGIN "|RETR 1|RETR 2",
	    .replies = { LOGGED, OCTETS("+OK 3\r\na\r\n+OK\r\n.\r\n"),
		OCTETS("+OK 9\r\n.\r\n") },
	    .events = LOGGED_EVENTS "begin RETR ok '3' number=1 octets=3\n"
				    "body 'a^M^J+OK^M^J'\n"
				    "done RETR ok '3'\n"
				    "begin RETR ok '9' number=2 octets=9\n"
				    "done RETR ok '9'\n" },
	{ .name = "the number behind +OK is no size of a TOP",
	    .commands = LOGIN "|TOP 1 0|NOOP",
	    .window_commands = 9,
	    .replies = { LOGGED, OCTETS("+OK 100\r\na\r\n\r\n.\r\n"),
		OCTETS("+OK\r\n") },
	    .events = LOGGED_EVENTS "begin TOP ok '100' number=1 octets=100\n"
				    "body 'a^M^J^M^J'\n"
				    "done TOP ok '100'\n"
				    "done NOOP ok ''\n" },
};

/* RETR 1, and NOOP to see who speaks next. */
#define LF_ALONE(what, retr, lines, events_)                             \
	{                                                                \
		.name = what, .commands = LOGIN "|" retr "|NOOP",        \
		.wire = LOGIN "|RETR 1|NOOP",                            \
		.replies = { LOGGED, OCTETS(lines), OCTETS("+OK\r\n") }, \
		.events = LOGGED_EVENTS events_ "done NOOP ok ''\n"      \
	}

static const struct exchange lf_alone[] = {
	LF_ALONE("the size as it is", "RETR 1", "+OK 4\r\na\nb\n.\n",
	    "begin RETR ok '4' number=1 octets=4\n"
	    "body 'a^Jb^J'\ndone RETR ok '4'\n"),
	LF_ALONE("the size with CR", "RETR 1", "+OK 6\r\na\nb\n.\n",
	    "begin RETR ok '6' number=1 octets=6\n"
	    "body 'a^Jb^J'\ndone RETR ok '6'\n"),
	LF_ALONE("LIST's size as it is", "RETR 1/4", "+OK\r\na\nb\n.\n",
	    "begin RETR ok '' number=1\n"
	    "body 'a^Jb^J'\ndone RETR ok ''\n"),
	LF_ALONE("LIST's size with CR", "RETR 1/6", "+OK 1 x\r\na\nb\n.\n",
	    "begin RETR ok '1 x' number=1 octets=1\n"
	    "body 'a^Jb^J'\ndone RETR ok '1 x'\n"),
	LF_ALONE("a dot of its own", "RETR 1", "+OK 6\r\na\n.\nb\n.\n",
	    "begin RETR ok '6' number=1 octets=6\n"
	    "body 'a^J.^Jb^J'\ndone RETR ok '6'\n"),
	LF_ALONE("CRLF behind the dot", "RETR 1", "+OK 4\r\na\nb\n.\r\n",
	    "begin RETR ok '4' number=1 octets=4\n"
	    "body 'a^Jb^J'\ndone RETR ok '4'\n"),
	LF_ALONE("CRLF before the dot", "RETR 1", "+OK 4\r\na\nb\n\r\n.\r\n",
	    "begin RETR ok '4' number=1 octets=4\n"
	    "body 'a^Jb^J^M^J'\ndone RETR ok '4'\n"),
	LF_ALONE("empty", "RETR 1", "+OK 0\r\n.\n",
	    "begin RETR ok '0' number=1 octets=0\ndone RETR ok '0'\n"),
	LF_ALONE("an empty line", "RETR 1", "+OK 2\r\n\n.\n",
	    "begin RETR ok '2' number=1 octets=2\n"
	    "body '^J'\ndone RETR ok '2'\n"),
	LF_ALONE("dots that may be escaped or not", "RETR 1",
	    "+OK 7\r\n.a\n..b\n.\n",
	    "begin RETR ok '7' number=1 octets=7\n"
	    "body '.a^J..b^J'\ndone RETR ok '7'\n"),
	LF_ALONE("a CRLF within, and the size in LF", "RETR 1",
	    "+OK 5\r\na\r\nb\n.\nc\r\n.\r\n",
	    "begin RETR ok '5' number=1 octets=5\n"
	    "body 'a^M^Jb^J.^Jc^M^J'\ndone RETR ok '5'\n"),
};

#define NO_END                                                                 \
	"timeout@command session retry 'too late: the lines of message 1 end " \
	"in LF alone, the server's status lines in CRLF, so its end cannot "   \
	"be "                                                                  \
	"told'\n"
#define WAITS(what, retr, lines, events_)                                      \
	{                                                                      \
		.name = what, .commands = LOGIN "|" retr,                      \
		.wire = LOGIN "|RETR 1", .replies = { LOGGED, OCTETS(lines) }, \
		.ending = PLAY_ENDS_FAIL, .events = LOGGED_EVENTS events_      \
	}

static const struct exchange waits[] = {
	WAITS("no size is known", "RETR 1", "+OK\r\na\n.\n",
	    "begin RETR ok '' number=1\n"
	    "body 'a^J.^J'\n"
	    "done RETR " NO_END "closed " NO_END),
	WAITS("another size is known", "RETR 1/7", "+OK 4\r\na\n.\n",
	    "begin RETR ok '4' number=1 octets=4\n"
	    "body 'a^J.^J'\n"
	    "done RETR " NO_END "closed " NO_END),
	WAITS("a CRLF shows that the server knows better", "RETR 1",
	    "+OK 3\r\na\r\nb\n.\n",
	    "begin RETR ok '3' number=1 octets=3\n"
	    "body 'a^M^Jb^J.^J'\n"
	    "done RETR timeout@command session retry 'too late'\n"
	    "closed timeout@command session retry 'too late'\n"),
	WAITS("no line has ended", "RETR 1", "+OK 3\r\nab",
	    "begin RETR ok '3' number=1 octets=3\n"
	    "body 'ab'\n"
	    "done RETR timeout@command session retry 'too late'\n"
	    "closed timeout@command session retry 'too late'\n"),
};

#define REST "rest\r\n.\r\n" SECOND
#define CUT(what, retr, reply, begin_)                \
	PAIR(what, retr, reply "abcd\r\n.\r\n", REST, \
	    begin_                                    \
	    "body 'abcd^M^J'\n" BOTH_FAIL(CUT_TEXT("command", "504", "6")))

/* Nobody has reason to doubt the first; the second fails. */
#define CLOSED_TEXT                                                          \
	"io@command session retry 'the server closed the connection in the " \
	"middle of the session'\n"
#define PAIR_ENDS(what, retr, first, begin_, words)                            \
	{                                                                      \
		.name = what, .commands = LOGIN "|" retr "|RETR 2",            \
		.wire = LOGIN "|RETR 1|RETR 2", .window_commands = 9,          \
		.replies = { LOGGED, OCTETS(first) }, .ending = PLAY_ENDS_EOF, \
		.events = LOGGED_EVENTS begin_ "body 'abcd^M^J'\n"             \
					       "done RETR ok " words "\n"      \
					       "done RETR " CLOSED_TEXT        \
					       "closed " CLOSED_TEXT           \
	}

static const struct exchange cut[] = {
	CUT("announced", "RETR 1", "+OK 504\r\n",
	    "begin RETR ok '504' number=1 octets=504\n"),
	CUT("listed", "RETR 1/504", "+OK\r\n", "begin RETR ok '' number=1\n"),
	CUT("both", "RETR 1/504", "+OK 504\r\n",
	    "begin RETR ok '504' number=1 octets=504\n"),
	CUT("announced otherwise", "RETR 1/504", "+OK 700\r\n",
	    "begin RETR ok '700' number=1 octets=700\n"),
	PAIR("to nothing", "RETR 1/504", "+OK\r\n.\r\n", REST,
	    "begin RETR ok '' number=1\n" BOTH_FAIL(
		CUT_TEXT("command", "504", "0"))),
	PAIR("an empty line follows", "RETR 1/504", "+OK\r\nabcd\r\n.\r\n",
	    "\r\n.\r\n" SECOND,
	    "begin RETR ok '' number=1\nbody 'abcd^M^J'\n" BOTH_FAIL(
		CUT_TEXT("command", "504", "6"))),
	PAIR("a second dot follows", "RETR 1/504", "+OK\r\nabcd\r\n.\r\n",
	    ".\r\n.\r\n" SECOND,
	    "begin RETR ok '' number=1\nbody 'abcd^M^J'\n" BOTH_FAIL(
		CUT_TEXT("command", "504", "6"))),
	PAIR("no size is known, and nobody is blamed", "RETR 1",
	    "+OK\r\nabcd\r\n.\r\n", REST,
	    "begin RETR ok '' number=1\nbody 'abcd^M^J'\ndone RETR ok ''\n"
	    "done RETR protocol@command session retry 'not a POP3 status line: "
	    "\"rest\"'\n"
	    "closed protocol@command session retry 'not a POP3 status line: "
	    "\"rest\"'\n"),
	PAIR("a message of its size is not blamed", "RETR 1/6",
	    "+OK\r\nabcd\r\n.\r\n", REST,
	    "begin RETR ok '' number=1\nbody 'abcd^M^J'\ndone RETR ok ''\n"
	    "done RETR protocol@command session retry 'not a POP3 status line: "
	    "\"rest\"'\n"
	    "closed protocol@command session retry 'not a POP3 status line: "
	    "\"rest\"'\n"),
	PAIR_ENDS("the server closes, and no size is known", "RETR 1",
	    "+OK\r\nabcd\r\n.\r\n", "begin RETR ok '' number=1\n", "''"),
	{ .name = "the server closes instead of a reply",
	    .commands = LOGIN "|RETR 1/504|QUIT",
	    .wire = LOGIN "|RETR 1|QUIT",
	    .window_commands = 9,
	    .replies = { LOGGED, OCTETS("+OK\r\nabcd\r\n.\r\n") },
	    .ending = PLAY_ENDS_EOF,
	    .events = LOGGED_EVENTS
	    "begin RETR ok '' number=1\nbody 'abcd^M^J'\n"
	    "done RETR io@quit session retry 'the server closed the "
	    "connection without answering QUIT'\n"
	    "done QUIT io@quit session retry 'the server closed the "
	    "connection without answering QUIT' quit=unknown\n"
	    "closed io@quit session retry 'the server closed the connection "
	    "without answering QUIT'\n" },
};

PLAY_TABLE(an_answer_inside_a_message, answers_inside)
PLAY_TABLE(what_looks_like_it_and_is_none, sound)
PLAY_TABLE(lines_in_lf_alone, lf_alone)
PLAY_TABLE(an_end_that_cannot_be_told, waits)
PLAY_TABLE(a_message_cut_by_its_own_dot, cut)

/* A session that has logged in and sent these; it lives until freed. */
static struct evpop_proto *
session_with(const char *commands, uint32_t window)
{
	struct evpop_proto *proto = evpop_proto_new(NULL);
	char command[PLAY_LINE_SIZE], storage[PLAY_LINE_SIZE];
	struct evpop_request request;
	struct evpop_event event;
	size_t length, used;

	assert_non_null(proto);
	evpop_proto_set_window(proto, window, 0);
	assert_int_equal(
	    evpop_proto_login(proto, "joe", "x"), EVPOP_ERROR_NONE);
	for (; *commands != '\0'; commands += *commands == '|') {
		length = strcspn(commands, "|");
		snprintf(
		    command, sizeof command, "%.*s", (int)length, commands);
		request = play_parse_command(command, storage);
		assert_int_equal(
		    evpop_proto_submit(proto, &request), EVPOP_ERROR_NONE);
		commands += length;
	}
	for (length = 0; length < 3; length++) {
		evpop_proto_next(proto, "+OK\r\n", 5, &used, &event);
		while (evpop_proto_output(proto, &used) != NULL)
			evpop_proto_sent(proto, used);
	}
	assert_int_equal(evpop_proto_state(proto), EVPOP_STATE_TRANSACTION);
	return proto;
}

/* Feed octets until an event of this type. */
static void
feed_until(struct evpop_proto *proto, const char **input,
    enum evpop_event_type type, struct evpop_event *event)
{
	size_t used;

	do {
		evpop_proto_next(proto, *input, strlen(*input), &used, event);
		*input += used;
		assert_int_not_equal(event->type, EVPOP_EVENT_NONE);
	} while (event->type != type);
}

/*
 * With nothing sent ahead, what follows unasked shows that the message was cut;
 * at once where it is there already, and else by the name of the message.
 */
static void
the_rest_comes_unasked(void **state)
{
	const char *words = "message 1 was cut: 504 octets were listed and 6 "
			    "came; the server does not escape a line that "
			    "begins with a dot";
	const char *together = "+OK\r\nabcd\r\n.\r\nrest\r\n";
	const char *first = "+OK\r\nabcd\r\n.\r\n", *second = "rest\r\n";
	struct evpop_proto *proto = session_with("RETR 1/504|RETR 2", 1);
	struct evpop_event event;
	uint32_t number;

	(void)state;
	feed_until(proto, &together, EVPOP_EVENT_DONE, &event);
	assert_int_equal(event.result->error, EVPOP_ERROR_PROTOCOL);
	assert_string_equal(event.result->text, words);
	assert_int_equal(
	    evpop_proto_body_fault(proto, &number), EVPOP_BODY_FAULT_CUT);
	assert_int_equal(number, 1);
	evpop_proto_free(proto);

	proto = session_with("RETR 1/504|RETR 2", 1);
	feed_until(proto, &first, EVPOP_EVENT_DONE, &event);
	assert_int_equal(event.result->error, EVPOP_ERROR_NONE);
	feed_until(proto, &second, EVPOP_EVENT_DONE, &event);
	assert_int_equal(event.result->error, EVPOP_ERROR_PROTOCOL);
	assert_string_equal(event.result->text, words);
	assert_int_equal(
	    evpop_proto_body_fault(proto, &number), EVPOP_BODY_FAULT_CUT);
	assert_int_equal(number, 1);
	evpop_proto_free(proto);
}

/* The question that tells a client what to do. */
static void
the_fault_is_told(void **state)
{
	static const struct {
		const char *commands, *input;
		enum evpop_body_fault fault;
	} cases[] = {
		{ "RETR 1", "+OK\r\na\n", EVPOP_BODY_FAULT_LF_ALONE },
		{ "RETR 1", "+OK\r\na\r\n", EVPOP_BODY_FAULT_NONE },
		{ "RETR 1", "+OK\r\na", EVPOP_BODY_FAULT_NONE },
		{ "RETR 1", "+OK 1\r\na\r\n.\r\n", EVPOP_BODY_FAULT_NONE },
		{ "RETR 1|NOOP", "+OK 1\r\na\r\n.\r\n",
		    EVPOP_BODY_FAULT_ANSWER_INSIDE },
		{ "RETR 1|NOOP", "+OK 1\r\n+OK\r\na\r\n.\r\n",
		    EVPOP_BODY_FAULT_ANSWER_INSIDE },
		{ "RETR 1|NOOP", "+OK 9\r\na\r\n.\r\n", EVPOP_BODY_FAULT_CUT },
		{ "RETR 1|NOOP", "+OK 9\r\na\r\n.\r\nx\r\n",
		    EVPOP_BODY_FAULT_CUT },
		{ "RETR 1|NOOP", "+OK 9\r\na\r\n.\r\n+OK\r\n",
		    EVPOP_BODY_FAULT_NONE },
		{ "RETR 1|NOOP", "+OK 3\r\na\r\n.\r\nx\r\n",
		    EVPOP_BODY_FAULT_NONE },
		{ "TOP 1 0|NOOP", "+OK 9\r\na\r\n.\r\n",
		    EVPOP_BODY_FAULT_NONE },
		{ "NOOP", "x\r\n", EVPOP_BODY_FAULT_NONE },
	};
	struct evpop_proto *proto;
	struct evpop_event event;
	const char *at;
	uint32_t number;
	size_t i, used;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		proto = session_with(cases[i].commands, 9);
		at = cases[i].input;
		do {
			evpop_proto_next(proto, at, strlen(at), &used, &event);
			at += used;
		} while (event.type != EVPOP_EVENT_NONE);
		if (evpop_proto_body_fault(proto, &number) != cases[i].fault)
			fail_msg("%s: %s", cases[i].commands, cases[i].input);
		if (cases[i].fault != EVPOP_BODY_FAULT_NONE)
			assert_int_equal(number, 1);
		evpop_proto_free(proto);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_inside_a_message),
		cmocka_unit_test(what_looks_like_it_and_is_none),
		cmocka_unit_test(lines_in_lf_alone),
		cmocka_unit_test(an_end_that_cannot_be_told),
		cmocka_unit_test(a_message_cut_by_its_own_dot),
		cmocka_unit_test(the_rest_comes_unasked),
		cmocka_unit_test(the_fault_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
