#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test_store_fixture.h"

/* Bytes of all values, NULs among them, the same for the same seed. */
static unsigned char *
make_bytes(size_t length, uint32_t seed)
{
	unsigned char *bytes = malloc(length + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < length; i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(seed >> 24);
	}
	return bytes;
}

static void
expect_body(struct fixture *fixture, int64_t id, const unsigned char *bytes,
    size_t length)
{
	size_t got_length;
	unsigned char *got = fixture_read(fixture, id, &got_length);

	assert_int_equal(got_length, length);
	assert_memory_equal(got, bytes, length);
	free(got);
}

static void
round_trip(struct fixture *fixture, size_t length, size_t span)
{
	unsigned char *bytes = make_bytes(length, (uint32_t)length);
	struct store_body_meta meta = fixture_meta(fixture, NULL);
	struct answer answer = { 0 };
	struct store_body *body;

	meta.octets_hint = 1000;
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	for (size_t at = 0; at < length; at += span)
		store_body_append(
		    body, bytes + at, length - at < span ? length - at : span);
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	expect_body(fixture, answer.id, bytes, length);
	free(bytes);
}

static void
bodies_come_back_as_they_were(void **state)
{
	static const size_t lengths[] = { 0, 1, 2047, 2048, 2049, 16384, 65537,
		256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 5 * 1024 * 1024 };
	static const size_t spans[] = { 1460, 65536, 8 * 1024 * 1024 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (size_t k = 0; k < sizeof(spans) / sizeof(spans[0]); k++)
			round_trip(*state, lengths[i], spans[k]);
	round_trip(*state, 3000, 1);
}

static void
digest_and_size_are_of_the_bytes(void **state)
{
	struct fixture *fixture = *state;
	/* BLAKE2b-256 of "abc", from the reference implementation. */
	static const char digest[] = "bddd813c634239723171ef3fee98579b"
				     "94964e3bb1cb3e427262c8c068d52319";

	fixture_store(fixture, NULL, "abc", 3);
	fixture_expect_text(fixture, "SELECT digest FROM v_message", digest);
	fixture_expect(fixture, "SELECT size FROM v_message", 3);
}

static void
commit_to(struct fixture *fixture, int64_t account, struct answer *answer)
{
	struct store_body_meta meta = fixture_meta(fixture, NULL);
	struct store_body *body;

	meta.account_id = account;
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	store_body_append(body, (const unsigned char *)"1234567", 7);
	store_body_commit(body, answer_message, answer);
}

#define TOGETHER 12

/* So much that a body has several pieces. */
#define LINE       "12345678\r\n"
#define MANY_LINES ((size_t)40000)

/* At once, for another holds the file meanwhile, which is waited for briefly.
 */
static void
append_lines(struct store_body *body, size_t lines)
{
	static char text[MANY_LINES * (sizeof(LINE) - 1)];

	if (*text == '\0')
		for (size_t i = 0; i < MANY_LINES; i++)
			memcpy(text + i * (sizeof(LINE) - 1), LINE,
			    sizeof(LINE) - 1);
	store_body_append(
	    body, (const unsigned char *)text, lines * (sizeof(LINE) - 1));
}

/* Some in one piece, some in several; half have no unique-id. */
static void
commit_one(struct fixture *fixture, struct store_identity *identity, size_t at,
    bool is_bad, struct answer *answer)
{
	char id[8], header[64];
	struct store_body_meta meta;
	struct store_body *body;

	snprintf(id, sizeof(id), "id%zu", at);
	snprintf(header, sizeof(header), "Subject: %s\r\n\r\n",
	    is_bad ? "bad" : "good");
	meta = fixture_meta(fixture, at % 2 == 0 ? id : NULL);
	meta.identity = at % 2 == 0 ? NULL : identity;
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	store_body_append(body, (const unsigned char *)header, strlen(header));
	append_lines(body, at % 3 == 0 ? MANY_LINES : 1);
	store_body_commit(body, answer_message, answer);
}

static void
commit_together(struct fixture *fixture, size_t bad)
{
	struct answer answers[TOGETHER] = { 0 };
	struct store_identity *identity = store_identity_new(fixture->account);
	sqlite3 *other;

	assert_non_null(identity);
	/* While another has the file, they gather. */
	assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
	/* The writer may be busy with chores. */
	assert_int_equal(sqlite3_busy_timeout(other, 60000), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	for (size_t i = 0; i < TOGETHER; i++)
		commit_one(fixture, identity, i, i == bad, &answers[i]);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	for (size_t i = 0; i < TOGETHER; i++) {
		fixture_wait(fixture, &answers[i].done);
		assert_int_equal(
		    answers[i].status, i == bad ? STORE_DAMAGED : STORE_OK);
	}
	store_identity_free(&identity);
}

/* The others of its transaction are stored, and only they. */
static void
one_that_fails_is_undone_alone(void **state)
{
	struct fixture *fixture = *state;

	fixture_change(fixture, "CREATE TRIGGER refuse BEFORE INSERT ON message"
				" WHEN new.subject = 'bad'"
				" BEGIN SELECT RAISE(ABORT, 'refused'); END");
	for (size_t bad = 0; bad < TOGETHER; bad++) {
		fixture_change(fixture, "DELETE FROM uid");
		commit_together(fixture, bad);
		assert_int_equal(
		    fixture_integer(fixture, "SELECT count(*) FROM uid"),
		    TOGETHER - 1);
		assert_int_equal(
		    fixture_integer(fixture, "SELECT count(*) FROM uid WHERE"
					     " message IS NULL"),
		    0);
		assert_int_equal(
		    fixture_integer(fixture, "SELECT messages FROM account"),
		    (int64_t)((bad + 1) * (TOGETHER - 1)));
		/* Also that no piece is left behind, once it is removed. */
		fixture_close(fixture);
		fixture_open(fixture);
		assert_int_equal(fixture_check(fixture).problems, 0);
	}
	/* Bodies of the same bytes are told apart by number. */
	assert_int_equal(
	    fixture_integer(fixture,
		"SELECT count(*) FROM (SELECT unique_id FROM uid GROUP BY"
		" unique_id HAVING max(occurrence) + 1 <> count(*))"),
	    0);
}

#define QUIET 3

struct asked {
	bool done;
	int64_t id;
	uint32_t quiet_polls;
};

static void
note_account(
    enum store_status status, const struct store_account *account, void *arg)
{
	struct asked *asked = arg;

	assert_int_equal(status, STORE_OK);
	asked->id = account->id;
	asked->quiet_polls = account->quiet_polls;
	asked->done = true;
}

/* Where another has failed, what went well is written again. */
static void
what_is_written_again_is_answered_once(void **state)
{
	struct fixture *fixture = *state;
	const struct store_poll poll = { .account_id = fixture->account,
		.started_ms = 1,
		.finished_ms = 2,
		.outcome = "ok" };
	struct answer polled = { 0 }, bad = { 0 };
	struct asked known = { 0 }, made = { 0 };
	sqlite3 *other;

	fixture_change(fixture, "CREATE TRIGGER refuse BEFORE INSERT ON message"
				" BEGIN SELECT RAISE(ABORT, 'refused'); END");
	assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(other, 60000), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	for (int i = 0; i < QUIET; i++)
		store_poll_record(fixture->store, &poll, NULL, NULL);
	store_account(fixture->store, "home", NULL, note_account, &known);
	store_account(fixture->store, "new", "id", note_account, &made);
	commit_one(fixture, NULL, 0, true, &bad);
	store_poll_record(fixture->store, &poll, answer_done, &polled);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	fixture_wait(fixture, &polled.done);
	fixture_wait(fixture, &bad.done);
	assert_int_equal(polled.status, STORE_OK);
	assert_int_equal(bad.status, STORE_DAMAGED);
	assert_true(known.done && made.done);
	assert_int_equal(known.id, fixture->account);
	assert_int_equal(known.quiet_polls, QUIET);
	fixture_expect(
	    fixture, "SELECT id FROM account WHERE name = 'new'", made.id);
	fixture_expect(fixture, "SELECT count(*) FROM poll", QUIET + 1);
	fixture_expect(fixture, "SELECT count(*) FROM account", 2);
}

/* As they come: many of one transaction, and some of no account. */
static void
counters_are_of_each_account(void **state)
{
	static const size_t whose[] = { 0, 0, 0, 1, 0, 1, 1, 2, 1, 3, 3, 0, 0 };
	struct fixture *fixture = *state;
	struct answer answers[sizeof(whose) / sizeof(whose[0])] = { 0 };
	int64_t accounts[] = { fixture->account, 0, 999, 0 };

	assert_int_equal(
	    fixture_account(fixture, "other", NULL, &accounts[1]), STORE_OK);
	for (size_t i = 0; i < sizeof(whose) / sizeof(whose[0]); i++)
		commit_to(fixture, accounts[whose[i]], &answers[i]);
	for (size_t i = 0; i < sizeof(whose) / sizeof(whose[0]); i++) {
		fixture_wait(fixture, &answers[i].done);
		assert_int_equal(answers[i].status,
		    whose[i] < 2 ? STORE_OK : STORE_NOT_FOUND);
	}
	fixture_expect_text(fixture,
	    "SELECT group_concat(name || ' ' || messages || ' ' || bytes)"
	    " FROM (SELECT * FROM v_account ORDER BY name)",
	    "home 6 42,other 4 28");
}

static void
message_unique_id_and_counters_go_together(void **state)
{
	struct fixture *fixture = *state;
	int64_t id;

	id = fixture_store(fixture, "u1", "hello", 5);
	fixture_expect(fixture,
	    "SELECT message FROM uid"
	    " WHERE unique_id = CAST('u1' AS BLOB)",
	    id);
	id = fixture_store(fixture, NULL, "world!", 6);
	fixture_expect(fixture, "SELECT count(*) FROM uid", 1);
	fixture_expect(fixture, "SELECT messages FROM v_account", 2);
	fixture_expect(fixture, "SELECT bytes FROM v_account", 11);
}

static void
same_bytes_under_the_same_id_are_one_message(void **state)
{
	struct fixture *fixture = *state;
	size_t length = 600 * 1024;
	unsigned char *bytes = make_bytes(length, 7);
	int64_t first, again, other, chunks;

	first = fixture_store(fixture, "u1", bytes, length);
	chunks = fixture_integer(fixture, "SELECT count(*) FROM chunk");
	again = fixture_store(fixture, "u1", bytes, length);
	assert_int_equal(again, first);
	/* Two of a listing are two, though their bytes are the same. */
	other = fixture_store(fixture, "u2", bytes, length);
	assert_int_not_equal(other, first);
	fixture_close(fixture);
	fixture_expect(fixture, "SELECT count(*) FROM message", 2);
	fixture_expect(fixture, "SELECT count(*) FROM chunk", 2 * chunks);
	fixture_expect(fixture, "SELECT messages FROM account", 2);
	fixture_expect(fixture, "SELECT count(*) FROM unfinished", 0);
	fixture_open(fixture);
	expect_body(fixture, first, bytes, length);
	expect_body(fixture, other, bytes, length);
	free(bytes);
}

static void
known_message_takes_the_new_state(void **state)
{
	struct fixture *fixture = *state;
	struct store_body_meta meta = fixture_meta(fixture, "u1");
	struct answer answer = { 0 };
	struct store_body *body;
	int64_t id;

	id = fixture_store(fixture, "u1", "abc", 3);
	meta.state = STORE_UID_DELETE;
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	store_body_append(body, (const unsigned char *)"abc", 3);
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.id, id);
	fixture_expect(fixture, "SELECT state FROM uid", STORE_UID_DELETE);
}

static void
reused_id_is_a_new_message(void **state)
{
	struct fixture *fixture = *state;
	int64_t first, second;

	first = fixture_store(fixture, "u1", "abc", 3);
	second = fixture_store(fixture, "u1", "xyz", 3);
	assert_int_not_equal(first, second);
	expect_body(fixture, first, (const unsigned char *)"abc", 3);
	expect_body(fixture, second, (const unsigned char *)"xyz", 3);
	fixture_expect(fixture,
	    "SELECT message FROM uid WHERE unique_id = x'7531'", second);
}

static void
unknown_account_stores_nothing(void **state)
{
	struct fixture *fixture = *state;
	unsigned char *bytes = make_bytes(700000, 3);
	int64_t id;

	fixture->account = 4711;
	assert_int_equal(
	    fixture_put(fixture, "u", "abc", 3, &id), STORE_NOT_FOUND);
	assert_int_equal(
	    fixture_put(fixture, "u", bytes, 700000, &id), STORE_NOT_FOUND);
	assert_int_equal(store_health(fixture->store)->status, STORE_OK);
	fixture_close(fixture);
	fixture_expect(fixture,
	    "SELECT (SELECT count(*) FROM chunk)"
	    " + (SELECT count(*) FROM message)"
	    " + (SELECT count(*) FROM uid)"
	    " + (SELECT count(*) FROM unfinished)",
	    0);
	free(bytes);
}

static void
aborted_body_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct store_body_meta meta = fixture_meta(fixture, "gone");
	unsigned char *bytes = make_bytes(2000000, 3);
	struct store_body *body = store_body_new(fixture->store, &meta);
	struct store_stats stats;

	assert_non_null(body);
	store_body_append(body, bytes, 2000000);
	fixture_turn(fixture, 50);
	store_body_abort(body);
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	store_body_append(body, bytes, 100);
	store_body_abort(body);
	/* Bodies that are never ended end with the store. */
	body = store_body_new(fixture->store, &meta);
	assert_non_null(body);
	store_body_append(body, bytes, 500000);
	fixture_turn(fixture, 50);
	fixture_close(fixture);
	fixture_expect(fixture,
	    "SELECT (SELECT count(*) FROM chunk)"
	    " + (SELECT count(*) FROM message)"
	    " + (SELECT count(*) FROM unfinished)",
	    0);
	fixture_open(fixture);
	store_stats(fixture->store, &stats);
	assert_int_equal(stats.queued_octets, 0);
	free(bytes);
}

static void
body_of_nothing_never_shares_its_place(void **state)
{
	struct fixture *fixture = *state;
	int64_t empty, full;

	empty = fixture_store(fixture, "e", "", 0);
	fixture_close(fixture);
	fixture_open(fixture);
	full = fixture_store(fixture, "f", "full", 4);
	expect_body(fixture, empty, (const unsigned char *)"", 0);
	expect_body(fixture, full, (const unsigned char *)"full", 4);
}

static void
expect_not_found(enum store_status status, const unsigned char *bytes,
    size_t length, void *arg)
{
	assert_int_equal(status, STORE_NOT_FOUND);
	assert_null(bytes);
	assert_int_equal(length, 0);
	*(bool *)arg = true;
}

static void
part_of_no_message_is_not_found(void **state)
{
	struct fixture *fixture = *state;
	bool done = false;

	store_body_read(fixture->store, 99, 0, expect_not_found, &done);
	fixture_wait(fixture, &done);
}

static void
expect_end(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	(void)bytes;
	assert_int_equal(status, STORE_OK);
	assert_int_equal(length, 0);
	*(bool *)arg = true;
}

/* Part 2^20 of one body would have the key of the next one's first. */
static void
part_far_beyond_is_the_end_and_no_other_body(void **state)
{
	struct fixture *fixture = *state;
	bool done = false;
	int64_t first = fixture_store(fixture, "a", "one", 3);

	fixture_store(fixture, "b", "two", 3);
	store_body_read(fixture->store, first, 1U << 20, expect_end, &done);
	fixture_wait(fixture, &done);
}

struct order {
	int next;
	bool done;
};

static void
expect_ascending(
    enum store_status status, int64_t id, enum store_taken taken, void *arg)
{
	struct order *order = arg;

	assert_int_equal(status, STORE_OK);
	assert_int_equal(taken, STORE_TAKEN_NEW);
	assert_int_equal(id, order->next + 1);
	order->done = ++order->next == 300;
}

static void
answers_keep_the_order_of_the_calls(void **state)
{
	struct fixture *fixture = *state;
	struct order order = { 0 };

	for (int i = 0; i < 300; i++) {
		struct store_body_meta meta = fixture_meta(fixture, NULL);
		struct store_body *body = store_body_new(fixture->store, &meta);

		assert_non_null(body);
		store_body_append(body, (const unsigned char *)&i, sizeof(i));
		store_body_commit(body, expect_ascending, &order);
	}
	fixture_wait(fixture, &order.done);
}

static void
close_finishes_what_is_queued(void **state)
{
	struct fixture *fixture = *state;
	struct answer answer = { 0 };
	struct store_body_meta meta = fixture_meta(fixture, "last");
	struct store_body *body = store_body_new(fixture->store, &meta);

	assert_non_null(body);
	store_body_append(body, (const unsigned char *)"late", 4);
	store_body_commit(body, answer_message, &answer);
	fixture_close(fixture);
	assert_true(answer.done);
	assert_int_equal(answer.status, STORE_OK);
	fixture_expect(fixture, "SELECT count(*) FROM message", 1);
}

struct late {
	struct store *store;
	struct answer answer;
};

static void
call_again(enum store_status status, const struct store_account *row, void *arg)
{
	struct late *late = arg;

	assert_int_equal(status, STORE_OK);
	(void)row;
	store_account(late->store, "late", NULL, answer_account, &late->answer);
	assert_false(late->answer.done);
}

static void
calls_while_it_closes_are_answered_closed(void **state)
{
	struct fixture *fixture = *state;
	struct late late = { .store = fixture->store };

	store_account(fixture->store, "early", NULL, call_again, &late);
	fixture_close(fixture);
	assert_true(late.answer.done);
	assert_int_equal(late.answer.status, STORE_CLOSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(bodies_come_back_as_they_were),
		FIXTURE_TEST(digest_and_size_are_of_the_bytes),
		FIXTURE_TEST(counters_are_of_each_account),
		FIXTURE_TEST(message_unique_id_and_counters_go_together),
		FIXTURE_TEST(same_bytes_under_the_same_id_are_one_message),
		FIXTURE_TEST(known_message_takes_the_new_state),
		FIXTURE_TEST(reused_id_is_a_new_message),
		FIXTURE_TEST(unknown_account_stores_nothing),
		FIXTURE_TEST(aborted_body_leaves_nothing),
		FIXTURE_TEST(body_of_nothing_never_shares_its_place),
		FIXTURE_TEST(part_of_no_message_is_not_found),
		FIXTURE_TEST(part_far_beyond_is_the_end_and_no_other_body),
		FIXTURE_TEST(one_that_fails_is_undone_alone),
		FIXTURE_TEST(what_is_written_again_is_answered_once),
		FIXTURE_TEST(answers_keep_the_order_of_the_calls),
		FIXTURE_TEST(close_finishes_what_is_queued),
		FIXTURE_TEST(calls_while_it_closes_are_answered_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
