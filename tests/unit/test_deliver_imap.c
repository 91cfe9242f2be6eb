/*
 * Messages are appended to folders of an IMAP server: once, whole, unread; and
 * whatever it answers, or does not answer, means what it should.
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

static const char message[] = "Subject: a\r\n\r\n.dot\r\nend\r\n";

static struct post *post;
static struct deliver_server *server;

static int
setup(void **state)
{
	static const char *const rules[][2] = {
		{ "e", NULL },
		{ "LOGOUT", NULL },
		{ "APPEND", "= OK [APPENDUID 7 5] Done\r\n" },
		{ "STATUS", "* STATUS \"x\" (UIDVALIDITY 7 UIDNEXT 5)\r\n= OK "
			    "Yes\r\n" },
		{ "LIST", "* LIST () \"/\" \"\"\r\n= OK Yes\r\n" },
		{ "LOGIN", "= OK [CAPABILITY IMAP4rev1 LITERAL+] In\r\n" },
		{ "CAPABILITY", "* CAPABILITY IMAP4rev1\r\n= OK Yes\r\n" },
		{ "", "* OK here\r\n" },
	};

	(void)state;
	post = post_new(&carrier_imap);
	server = deliver_server_new(post, true);
	post->target.user = (char *)(uintptr_t) "ann";
	post->target.password.literal = (char *)(uintptr_t) "sec\"ret";
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
deliver(void)
{
	struct sent *sent = post_message(post, message);

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
a_message_is_appended(void **state)
{
	struct sent *sent = deliver();

	(void)state;
	assert_int_equal(sent->outcome, CARRIED_DELIVERED);
	assert_string_equal(sent->place, "INBOX, UID 5");
	assert_string_equal(server->mail, message);
	assert_string_equal(server->log,
	    "CAPABILITY;LOGIN \"ann\" \"sec\\\"ret\";LIST \"\" \"\";"
	    "STATUS \"INBOX\" (UIDVALIDITY UIDNEXT);"
	    "APPEND \"INBOX\" \" 9-Sep-2001 01:46:40 +0000\" {25+};" +
		0);
	/* What an attempt after a crash goes by. */
	assert_memory_equal(sent->note, "imap 7 5 ", 9);
	/* The next needs no question, and is noted by what is known. */
	sent = deliver();
	assert_int_equal(sent->outcome, CARRIED_DELIVERED);
	assert_memory_equal(sent->note, "imap 7 6 ", 9);
	assert_int_equal(deliver_server_heard(server, "STATUS"), 1);
	assert_int_equal(server->connections, 1);
}

static void
a_server_without_literal_plus_is_asked(void **state)
{
	(void)state;
	deliver_server_rule(
	    server, "LOGIN", "= OK [CAPABILITY IMAP4rev1] In\r\n", 0);
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	assert_int_equal(deliver_server_heard(server, "{25};"), 1);
	assert_string_equal(server->mail, message);
}

static void
several_go_together(void **state)
{
	(void)state;
	deliver_server_rule(server, "LOGIN",
	    "= OK [CAPABILITY IMAP4rev1 LITERAL+ MULTIAPPEND] In\r\n", 0);
	deliver_server_rule(
	    server, "APPEND", "= OK [APPENDUID 7 5:7] Done\r\n", 0);
	for (int i = 0; i < 3; i++)
		post_carry(post, post_message(post, message));
	post->type->flush(post->carrier);
	post_wait(post);
	assert_int_equal(deliver_server_heard(server, "APPEND"), 1);
	assert_int_equal(server->mail_length, 3 * strlen(message));
	assert_string_equal(post->sent[0].place, "INBOX, UID 5");
	assert_string_equal(post->sent[2].place, "INBOX, UID 7");
}

static void
one_that_is_refused_parts_with_the_others(void **state)
{
	(void)state;
	deliver_server_rule(server, "LOGIN",
	    "= OK [CAPABILITY IMAP4rev1 LITERAL+ MULTIAPPEND] In\r\n", 0);
	deliver_server_rule(
	    server, "APPEND", "= NO [CANNOT] Message malformed\r\n", 2);
	for (int i = 0; i < 3; i++)
		post_carry(post, post_message(post, message));
	post->type->flush(post->carrier);
	post_wait(post);
	/* All, the first alone, and each of the others. */
	assert_int_equal(deliver_server_heard(server, "APPEND"), 4);
	assert_int_equal(post->sent[0].outcome, CARRIED_REFUSED);
	assert_int_equal(post->sent[1].outcome, CARRIED_DELIVERED);
	assert_int_equal(post->sent[2].outcome, CARRIED_DELIVERED);
}

/* ---- folders ---- */

static void
a_folder_that_is_missing_is_made(void **state)
{
	struct sent *sent = post_message(post, message);

	(void)state;
	sent->parcel.folder = "Work/\xc3\xa4";
	deliver_server_rule(server, "STATUS", "= NO [NONEXISTENT] None\r\n", 1);
	deliver_server_rule(server, "CREATE", "= OK Made\r\n", 0);
	deliver_server_rule(server, "SUBSCRIBE", "= NO Never\r\n", 0);
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_non_null(strstr(server->log,
	    "STATUS \"Work/&AOQ-\" (UIDVALIDITY UIDNEXT);"
	    "CREATE \"Work/&AOQ-\";SUBSCRIBE \"Work/&AOQ-\";"
	    "STATUS \"Work/&AOQ-\" (UIDVALIDITY UIDNEXT);"
	    "APPEND \"Work/&AOQ-\" "));
	assert_string_equal(sent->place, "Work/\xc3\xa4, UID 5");
	assert_non_null(strstr(sent->note, " Work/\xc3\xa4"));
}

static void
a_folder_that_has_gone_is_made_again(void **state)
{
	(void)state;
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	deliver_server_rule(server, "CREATE", "= OK Made\r\n", 0);
	deliver_server_rule(server, "SUBSCRIBE", "= OK Yes\r\n", 0);
	deliver_server_rule(server, "APPEND", "= NO [TRYCREATE] None\r\n", 1);
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	assert_int_equal(deliver_server_heard(server, "CREATE"), 1);
}

static void
a_folder_that_cannot_be_made_is_said(void **state)
{
	(void)state;
	deliver_server_rule(server, "STATUS", "= NO [NONEXISTENT] None\r\n", 0);
	deliver_server_rule(server, "CREATE", "= NO [NOPERM] Not you\r\n", 0);
	expect(CARRIED_WRONG, "Not you");
	assert_int_equal(deliver_server_heard(server, "APPEND"), 0);
}

/* ---- what may be there ---- */

static void
what_is_there_does_not_go_again(void **state)
{
	struct sent *sent = post_message(post, message);
	char fetched[256];

	(void)state;
	sent->parcel.note = "imap 7 3 1000 INBOX";
	snprintf(fetched, sizeof(fetched),
	    "* 1 FETCH (UID 4 BODY[HEADER.FIELDS (X-EVPOP-ID)] {%zu}\r\n"
	    "X-Evpop-Id: %s\r\n\r\n)\r\n= OK Yes\r\n",
	    strlen("X-Evpop-Id: \r\n\r\n") + strlen(sent->parcel.key),
	    sent->parcel.key);
	deliver_server_rule(server, "EXAMINE",
	    "* OK [UIDVALIDITY 7] Yes\r\n* OK [UIDNEXT 5] Yes\r\n= OK "
	    "Yes\r\n",
	    0);
	deliver_server_rule(server, "UID FETCH 3:*", fetched, 0);
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_string_equal(
	    sent->answer, "It was there from an earlier attempt");
	assert_string_equal(sent->place, "INBOX, UID 4");
	assert_int_equal(deliver_server_heard(server, "APPEND"), 0);
}

static void
what_is_not_there_goes(void **state)
{
	struct sent *sent = post_message(post, message);

	(void)state;
	sent->parcel.may_be_there = true;
	/* The folder was made anew: its UIDs mean something else. */
	sent->parcel.note = "imap 6 3 1000 INBOX";
	deliver_server_rule(server, "EXAMINE",
	    "* OK [UIDVALIDITY 7] Yes\r\n* OK [UIDNEXT 5] Yes\r\n= OK "
	    "Yes\r\n",
	    0);
	deliver_server_rule(server, "UID SEARCH HEADER X-Evpop-Id",
	    "* SEARCH\r\n= OK Yes\r\n", 0);
	assert_int_equal(post_deliver(post, sent), CARRIED_DELIVERED);
	assert_string_equal(sent->place, "INBOX, UID 5");
	assert_int_equal(deliver_server_heard(server, "UID SEARCH"), 1);
	assert_int_equal(deliver_server_heard(server, "APPEND"), 1);
}

/* ---- what a server refuses ---- */

static void
a_refusal_is_the_messages(void **state)
{
	static const struct {
		const char *reply, *answer;
		enum carried outcome;
	} rows[] = {
		{ "= NO [OVERQUOTA] Full\r\n", "Full", CARRIED_LATER },
		{ "= NO [TOOBIG] Large\r\n", "Large", CARRIED_REFUSED },
		{ "= BAD invalid message\r\n", "invalid", CARRIED_REFUSED },
		{ "= NO whatever\r\n", "whatever", CARRIED_LATER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		deliver_server_rule(server, "APPEND", rows[i].reply, 1);
		expect(rows[i].outcome, rows[i].answer);
		assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	}
	assert_int_equal(server->connections, 1);
}

static void
a_server_that_cannot_is_down(void **state)
{
	static const struct {
		const char *command, *reply, *answer;
		enum carried outcome;
	} rows[] = {
		{ "", "+OK POP3\r\n", "is that the right port?",
		    CARRIED_WRONG },
		{ "", "* BYE Not now\r\n", "Not now", CARRIED_DOWN },
		{ "CAPABILITY", "= BAD What?\r\n",
		    "The server refuses CAPABILITY: What?", CARRIED_DOWN },
		{ "LOGIN", "= NO [AUTHENTICATIONFAILED] Wrong\r\n",
		    "The log-in of user \"ann\" failed", CARRIED_WRONG },
		{ "LOGIN", "= NO [UNAVAILABLE] Later\r\n", "Later",
		    CARRIED_DOWN },
		{ "STATUS", "* BYE Bye\r\n",
		    "The server closed the connection: Bye", CARRIED_DOWN },
		{ "APPEND", "e999 OK Done\r\n", "no answer in IMAP",
		    CARRIED_DOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct sent *sent;

		deliver_server_rule(server, rows[i].command, rows[i].reply, 1);
		sent = deliver();
		assert_non_null(strstr(sent->answer, rows[i].answer));
		/* Of one that was sent whole nobody knows. */
		assert_int_equal(
		    sent->may_be_there, strcmp(rows[i].command, "APPEND") == 0);
		assert_int_equal(sent->outcome,
		    sent->may_be_there ? CARRIED_LATER : rows[i].outcome);
		post_begin(post);
	}
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
}

static void
a_connection_that_breaks_is_begun_anew(void **state)
{
	struct sent *sent;

	(void)state;
	deliver_server_rule(server, "APPEND", NULL, 1);
	sent = deliver();
	assert_int_equal(sent->outcome, CARRIED_LATER);
	assert_true(sent->may_be_there);
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	assert_int_equal(server->connections, 2);
}

static void
what_cannot_be_noted_does_not_go(void **state)
{
	struct sent *sent = post_message(post, message);

	(void)state;
	sent->fails_to_note = true;
	assert_int_equal(post_deliver(post, sent), CARRIED_UNREAD);
	assert_int_equal(deliver_server_heard(server, "APPEND"), 0);
}

static void
a_message_that_cannot_be_read_is_cut(void **state)
{
	struct sent *sent = post_message(post, message);

	(void)state;
	sent->piece = 8;
	sent->fails_to_read = true;
	assert_int_equal(post_deliver(post, sent), CARRIED_UNREAD);
	assert_int_equal(deliver()->outcome, CARRIED_DELIVERED);
	assert_string_equal(server->mail, message);
	assert_int_equal(server->connections, 2);
}

/* ---- the way there ---- */

static void
a_probe_says_what_is_there(void **state)
{
	(void)state;
	assert_int_equal(post_probe(post), CARRIED_DELIVERED);
	assert_non_null(strstr(post->probe.answer, "IMAP at 127.0.0.1"));
	assert_non_null(strstr(post->probe.answer, "the folder is there"));
	deliver_server_rule(server, "STATUS", "= NO [NONEXISTENT] None\r\n", 1);
	assert_int_equal(post_probe(post), CARRIED_DELIVERED);
	assert_non_null(
	    strstr(post->probe.answer, "the first message will make"));
	post->target.folder = (char *)(uintptr_t) "of/{account}";
	assert_int_equal(post_probe(post), CARRIED_DELIVERED);
	assert_non_null(strstr(post->probe.answer, "depends on the account"));
	assert_int_equal(deliver_server_heard(server, "CREATE"), 0);
}

static void
without_tls_nothing_is_told_where_it_is_wanted(void **state)
{
	(void)state;
	post->target.tls = EVPOP_TLS_STLS;
	expect(CARRIED_WRONG, "does not offer STARTTLS");
	deliver_server_rule(server, "CAPABILITY",
	    "* CAPABILITY IMAP4rev1 STARTTLS\r\n= OK Yes\r\n", 0);
	deliver_server_rule(
	    server, "STARTTLS", "= OK Go\r\n* OK I am not encrypted\r\n", 0);
	expect(CARRIED_WRONG, "in clear text after it agreed to TLS");
	assert_int_equal(deliver_server_heard(server, "LOGIN"), 0);
}

int
main(void)
{
#define ONE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		ONE(a_message_is_appended),
		ONE(a_server_without_literal_plus_is_asked),
		ONE(several_go_together),
		ONE(one_that_is_refused_parts_with_the_others),
		ONE(a_folder_that_is_missing_is_made),
		ONE(a_folder_that_has_gone_is_made_again),
		ONE(a_folder_that_cannot_be_made_is_said),
		ONE(what_is_there_does_not_go_again),
		ONE(what_is_not_there_goes),
		ONE(a_refusal_is_the_messages),
		ONE(a_server_that_cannot_is_down),
		ONE(a_connection_that_breaks_is_begun_anew),
		ONE(what_cannot_be_noted_does_not_go),
		ONE(a_message_that_cannot_be_read_is_cut),
		ONE(a_probe_says_what_is_there),
		ONE(without_tls_nothing_is_told_where_it_is_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
