/*
 * Conversations: who belongs to one, in which order, over how many pages.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/index/conversation.h"
#include "tests/unit/test_store_fixture.h"

struct seen {
	bool done, more, is_cut;
	enum store_status status;
	size_t count;
	int64_t last_id;
	char subjects[512]; /* of the first ones, each with a space behind it */
};

static void
see(enum store_status status, const struct store_message_row *rows,
    size_t count, bool more, bool is_cut, void *arg)
{
	struct seen *seen = arg;

	for (size_t i = 0; i < count && i < 20; i++) {
		size_t length = strlen(seen->subjects);

		snprintf(seen->subjects + length,
		    sizeof(seen->subjects) - length, "%s ", rows[i].subject);
	}
	seen->last_id = count > 0 ? rows[count - 1].id : 0;
	seen->status = status;
	seen->count = count;
	seen->more = more;
	seen->is_cut = is_cut;
	seen->done = true;
}

static struct seen
ask(struct fixture *fixture, int64_t id, int64_t after_id, unsigned limit)
{
	struct seen seen = { .done = false };

	store_conversation(fixture->store, id, after_id, limit, see, &seen);
	fixture_wait(fixture, &seen.done);
	return seen;
}

/* Minutes of one hour are the order in which they were written. */
static int64_t
put(struct fixture *fixture, const char *subject, int minute,
    const char *header)
{
	char message[4096];
	int length = snprintf(message, sizeof(message),
	    "From: a@x\r\nSubject: %s\r\n"
	    "Date: Mon, 5 Jan 2026 10:%02d:00 +0000\r\n%s\r\ntext\r\n",
	    subject, minute, header);

	assert_true(length > 0 && (size_t)length < sizeof(message));
	return fixture_store(fixture, NULL, message, (size_t)length);
}

static void
wait_for_index(struct fixture *fixture)
{
	put(fixture, "last", 59, "X: y\r\n");
	for (int i = 0; i < 3000; i++) {
		if (fixture_find(fixture, "subject:last").count > 0)
			return;
		fixture_turn(fixture, 10);
	}
	fail_msg("the index was not made");
}

static void
expect(struct fixture *fixture, int64_t id, const char *subjects)
{
	assert_string_equal(ask(fixture, id, 0, 100).subjects, subjects);
}

static void
messages_that_name_each_other_are_one(void **state)
{
	struct fixture *fixture = *state;
	int64_t home = fixture->account, first, other, alone, sent;

	/* Not in the order in which they were written. */
	other = put(fixture, "third", 3,
	    "Message-ID: <c@x>\r\nReferences: <a@x>\r\n <b@x>\r\n");
	first = put(fixture, "first", 1, "Message-ID: <a@x>\r\n");
	put(fixture, "second", 2,
	    "Message-Id: <b@x>\r\nIn-Reply-To: <a@x> (of Monday)\r\n");
	/* The subject alone says nothing. */
	alone = put(fixture, "first", 4, "Message-ID: <z@x>\r\n");
	/* Of another account. */
	assert_int_equal(
	    fixture_account(fixture, "work", NULL, &fixture->account),
	    STORE_OK);
	sent = put(fixture, "fourth", 5,
	    "Message-ID: <d@x>\r\nIn-Reply-To: <b@x>\r\n");
	fixture->account = home;
	wait_for_index(fixture);
	expect(fixture, first, "first second third fourth ");
	expect(fixture, other, "first second third fourth ");
	expect(fixture, sent, "first second third fourth ");
	expect(fixture, alone, "first ");
	assert_int_equal(ask(fixture, 4711, 0, 10).status, STORE_NOT_FOUND);
}

static void
what_is_missing_forged_or_a_loop_does_no_harm(void **state)
{
	struct fixture *fixture = *state;
	int64_t id, none, itself;

	/* What both answer was never here. */
	id = put(fixture, "one", 1,
	    "Message-ID: <one@x>\r\nReferences: <gone@x>\r\n");
	put(fixture, "two", 2,
	    "Message-ID: <two@x>\r\nReferences: <gone@x>\r\n");
	/* Each answers the other, and itself. */
	itself = put(fixture, "loop", 3,
	    "Message-ID: <l1@x>\r\nReferences: <l2@x> <l1@x> <l1@x>\r\n");
	put(fixture, "back", 4, "Message-ID: <l2@x>\r\nReferences: <l1@x>\r\n");
	/* Nothing that names anything. */
	none = put(fixture, "none", 5,
	    "Message-ID: <>\r\nReferences: <> < > <\r\n"
	    "In-Reply-To: your mail of Monday\r\n");
	put(fixture, "neither", 6, "Message-ID: <>\r\nReferences: <>\r\n");
	/* The same message twice, and one with its id. */
	put(fixture, "two", 7,
	    "Message-ID: <two@x>\r\nReferences: <gone@x>\r\n");
	put(fixture, "claims", 8, "Message-ID: <one@x>\r\n");
	wait_for_index(fixture);
	expect(fixture, id, "one two two claims ");
	expect(fixture, itself, "loop back ");
	expect(fixture, none, "none ");
}

/* The first ones and the last ones of a list count. */
static void
long_lists_are_cut_in_their_middle(void **state)
{
	struct fixture *fixture = *state;
	char header[4096] = "Message-ID: <all@x>\r\nReferences:";
	int64_t id;

	for (int i = 0; i < 100; i++) {
		char one[32];

		snprintf(one, sizeof(one), " <r%d@x>\r\n", i);
		strcat(header, one);
	}
	id = put(fixture, "all", 9, header);
	put(fixture, "r0", 1, "Message-ID: <r0@x>\r\n");
	put(fixture, "r6", 2, "Message-ID: <r6@x>\r\n");
	put(fixture, "r50", 3, "Message-ID: <r50@x>\r\n");
	put(fixture, "r99", 4, "Message-ID: <r99@x>\r\n");
	wait_for_index(fixture);
	expect(fixture, id, "r0 r6 r99 all ");
}

static void
pages_follow_each_other(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = put(fixture, "a", 1, "Message-ID: <a@x>\r\n");
	struct seen seen;

	put(fixture, "c", 3, "References: <a@x>\r\n");
	put(fixture, "b", 2, "References: <a@x>\r\n");
	put(fixture, "d", 4, "References: <a@x>\r\n");
	wait_for_index(fixture);
	seen = ask(fixture, id, 0, 2);
	assert_string_equal(seen.subjects, "a b ");
	assert_true(seen.more);
	/* What comes meanwhile neither hides a message nor shows one twice. */
	put(fixture, "early", 0, "References: <a@x>\r\n");
	put(fixture, "late", 9, "References: <a@x>\r\n");
	for (int i = 0; i < 3000 && ask(fixture, id, 0, 9).count < 6; i++)
		fixture_turn(fixture, 10);
	seen = ask(fixture, id, seen.last_id, 2);
	assert_string_equal(seen.subjects, "c d ");
	assert_true(seen.more);
	seen = ask(fixture, id, seen.last_id, 2);
	assert_string_equal(seen.subjects, "late ");
	assert_false(seen.more);
	assert_int_equal(ask(fixture, id, seen.last_id, 2).count, 0);
	assert_int_equal(ask(fixture, id, 4711, 2).status, STORE_NOT_FOUND);
}

/* Twelve thousand that answer each other, and as many that name one id. */
static void
huge_conversations_are_cut(void **state)
{
	struct fixture *fixture = *state;
	char sql[1024];
	struct seen seen;

	snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 24000) INSERT INTO message(account, body, octets,"
	    " digest, stored_ms, subject, attachments) SELECT 1, -i, 1,"
	    " zeroblob(32), i, i, 0 FROM n");
	fixture_change(fixture, sql);
	fixture_change(fixture,
	    "CREATE TEMP TABLE pair AS SELECT id, -id AS own, -id + 1 AS before"
	    " FROM message WHERE id > 1 AND id <= 12000;"
	    "INSERT INTO linked SELECT id, own FROM pair"
	    " UNION SELECT own, id FROM pair UNION SELECT id, before FROM pair"
	    " UNION SELECT before, id FROM pair;"
	    "INSERT INTO linked SELECT id, -99999 FROM message WHERE id > 12000"
	    " UNION SELECT -99999, id FROM message WHERE id > 12000");
	seen = ask(fixture, 2, 0, 1000);
	assert_int_equal(seen.status, STORE_OK);
	assert_int_equal(seen.count, 1000);
	assert_true(seen.is_cut && seen.more);
	seen = ask(fixture, 20000, 0, 5);
	assert_int_equal(seen.status, STORE_OK);
	assert_int_equal(seen.count, 5);
	assert_true(seen.is_cut);
}

static void
forgotten_messages_are_no_longer_linked(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = put(fixture, "a", 1, "Message-ID: <a@x>\r\n");
	int64_t middle =
	    put(fixture, "b", 2, "Message-ID: <b@x>\r\nReferences: <a@x>\r\n");
	struct sql_db *db;

	put(fixture, "c", 3,
	    "Message-ID: <c@x>\r\nReferences: <a@x> <b@x>\r\n");
	wait_for_index(fixture);
	fixture_close(fixture);
	assert_int_equal(
	    store_db_open(&db, fixture->path, SQL_WRITE), STORE_OK);
	assert_int_equal(store_conversation_forget(db, middle), STORE_OK);
	store_db_close(db);
	fixture_open(fixture);
	expect(fixture, id, "a c ");
	expect(fixture, middle, "b ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(messages_that_name_each_other_are_one),
		FIXTURE_TEST(what_is_missing_forged_or_a_loop_does_no_harm),
		FIXTURE_TEST(long_lists_are_cut_in_their_middle),
		FIXTURE_TEST(pages_follow_each_other),
		FIXTURE_TEST(huge_conversations_are_cut),
		FIXTURE_TEST(forgotten_messages_are_no_longer_linked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
