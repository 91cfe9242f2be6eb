#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/identity.h"
#include "tests/unit/test_store_faulty.h"
#include "tests/unit/test_store_fixture.h"

/* A session: a store_identity, and what its bodies came to. */
struct session {
	struct fixture *fixture;
	struct store_identity *identity;
	char taken[64]; /* a letter for each: New, Known, Adopted */
	size_t count;
	int64_t ids[64];
	bool marked;
};

static struct session
begin(struct fixture *fixture)
{
	struct session session = { .fixture = fixture };

	session.identity = store_identity_new(fixture->account);
	assert_non_null(session.identity);
	return session;
}

static enum store_status
bring_in_state(struct session *session, const char *id, const char *bytes,
    enum store_uid_state state)
{
	struct store_body_meta meta = fixture_meta(session->fixture, id);
	struct answer answer = { 0 };
	struct store_body *body;

	meta.identity = session->identity;
	meta.state = state;
	body = store_body_new(session->fixture->store, &meta);
	assert_non_null(body);
	store_body_append(body, (const unsigned char *)bytes, strlen(bytes));
	store_body_commit(body, answer_message, &answer);
	fixture_wait(session->fixture, &answer.done);
	if (answer.status == STORE_OK) {
		assert_true(session->count < sizeof(session->taken) - 1);
		session->ids[session->count] = answer.id;
		session->taken[session->count++] = "NKA"[answer.taken];
	}
	return answer.status;
}

static void
bring(struct session *session, const char *id, const char *bytes)
{
	assert_int_equal(
	    bring_in_state(session, id, bytes, STORE_UID_STORED), STORE_OK);
}

static void
bring_to_delete(struct session *session, const char *bytes)
{
	assert_int_equal(
	    bring_in_state(session, NULL, bytes, STORE_UID_DELETE), STORE_OK);
}

static void
end(struct session *session, const char *taken)
{
	assert_string_equal(session->taken, taken);
	store_identity_free(&session->identity);
	assert_null(session->identity);
}

static void
delete_and_end(struct session *session, const char *taken)
{
	struct answer answer = { 0 };

	store_identity_deleted(
	    session->fixture->store, session->identity, answer_done, &answer);
	/* The operation holds it, too. */
	end(session, taken);
	fixture_wait(session->fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
}

/* What other programs see: ids, occurrences, states and messages. */
static void
expect_rows(struct fixture *fixture, const char *rows)
{
	fixture_expect_text(fixture,
	    "SELECT coalesce(group_concat(substr(CAST(unique_id AS TEXT),"
	    " 1, 6) || ':' || occurrence || ':' || state || ':' ||"
	    " coalesce(message, '-'), ' '), '') FROM (SELECT * FROM uid"
	    " ORDER BY unique_id, occurrence)",
	    rows);
}

static void
expect_messages(struct fixture *fixture, int64_t count)
{
	fixture_expect(fixture, "SELECT count(*) FROM message", count);
	fixture_expect(fixture, "SELECT messages FROM account", count);
	fixture_expect(fixture, "SELECT octets FROM account",
	    fixture_integer(
		fixture, "SELECT coalesce(sum(octets), 0) FROM message"));
}

static void
message_under_a_new_id_is_adopted(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring(&session, "old", "hello");
	end(&session, "N");
	fixture_set_state(fixture, "old", STORE_UID_GONE);
	session = begin(fixture);
	bring(&session, "new", "hello");
	bring(&session, "other", "something else");
	assert_int_equal(session.ids[0], 1);
	end(&session, "AN");
	expect_rows(fixture, "new:0:0:1 other:0:0:2");
	expect_messages(fixture, 2);
	fixture_expect_text(
	    fixture, "SELECT unique_id FROM v_message WHERE id = 1", "new");
}

static void
mark_gone(enum store_status status, const struct store_uid *uids, size_t count,
    bool more, void *arg)
{
	struct session *session = arg;

	assert_false(more);
	assert_int_equal(status, STORE_OK);
	for (size_t i = 0; i < count; i++) {
		struct store_uid_change change = { .unique_id =
						       uids[i].unique_id,
			.unique_id_length = uids[i].unique_id_length,
			.occurrence = uids[i].occurrence,
			.state = STORE_UID_GONE };

		store_uids_change(session->fixture->store,
		    session->fixture->account, &change, 1, NULL, NULL);
	}
	session->marked = true;
}

/* A listing that shows nothing that is known. */
static struct session
begin_with_all_gone(struct fixture *fixture)
{
	struct session session = begin(fixture);

	store_uids(fixture->store, fixture->account, NULL, mark_gone, &session);
	fixture_wait(fixture, &session.marked);
	return session;
}

#define HEADER "Message-ID: <1@x>\r\nSubject: s\r\n\r\n"

/* The header narrows the search, and decides nothing. */
static void
adoption_is_by_all_bytes(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);
	sqlite3 *handle;

	bring(&session, "a", HEADER "one");
	bring(&session, "b", HEADER "two");
	bring(&session, "c", HEADER "old");
	bring(&session, "d", "Subject: none\r\n\r\n");
	end(&session, "NNNN");
	/* As a file of before there were digests of headers has it. */
	assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
	/* The store may be at its chores. */
	assert_int_equal(sqlite3_busy_timeout(handle, 60000), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle,
			     "UPDATE uid SET header_digest = NULL"
			     " WHERE unique_id = x'63'",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
	session = begin_with_all_gone(fixture);
	bring(&session, "e", HEADER "tri");
	bring(&session, "f", HEADER "two");
	bring(&session, "g", HEADER "two!");
	bring(&session, "h", HEADER "old");
	bring(&session, "i", HEADER "old");
	bring(&session, "j", "Subject: nine\r\n\r\n");
	bring(&session, "k", "Subject: none\r\n\r\n");
	assert_int_equal(session.ids[1], 2);
	assert_int_equal(session.ids[3], 3);
	assert_int_equal(session.ids[6], 4);
	end(&session, "NANANNA");
	expect_messages(fixture, 8);
}

/* Rows of before have digests of the whole header. */
static void
digests_of_whole_headers_are_found(void **state)
{
	static const char header[] =
	    "Message-ID: <1@x>\r\nStatus: RO\r\nSubject: s\r\n";
	unsigned char digest[STORE_DIGEST_SHA256_SIZE];
	struct fixture *fixture = *state;
	struct session session = begin(fixture);
	char sql[200], hex[2 * sizeof(digest) + 1];
	char one[200], two[200];

	snprintf(one, sizeof(one), "%s\r\none", header);
	snprintf(two, sizeof(two), "%s\r\ntwo", header);
	bring(&session, "a", one);
	bring(&session, "b", two);
	end(&session, "NN");
	assert_true(store_digest_sha256(header, sizeof(header) - 1, digest));
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	snprintf(sql, sizeof(sql),
	    "UPDATE uid SET header_digest = x'%s', added_octets = NULL"
	    " WHERE unique_id = x'61'",
	    hex);
	fixture_expect(fixture,
	    "SELECT count(DISTINCT header_digest)"
	    " FROM uid",
	    1);
	fixture_change(fixture, sql);
	fixture_expect(fixture,
	    "SELECT count(DISTINCT header_digest)"
	    " FROM uid",
	    2);
	session = begin_with_all_gone(fixture);
	bring(&session, "c", two);
	bring(&session, "d", one);
	bring(&session, "e", one);
	end(&session, "AAN");
	/* And are as they would be now. */
	fixture_expect(fixture,
	    "SELECT count(DISTINCT header_digest)"
	    " FROM uid",
	    1);
	fixture_expect(fixture,
	    "SELECT count(*) FROM uid"
	    " WHERE added_octets = 12",
	    3);
}

/* With a Message-ID of that number, these lines in the header, and that body.
 */
static const char *
message(size_t number, const char *lines, const char *body)
{
	static char text[2][60000];
	static unsigned turn;
	char *made = text[turn++ % 2];

	snprintf(made, sizeof(text[0]), "Message-ID: <%zu@x>\r\n%s\r\n%s",
	    number, lines, body);
	return made;
}

/* Lines that servers add to what was read make no other message. */
static void
added_lines_make_no_other_message(void **state)
{
	static const struct {
		const char *first, *then;
		char taken;
	} cases[] = {
		{ "", "Status: O\r\n", 'K' },
		{ "Status: O\r\n", "", 'K' },
		{ "Status: O\r\n", "Status: RO\r\nX-UID: 17\r\n", 'K' },
		{ "A: b\r\n", "X-IMAPbase: 1 2\r\n 3\r\nA: b\r\n", 'K' },
		{ "A: b\r\n", "A: b\r\ncontent-length: 12\r\n", 'K' },
		{ "A: b\r\n", "A: c\r\n", 'N' },
		{ "A: b\r\n", "A: b\r\nX-Other: 1\r\n", 'N' },
		{ "A: b\r\n", "Status: O\r\n", 'N' },
		{ "A: b\r\n", "A: b\r\n Status: O\r\n", 'N' },
		{ "", "Status: O\n", 'K' },
	};
	struct fixture *fixture = *state;
	char long_body[50000];

	memset(long_body, 'y', sizeof(long_body));
	long_body[sizeof(long_body) - 1] = '\0';
	for (size_t i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t one = i / 4;
		struct session session = begin(fixture);
		char id[20], taken[] = "N?";

		snprintf(id, sizeof(id), "case-%zu", i);
		taken[1] = cases[one].taken;
		bring(&session, id,
		    message(
			i, cases[one].first, i % 2 ? long_body : "body\r\n"));
		/* As a row of an earlier version. */
		if (i % 4 > 1)
			fixture_change(fixture,
			    "UPDATE uid SET lines = NULL,"
			    " listed_octets = NULL, added_octets = NULL,"
			    " header_digest = zeroblob(32)");
		bring(&session, id,
		    message(
			i, cases[one].then, i % 2 ? long_body : "body\r\n"));
		if (strcmp(session.taken, taken) != 0)
			fail_msg("case %zu: %s", i, session.taken);
		store_identity_free(&session.identity);
		/* The body decides as much. */
		session = begin(fixture);
		bring(&session, id, message(i, cases[one].then, "ydob\r\n"));
		end(&session, "N");
	}
	fixture_expect_text(fixture, "PRAGMA integrity_check", "ok");
}

static void
each_message_is_adopted_once(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring(&session, "a", "same");
	bring(&session, "b", "same");
	end(&session, "NN");
	fixture_set_state(fixture, "a", STORE_UID_GONE);
	fixture_set_state(fixture, "b", STORE_UID_GONE);
	session = begin(fixture);
	bring(&session, "c", "same");
	bring(&session, "d", "same");
	bring(&session, "e", "same");
	end(&session, "AAN");
	expect_rows(fixture, "c:0:0:1 d:0:0:2 e:0:0:3");
	expect_messages(fixture, 3);
}

/* What is listed is another message, though its bytes are the same. */
static void
listed_message_is_not_adopted(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring(&session, "a", "same");
	bring(&session, "b", "same");
	fixture_set_state(fixture, "a", STORE_UID_DELETED);
	bring(&session, "c", "same");
	end(&session, "NNN");
	expect_rows(fixture, "a:0:3:1 b:0:0:2 c:0:0:3");
}

/* The candidates were loaded when it was gone, and now it is listed. */
static void
message_that_came_back_is_not_adopted(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring(&session, "a", "same");
	bring(&session, "b", "same");
	end(&session, "NN");
	fixture_set_state(fixture, "a", STORE_UID_GONE);
	fixture_set_state(fixture, "b", STORE_UID_GONE);
	session = begin(fixture);
	bring(&session, "x", "load");
	fixture_set_state(fixture, "a", STORE_UID_STORED);
	bring(&session, "c", "same");
	bring(&session, "d", "same");
	end(&session, "NAN");
	expect_rows(fixture, "a:0:0:1 c:0:0:2 d:0:0:4 x:0:0:3");
}

static void
adopted_body_leaves_no_pieces(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);
	char *bytes = malloc(2000001);

	assert_non_null(bytes);
	memset(bytes, 'x', 2000000);
	bytes[2000000] = '\0';
	bring(&session, "old", bytes);
	end(&session, "N");
	fixture_set_state(fixture, "old", STORE_UID_GONE);
	session = begin(fixture);
	bring(&session, "new", bytes);
	end(&session, "A");
	fixture_close(fixture);
	fixture_expect(fixture, "SELECT sum(length(data)) FROM chunk", 2000000);
	fixture_expect(fixture, "SELECT count(*) FROM unfinished", 0);
	free(bytes);
}

/* The message that had the id before may come again, under another one. */
static void
reused_id_does_not_double_the_former(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring(&session, "1", "first");
	bring(&session, "2", "second");
	end(&session, "NN");
	fixture_set_state(fixture, "2", STORE_UID_GONE);
	session = begin(fixture);
	/* The server numbers anew, and shows the second one as 1. */
	bring(&session, "1", "second");
	bring(&session, "3", "first");
	end(&session, "AA");
	expect_rows(fixture, "1:0:0:2 3:0:0:1");
	session = begin(fixture);
	bring(&session, "1", "third");
	end(&session, "N");
	expect_rows(fixture, " body-:0:4:2 1:0:0:3 3:0:0:1");
	session = begin(fixture);
	bring(&session, "4", "second");
	bring(&session, "5", "third");
	end(&session, "AN");
	expect_messages(fixture, 4);
}

static void
bodies_without_ids_are_counted(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring(&session, NULL, "x");
	bring(&session, NULL, "x");
	bring(&session, NULL, "y");
	end(&session, "NNN");
	session = begin(fixture);
	bring(&session, NULL, "y");
	bring(&session, NULL, "x");
	bring(&session, NULL, "x");
	bring(&session, NULL, "x");
	assert_int_equal(session.ids[1], 1);
	assert_int_equal(session.ids[2], 2);
	end(&session, "KKKN");
	session = begin(fixture);
	end(&session, "");
	expect_messages(fixture, 4);
	fixture_expect(fixture,
	    "SELECT count(*) FROM message"
	    " WHERE unique_id IS NOT NULL",
	    0);
}

static void
without_identity_each_body_is_new(void **state)
{
	struct fixture *fixture = *state;

	fixture_store(fixture, NULL, "x", 1);
	fixture_store(fixture, NULL, "x", 1);
	expect_messages(fixture, 2);
	expect_rows(fixture, "");
}

static void
deleted_bodies_are_forgotten(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring_to_delete(&session, "x");
	bring(&session, NULL, "x");
	bring_to_delete(&session, "x");
	bring(&session, NULL, "x");
	bring_to_delete(&session, "y");
	bring(&session, NULL, "z");
	delete_and_end(&session, "NNNNNN");
	/* Two of four are left, whichever. */
	session = begin(fixture);
	bring(&session, NULL, "x");
	bring(&session, NULL, "x");
	assert_int_equal(session.ids[0], 2);
	assert_int_equal(session.ids[1], 4);
	bring(&session, NULL, "x");
	bring(&session, NULL, "y");
	bring(&session, NULL, "z");
	end(&session, "KKNNK");
	expect_messages(fixture, 8);
}

/* The server never said that it deleted them. */
static void
deletion_that_is_not_confirmed_is_owed(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring_to_delete(&session, "x");
	bring_to_delete(&session, "x");
	end(&session, "NN");
	session = begin(fixture);
	bring_to_delete(&session, "x");
	bring_to_delete(&session, "x");
	delete_and_end(&session, "KK");
	expect_rows(fixture, "");
	expect_messages(fixture, 2);
}

/* A third one is owed still: this session was not shown it. */
static void
only_bodies_of_the_session_are_forgotten(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring_to_delete(&session, "x");
	bring_to_delete(&session, "x");
	bring_to_delete(&session, "x");
	end(&session, "NNN");
	session = begin(fixture);
	bring_to_delete(&session, "x");
	bring_to_delete(&session, "x");
	delete_and_end(&session, "KK");
	expect_rows(fixture, " body-:0:1:3");
	expect_messages(fixture, 3);
}

/* `keep = 14d` counts from when a message was stored. */
static void
adopted_message_is_as_old_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring(&session, "old", "hello");
	end(&session, "N");
	fixture_change(fixture,
	    "UPDATE message SET stored_ms = stored_ms - 13 * 86400000");
	fixture_set_state(fixture, "old", STORE_UID_GONE);
	session = begin(fixture);
	bring(&session, "new", "hello");
	end(&session, "A");
	fixture_expect(fixture,
	    "SELECT uid.stored_ms = message.stored_ms"
	    " FROM uid JOIN message"
	    " ON message.id = uid.message",
	    1);
}

static void
server_that_learns_or_forgets_uidl_doubles_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring(&session, "a", "one");
	bring(&session, "b", "two");
	end(&session, "NN");
	session = begin_with_all_gone(fixture);
	bring(&session, NULL, "one");
	bring(&session, NULL, "two");
	bring(&session, NULL, "two");
	end(&session, "AAN");
	session = begin_with_all_gone(fixture);
	bring(&session, "c", "two");
	bring(&session, "d", "one");
	bring(&session, "e", "two");
	bring(&session, "f", "two");
	end(&session, "AAAN");
	expect_messages(fixture, 4);
	session = begin_with_all_gone(fixture);
	bring(&session, NULL, "one");
	bring(&session, NULL, "two");
	end(&session, "AA");
	session = begin(fixture);
	bring(&session, NULL, "one");
	bring(&session, NULL, "two");
	bring(&session, NULL, "two");
	end(&session, "KKA");
	expect_messages(fixture, 4);
}

static void
recover(struct fixture *fixture)
{
	faulty_set(0, 0);
	while (store_health(fixture->store)->status != STORE_OK)
		fixture_turn(fixture, 10);
}

static void
undone_commits_leave_no_trace(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);

	bring(&session, "old", "adopted");
	end(&session, "N");
	session = begin(fixture);
	fixture_set_state(fixture, "old", STORE_UID_GONE);
	bring(&session, NULL, "x");
	faulty_set(SQLITE_IOERR_WRITE, 0);
	assert_int_equal(
	    bring_in_state(&session, "new", "adopted", STORE_UID_STORED),
	    STORE_IO);
	/* Only its sync fails: it ran to its end before it was undone. */
	recover(fixture);
	faulty_set(0, SQLITE_IOERR_FSYNC);
	assert_int_equal(
	    bring_in_state(&session, "new", "adopted", STORE_UID_STORED),
	    STORE_IO);
	recover(fixture);
	faulty_set(0, SQLITE_IOERR_FSYNC);
	assert_int_equal(
	    bring_in_state(&session, NULL, "x", STORE_UID_STORED), STORE_IO);
	recover(fixture);
	bring(&session, "new", "adopted");
	bring(&session, NULL, "x");
	end(&session, "NAN");
	session = begin(fixture);
	bring(&session, NULL, "x");
	bring(&session, NULL, "x");
	bring(&session, NULL, "x");
	end(&session, "KKN");
	expect_messages(fixture, 4);
}

static void
identity_outlives_its_bodies(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);
	struct answer answers[20];
	struct store_body *left = NULL;

	memset(answers, 0, sizeof(answers));
	for (size_t i = 0; i < 20; i++) {
		struct store_body_meta meta = fixture_meta(fixture, NULL);
		struct store_body *body;

		meta.identity = session.identity;
		body = store_body_new(fixture->store, &meta);
		assert_non_null(body);
		store_body_append(body, (const unsigned char *)"x", 1);
		if (i == 7)
			left = body;
		else
			store_body_commit(body, answer_message, &answers[i]);
	}
	end(&session, "");
	store_body_abort(left);
	fixture_close(fixture);
	for (size_t i = 0; i < 20; i++)
		assert_true(i == 7 || answers[i].status == STORE_OK);
	fixture_expect(fixture,
	    "SELECT max(occurrence)"
	    " FROM uid",
	    18);
}

static void
equal_bodies_are_counted_among_many(void **state)
{
	struct fixture *fixture = *state;
	struct session session = begin(fixture);
	unsigned char digest[STORE_DIGEST_SIZE] = { 0 };
	uint32_t occurrence;

	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 5000; i++) {
			memcpy(digest, &i, sizeof(i));
			assert_true(store_identity_count(
			    session.identity, digest, false, &occurrence));
			assert_int_equal(occurrence, round);
		}
	}
	end(&session, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAULTY_TEST(message_under_a_new_id_is_adopted),
		FAULTY_TEST(adoption_is_by_all_bytes),
		FAULTY_TEST(digests_of_whole_headers_are_found),
		FAULTY_TEST(added_lines_make_no_other_message),
		FAULTY_TEST(each_message_is_adopted_once),
		FAULTY_TEST(listed_message_is_not_adopted),
		FAULTY_TEST(message_that_came_back_is_not_adopted),
		FAULTY_TEST(adopted_body_leaves_no_pieces),
		FAULTY_TEST(reused_id_does_not_double_the_former),
		FAULTY_TEST(bodies_without_ids_are_counted),
		FAULTY_TEST(without_identity_each_body_is_new),
		FAULTY_TEST(deleted_bodies_are_forgotten),
		FAULTY_TEST(deletion_that_is_not_confirmed_is_owed),
		FAULTY_TEST(only_bodies_of_the_session_are_forgotten),
		FAULTY_TEST(adopted_message_is_as_old_as_it_was),
		FAULTY_TEST(server_that_learns_or_forgets_uidl_doubles_nothing),
		FAULTY_TEST(undone_commits_leave_no_trace),
		FAULTY_TEST(identity_outlives_its_bodies),
		FAULTY_TEST(equal_bodies_are_counted_among_many),
	};

	return cmocka_run_group_tests(tests, faulty_setup_group, NULL);
}
