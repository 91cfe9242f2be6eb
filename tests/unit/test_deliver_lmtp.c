/*
 * Messages go to a server of LMTP: once, whole, as they are; and whatever it
 * answers, or does not answer, means what it should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <evpop/client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/deliver_server.h"

static const char message[] = "Subject: a\r\n\r\n.dot\r\n..\r\nend\r\n";
static const char as_sent[] = "Subject: a\r\n\r\n..dot\r\n...\r\nend\r\n.\r\n";

static struct post *post;
static struct deliver_server *server;

static int
setup(void **state)
{
	static const char *const rules[][2] = {
		{ "QUIT", NULL },
		{ "RSET", "250 Reset\r\n" },
		{ ".", "250 2.0.0 Saved\r\n" },
		{ "DATA", "354 Go\r\n" },
		{ "RCPT", "250 Good\r\n" },
		{ "MAIL", "250 Fine\r\n" },
		{ "LHLO", "250-here\r\n250-SIZE\r\n250 8BITMIME\r\n" },
		{ "", "220 here LMTP\r\n" },
	};

	(void)state;
	post = post_new(&carrier_lmtp);
	server = deliver_server_new(post, false);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		deliver_server_rule(server, rules[i][0], rules[i][1], 0);
	post_begin(post);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	post->type->end(post->carrier);
	post->carrier = NULL;
	deliver_server_free(server);
	post_free(post);
	return 0;
}

static struct sent *
letter(void)
{
	struct sent *sent = post_message(post, message);

	sent->parcel.recipient = "bob@example.org";
	return sent;
}

static struct sent *
deliver(void)
{
	struct sent *sent = letter();

	(void)post_deliver(post, sent);
	return sent;
}

static void
expect(enum carried outcome, const char *answer)
{
	const struct sent *sent = deliver();

	assert_int_equal(sent->outcome, outcome);
	if (strstr(sent->answer, answer) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", answer, sent->answer);
	assert_false(sent->may_be_there);
}

/* ---- well ---- */

static void
a_message_goes_as_it_is(void **state)
{
	struct sent *sent = deliver();

	(void)state;
	assert_int_equal(sent->outcome, CARRIED_DELIVERED);
	assert_string_equal(sent->answer, "250 2.0.0 Saved");
	assert_string_equal(sent->place, "bob@example.org");
	assert_string_equal(server->mail, as_sent);
	assert_non_null(strstr(server->log,
	    ";MAIL FROM:<ann@example.org> SIZE=29 BODY=8BITMIME;"
	    "RCPT TO:<bob@example.org>;DATA;"));
	/* The next takes the same connection. */
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	assert_int_equal(server->connections, 1);
	assert_int_equal(deliver_server_heard(server, "LHLO "), 1);
}

static void
several_go_behind_each_other(void **state)
{
	(void)state;
	deliver_server_rule(
	    server, "LHLO", "250-here\r\n250 PIPELINING\r\n", 0);
	for (int i = 0; i < 3; i++)
		post_carry(post, letter());
	post_wait(post);
	for (int i = 0; i < 3; i++)
		assert_int_equal(post->sent[i].outcome, CARRIED_DELIVERED);
	assert_int_equal(deliver_server_heard(server, "DATA;"), 3);
	assert_int_equal(server->mail_length, 3 * strlen(as_sent));
	assert_int_equal(server->connections, 1);
}

static void
what_is_beyond_ascii_needs_a_server_for_it(void **state)
{
	struct sent *sent = letter();

	(void)state;
	sent->parcel.sender = "\xc3\xa4@b";
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_int_equal(deliver_server_heard(server, "MAIL FROM:<> "), 1);
	sent = letter();
	sent->parcel.recipient = "\xc3\xa4@b";
	assert_int_equal(post_deliver(post, sent), CARRIED_REFUSED);
	assert_non_null(strstr(sent->answer, "beyond ASCII"));
	post_begin(post);
	deliver_server_rule(server, "LHLO", "250 SMTPUTF8\r\n", 0);
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_int_equal(
	    deliver_server_heard(server, "MAIL FROM:<ann@example.org> SMTPUTF8;"
					 "RCPT TO:<\xc3\xa4@b>;"),
	    1);
}

/* ---- what a server refuses ---- */

static void
a_refusal_is_the_messages(void **state)
{
	static const struct {
		const char *command, *reply;
		enum carried outcome;
	} rows[] = {
		{ "RCPT", "550 5.1.1 Nobody\r\n", CARRIED_REFUSED },
		{ "RCPT", "450 4.2.0 Busy\r\n", CARRIED_LATER },
		{ "MAIL", "450 4.2.1 Full\r\n", CARRIED_LATER },
		{ "DATA", "554 5.6.0 No\r\n", CARRIED_REFUSED },
		{ ".", "552 5.2.2 Quota\r\n", CARRIED_LATER },
		{ ".", "554 5.6.0 Spam\r\n", CARRIED_REFUSED },
	};
	char words[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(words, sizeof(words), "%.*s",
		    (int)strcspn(rows[i].reply, "\r"), rows[i].reply);
		deliver_server_rule(server, rows[i].command, rows[i].reply, 1);
		expect(rows[i].outcome, words);
		/* It is of no other. */
		assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	}
	assert_int_equal(server->connections, 1);
	assert_int_equal(deliver_server_heard(server, "RSET;"), 3);
}

static void
a_sender_that_is_not_liked_is_left_out(void **state)
{
	(void)state;
	deliver_server_rule(
	    server, "MAIL FROM:<ann", "553 5.1.8 Sender unknown\r\n", 0);
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	assert_int_equal(deliver_server_heard(server, "MAIL FROM:<> "), 1);
}

static void
a_recipient_that_is_none_is_not_asked_for(void **state)
{
	static const char *const recipients[] = { "", "a b", "a>b", "@" };
	struct sent *sent;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		sent = letter();
		sent->parcel.recipient = recipients[i];
		assert_int_equal(post_deliver(post, sent), CARRIED_REFUSED);
		assert_non_null(strstr(sent->answer, "deliver_to"));
	}
	assert_int_equal(deliver_server_heard(server, "MAIL"), 0);
}

static void
a_server_that_cannot_is_down(void **state)
{
	static const struct {
		const char *command, *reply, *answer;
		enum carried outcome;
	} rows[] = {
		{ "", "421 4.3.2 Not now\r\n", "421 4.3.2 Not now",
		    CARRIED_DOWN },
		{ "", "+OK POP3\r\n", "does not speak LMTP: +OK POP3",
		    CARRIED_WRONG },
		{ "", NULL, "closed the connection before its greeting",
		    CARRIED_DOWN },
		{ "LHLO", "500 What?\r\n", "does not speak LMTP: 500 What?",
		    CARRIED_WRONG },
		{ "MAIL", "421 Bye\r\n", "421 Bye", CARRIED_DOWN },
		{ "RCPT", "530 5.7.0 Who are you?\r\n",
		    "set user and password of the target", CARRIED_WRONG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		deliver_server_rule(server, rows[i].command, rows[i].reply, 1);
		expect(rows[i].outcome, rows[i].answer);
		post_begin(post);
	}
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
}

static void
a_line_without_an_end_is_left(void **state)
{
	static char endless[70000];

	(void)state;
	memset(endless, '2', sizeof(endless) - 1);
	deliver_server_rule(server, "", endless, 1);
	expect(CARRIED_DOWN, "a line that has no end");
}

/* ---- what is not answered ---- */

static void
a_connection_that_breaks_is_begun_anew(void **state)
{
	struct sent *sent;

	(void)state;
	deliver_server_rule(server, ".", NULL, 1);
	sent = deliver();
	assert_int_equal(sent->outcome, CARRIED_LATER);
	assert_true(sent->may_be_there);
	assert_non_null(strstr(sent->answer, "before the answer to"));
	deliver_server_rule(server, "RCPT", NULL, 1);
	/* It may be why the connection broke. */
	expect(CARRIED_LATER, "closed the connection");
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	/* It was of use, and ends of old age: that is nobody's fault. */
	deliver_server_rule(server, "MAIL", NULL, 1);
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	assert_int_equal(server->connections, 4);
}

static void
a_message_that_cannot_be_read_is_cut(void **state)
{
	struct sent *sent = letter();

	(void)state;
	sent->piece = 8;
	sent->fails_to_read = true;
	assert_int_equal(post_deliver(post, sent), CARRIED_UNREAD);
	assert_int_equal(server->mail_length, 0);
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	assert_string_equal(server->mail, as_sent);
	assert_int_equal(server->connections, 2);
}

/* ---- the way there ---- */

static void
who_has_a_password_logs_in(void **state)
{
	(void)state;
	post->target.user = (char *)(uintptr_t) "ann";
	post->target.password.literal = (char *)(uintptr_t) "secret";
	deliver_server_rule(
	    server, "LHLO", "250-here\r\n250 AUTH PLAIN\r\n", 0);
	deliver_server_rule(server, "AUTH", "235 Welcome\r\n", 0);
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	/* "\0ann\0secret" */
	assert_int_equal(
	    deliver_server_heard(server, "AUTH PLAIN AGFubgBzZWNyZXQ=;"), 1);
	post_begin(post);
	deliver_server_rule(server, "AUTH", "535 5.7.8 Wrong\r\n", 1);
	expect(CARRIED_WRONG, "the log-in failed: 535 5.7.8 Wrong");
	deliver_server_rule(server, "AUTH", "454 4.7.0 Not now\r\n", 1);
	expect(CARRIED_DOWN, "the log-in failed: 454 4.7.0 Not now");
}

static void
without_tls_nothing_is_told_where_it_is_wanted(void **state)
{
	(void)state;
	post->target.tls = EVPOP_TLS_STLS;
	expect(CARRIED_WRONG, "does not offer STARTTLS");
	assert_int_equal(deliver_server_heard(server, "MAIL"), 0);
	deliver_server_rule(server, "LHLO", "250 STARTTLS\r\n", 0);
	deliver_server_rule(
	    server, "STARTTLS", "220 Go\r\n250 I am not encrypted\r\n", 0);
	expect(CARRIED_WRONG, "in clear text after it agreed to TLS");
}

static void
a_probe_says_who_is_there(void **state)
{
	(void)state;
	assert_int_equal(post_probe(post), CARRIED_DELIVERED);
	assert_non_null(strstr(post->probe.answer, "here LMTP at 127.0.0.1"));
	assert_non_null(strstr(post->probe.answer, "without TLS"));
	post_begin(post);
	deliver_server_rule(server, "", "554 Go away\r\n", 1);
	assert_int_not_equal(post_probe(post), CARRIED_DELIVERED);
	assert_int_equal(deliver_server_heard(server, "MAIL"), 0);
}

int
main(void)
{
#define ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		ONE(a_message_goes_as_it_is),
		ONE(several_go_behind_each_other),
		ONE(what_is_beyond_ascii_needs_a_server_for_it),
		ONE(a_refusal_is_the_messages),
		ONE(a_sender_that_is_not_liked_is_left_out),
		ONE(a_recipient_that_is_none_is_not_asked_for),
		ONE(a_server_that_cannot_is_down),
		ONE(a_line_without_an_end_is_left),
		ONE(a_connection_that_breaks_is_begun_anew),
		ONE(a_message_that_cannot_be_read_is_cut),
		ONE(who_has_a_password_logs_in),
		ONE(without_tls_nothing_is_told_where_it_is_wanted),
		ONE(a_probe_says_who_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
