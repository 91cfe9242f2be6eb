/* Rows of the outbox, as those who deliver see them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/import.h"
#include "tests/unit/test_store_outbox_calls.h"

static void
expect_taken(struct fixture *fixture, const char *target, int64_t now_ms,
    const char *text)
{
	assert_string_equal(
	    outbox_take(fixture, target, now_ms, false).text, text);
}

static void
expect_done(
    struct fixture *fixture, struct answer *answer, enum store_status status)
{
	fixture_wait(fixture, &answer->done);
	assert_int_equal(answer->status, status);
}

static void
note(struct fixture *fixture, int64_t id, const char *text,
    enum store_status status)
{
	struct answer answer = { .done = false };

	store_outbox_note(fixture->store, id, text, answer_done, &answer);
	expect_done(fixture, &answer, status);
}

static void
redirect(struct fixture *fixture, int64_t id, const char *target,
    enum store_status status)
{
	struct answer answer = { .done = false };

	store_outbox_redirect(
	    fixture->store, id, target, "spam", answer_done, &answer);
	expect_done(fixture, &answer, status);
}

/* ---- rows ---- */

static void
test_a_message_is_stored_with_its_rows(void **state)
{
	struct fixture *fixture = *state;

	fixture_store(fixture, "before", "early", 5);
	outbox_route(fixture, false, "one", "two", NULL);
	fixture_store(fixture, "a", "first", 5);
	fixture_store(fixture, "b", "second", 6);
	expect_taken(fixture, "one", 1, "2/0/first 3/0/second");
	expect_taken(fixture, "two", 1, "2/0/first 3/0/second");
	expect_taken(fixture, "three", 1, "");
	outbox_expect(fixture, "one", "2/0/0/0");
	outbox_expect(fixture, "two", "2/0/0/0");

	/* What is known already goes nowhere again. */
	fixture_store(fixture, "a", "first", 5);
	outbox_expect(fixture, "one", "2/0/0/0");

	/* Rows of earlier targets stay; new messages go elsewhere. */
	outbox_route(fixture, false, "two", NULL, NULL);
	fixture_store(fixture, "c", "third", 5);
	outbox_expect(fixture, "one", "2/0/0/0");
	outbox_expect(fixture, "two", "3/0/0/0");
	outbox_route(fixture, false, NULL, NULL, NULL);
	fixture_store(fixture, "d", "fourth", 6);
	outbox_expect(fixture, "two", "3/0/0/0");

	/* They wait also for the next time that the store is open. */
	fixture_close(fixture);
	fixture_open(fixture);
	expect_taken(fixture, "one", 1, "2/0/first 3/0/second");
}

static void
failed(enum store_status status, const struct store_counted *counted, void *arg)
{
	assert_int_equal(status, STORE_OK);
	assert_int_equal(counted->outcome, STORE_FAILED_STORED);
	assert_int_equal(counted->message_id, 1);
	*(bool *)arg = true;
}

/* What a server does not give whole is the message, and goes its way. */
static void
test_what_is_stored_as_it_is_goes_too(void **state)
{
	struct fixture *fixture = *state;
	struct store_body_meta meta = fixture_meta(fixture, "a");
	struct store_failure failure = { .account_id = fixture->account,
		.unique_id = (const unsigned char *)"a",
		.unique_id_length = 1,
		.reason = "the connection broke",
		.body = store_body_new(fixture->store, &meta),
		.attempts_most = 1,
		.end = STORE_FAILED_STORED };
	bool done = false;

	outbox_route(fixture, false, "one", NULL, NULL);
	assert_non_null(failure.body);
	store_body_append(failure.body, (const unsigned char *)"half", 4);
	store_failure(fixture->store, &failure, failed, &done);
	fixture_wait(fixture, &done);
	expect_taken(fixture, "one", 1, "1/0/half");
	outbox_expect(fixture, "one", "1/0/0/0");
}

/* What comes from files goes nowhere, also when a poll meets it later. */
static void
test_what_is_imported_stays_here(void **state)
{
	struct fixture *fixture = *state;
	const struct store_body_meta meta = fixture_meta(fixture, NULL);
	struct store_body *body = store_body_new(fixture->store, &meta);
	struct answer answer = { .done = false };

	outbox_route(fixture, false, "one", NULL, NULL);
	assert_non_null(body);
	store_body_append(body, (const unsigned char *)"filed", 5);
	store_body_import(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	outbox_expect(fixture, "one", "0/0/0/0");
}

static void
test_targets_that_nobody_has_are_forgotten(void **state)
{
	struct fixture *fixture = *state;

	outbox_route(fixture, false, "one", "two", "three");
	fixture_store(fixture, "a", "first", 5);
	fixture_expect(
	    fixture, "SELECT count(*) FROM target WHERE is_configured = 1", 3);
	outbox_route(fixture, false, "two", "four", NULL);
	fixture_expect_text(fixture,
	    "SELECT group_concat(name || is_configured, ' ')"
	    " FROM (SELECT * FROM target ORDER BY name)",
	    "four1 one0 three0 two1");
	outbox_route(fixture, false, "two", NULL, NULL);
	fixture_expect_text(fixture,
	    "SELECT group_concat(name || is_configured, ' ')"
	    " FROM (SELECT * FROM target ORDER BY name)",
	    "one0 three0 two1");
	outbox_route(fixture, false, "one", "two", NULL);
	fixture_store(fixture, "b", "second", 6);
	outbox_expect(fixture, "one", "2/0/0/0");
	outbox_expect(fixture, "three", "1/0/0/0");
}

/* ---- what is due ---- */

static void
test_what_is_tried_later_is_due_then(void **state)
{
	struct fixture *fixture = *state;
	struct taken taken;
	int64_t first;

	outbox_route(fixture, false, "one", NULL, NULL);
	first = fixture_store(fixture, "a", "first", 5);
	fixture_store(fixture, "b", "second", 6);
	outbox_settle(fixture, outbox_id(fixture, first, "one"),
	    STORE_OUTBOX_WAITING, 5000, "try later");
	taken = outbox_take(fixture, "one", 4999, false);
	assert_string_equal(taken.text, "2/0/second");
	assert_int_equal(taken.next_ms, 5000);
	assert_false(taken.more);
	taken = outbox_take(fixture, "one", 5000, false);
	assert_string_equal(taken.text, "1/1/first 2/0/second");
	assert_int_equal(taken.next_ms, 0);
	outbox_expect(fixture, "one", "2/0/0/0");
	fixture_expect_text(fixture,
	    "SELECT answer || (tried_ms IS NOT NULL) || (settled_ms IS NULL)"
	    " FROM outbox WHERE id = 1",
	    "try later11");
}

static void
test_they_come_a_few_at_a_time(void **state)
{
	struct fixture *fixture = *state;
	struct store_outbox_want want = {
		.target = "one", .now_ms = 1, .limit = 2, .octets = 11
	};
	struct taken taken;

	outbox_route(fixture, false, "one", NULL, NULL);
	fixture_store(fixture, "a", "first", 5);
	fixture_store(fixture, "b", "second", 6);
	fixture_store(fixture, "c", "third", 5);
	taken = outbox_take_of(fixture, &want);
	assert_string_equal(taken.text, "1/0/first 2/0/second");
	assert_true(taken.more);
	want.after_id = taken.last_id;
	taken = outbox_take_of(fixture, &want);
	assert_string_equal(taken.text, "3/0/third");
	assert_false(taken.more);

	/* What does not fit behind others comes later, with its bytes. */
	want.after_id = 0;
	want.octets = 10;
	taken = outbox_take_of(fixture, &want);
	assert_string_equal(taken.text, "1/0/first");
	assert_true(taken.more);
	want.after_id = taken.last_id;
	assert_string_equal(outbox_take_of(fixture, &want).text, "2/0/second");

	/* What does not fit at all comes without them. */
	want.after_id = 0;
	want.octets = 5;
	taken = outbox_take_of(fixture, &want);
	assert_string_equal(taken.text, "1/0/first 2/0/6");
	assert_true(taken.more);
}

static void
store_of(struct fixture *fixture, const char *account, const char *id)
{
	const int64_t home = fixture->account;

	assert_int_equal(
	    fixture_account(fixture, account, NULL, &fixture->account),
	    STORE_OK);
	fixture_store(fixture, id, id, strlen(id));
	fixture->account = home;
}

static void
route_two(struct fixture *fixture)
{
	const char *targets[] = { "one" };
	const struct store_delivering accounts[] = {
		{ .account = "work", .targets = targets, .target_count = 1 },
		{ .account = "home", .targets = targets, .target_count = 1 },
	};
	struct answer answer = { .done = false };

	store_outbox_configure(
	    fixture->store, accounts, 2, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
}

static void
test_none_overtakes_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct store_outbox_want want = { .target = "one",
		.now_ms = 10,
		.limit = 10,
		.octets = 99,
		.is_ordered = true };

	route_two(fixture);
	store_of(fixture, "home", "h1");
	store_of(fixture, "work", "w1");
	store_of(fixture, "home", "h2");
	store_of(fixture, "work", "w2");
	store_of(fixture, "home", "h3");
	assert_string_equal(outbox_take_of(fixture, &want).text,
	    "1/0/h1 2/0/w1 3/0/h2 4/0/w2 5/0/h3");
	outbox_settle(fixture, outbox_id(fixture, 3, "one"),
	    STORE_OUTBOX_WAITING, 5000, NULL);
	assert_string_equal(
	    outbox_take_of(fixture, &want).text, "1/0/h1 2/0/w1 4/0/w2");
	want.after_id = 1;
	assert_string_equal(
	    outbox_take_of(fixture, &want).text, "2/0/w1 4/0/w2");
	want.after_id = 2;
	assert_string_equal(outbox_take_of(fixture, &want).text, "");
	want.after_id = 0;
	want.now_ms = 5000;
	assert_string_equal(outbox_take_of(fixture, &want).text,
	    "1/0/h1 2/0/w1 3/1/h2 4/0/w2 5/0/h3");
	want.now_ms = 10;
	want.is_ordered = false;
	assert_string_equal(
	    outbox_take_of(fixture, &want).text, "1/0/h1 2/0/w1 4/0/w2 5/0/h3");
}

/* ---- what comes of it ---- */

static void
test_results_are_kept(void **state)
{
	struct fixture *fixture = *state;
	const struct store_outbox_result results[] = {
		{ .id = 1,
		    .state = STORE_OUTBOX_DELIVERED,
		    .is_attempt = true,
		    .answer = "250 2.0.0 Saved",
		    .place = "new/17" },
		{ .id = 2,
		    .state = STORE_OUTBOX_REFUSED,
		    .is_attempt = true,
		    .answer = "550 no such user" },
		{ .id = 3,
		    .state = STORE_OUTBOX_WAITING,
		    .due_ms = 7,
		    .may_be_there = true },
		{ .id = 99, .state = STORE_OUTBOX_DELIVERED },
	};
	struct answer answer = { .done = false };

	outbox_route(fixture, false, "one", NULL, NULL);
	fixture_store(fixture, "a", "first", 5);
	fixture_store(fixture, "b", "second", 6);
	fixture_store(fixture, "c", "third", 5);
	note(fixture, 3, "tmp/x", STORE_OK);
	store_outbox_settle(fixture->store, results, 4, answer_done, &answer);
	expect_done(fixture, &answer, STORE_OK);
	outbox_expect(fixture, "one", "1/1/1/0");
	fixture_expect_text(fixture,
	    "SELECT answer || ' ' || place || attempts"
	    " || (settled_ms > 1) FROM outbox WHERE id = 1",
	    "250 2.0.0 Saved new/1711");
	expect_taken(fixture, "one", 7, "3/0/third?=tmp/x");

	/* What is done stays done, and has no note. */
	outbox_settle(fixture, 1, STORE_OUTBOX_WAITING, 0, "again");
	outbox_settle(fixture, 2, STORE_OUTBOX_DELIVERED, 0, "again");
	outbox_expect(fixture, "one", "1/1/1/0");
	note(fixture, 1, "tmp/y", STORE_NOT_FOUND);
	note(fixture, 99, "tmp/y", STORE_NOT_FOUND);
}

static void
test_a_row_goes_to_another_target(void **state)
{
	struct fixture *fixture = *state;

	outbox_route(fixture, false, "ham", NULL, NULL);
	fixture_store(fixture, "a", "first", 5);
	outbox_settle(fixture, 1, STORE_OUTBOX_WAITING, 5000, NULL);
	redirect(fixture, 1, "junk", STORE_OK);
	outbox_expect(fixture, "ham", "0/0/0/0");
	outbox_expect(fixture, "junk", "1/0/0/0");
	expect_taken(fixture, "junk", 1, "1/0/first");
	redirect(fixture, 1, "junk", STORE_OK);
	outbox_expect(fixture, "junk", "1/0/0/0");

	/* Where it goes anyway it does not go twice. */
	outbox_route(fixture, false, "ham", "junk", NULL);
	fixture_store(fixture, "b", "second", 6);
	redirect(fixture, outbox_id(fixture, 2, "ham"), "junk", STORE_OK);
	outbox_expect(fixture, "ham", "0/0/0/1");
	outbox_expect(fixture, "junk", "2/0/0/0");
	redirect(
	    fixture, outbox_id(fixture, 2, "ham"), "junk", STORE_NOT_FOUND);
	redirect(fixture, 99, "junk", STORE_NOT_FOUND);
}

/* ---- letters ---- */

struct read {
	bool done;
	enum store_status status;
	size_t length, pieces;
	unsigned char *bytes;
	struct store_letter *letter;
};

static void
take_piece(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct read *got = arg;

	got->status = status;
	if (status != STORE_OK || length == 0) {
		got->done = true;
		return;
	}
	assert_non_null(got->bytes);
	memcpy(got->bytes + got->length, bytes, length);
	got->length += length;
	got->pieces++;
	store_letter_next(got->letter, take_piece, got);
}

static struct read
read_letter(struct fixture *fixture, int64_t id, unsigned char *room)
{
	struct read got = { .bytes = room };

	got.letter = store_letter_new(fixture->store, id);
	assert_non_null(got.letter);
	store_letter_next(got.letter, take_piece, &got);
	fixture_wait(fixture, &got.done);
	store_letter_free(&got.letter);
	assert_null(got.letter);
	store_letter_free(&got.letter);
	return got;
}

static void
test_a_letter_is_read_piece_by_piece(void **state)
{
	const size_t size = (size_t)700 * 1024;
	struct fixture *fixture = *state;
	unsigned char *bytes = malloc(size), *room = malloc(size);
	struct taken taken;
	struct read got;

	assert_non_null(bytes);
	assert_non_null(room);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
	outbox_route(fixture, false, "one", NULL, NULL);
	fixture_store(fixture, "a", bytes, size);
	fixture_store(fixture, "b", "", 0);
	taken = outbox_take(fixture, "one", 1, false);
	assert_string_equal(taken.text, "1/0/716800 2/0/");
	got = read_letter(fixture, 1, room);
	assert_int_equal(got.status, STORE_OK);
	assert_int_equal(got.length, size);
	assert_true(got.pieces > 1);
	assert_memory_equal(bytes, room, size);
	got = read_letter(fixture, 2, room);
	assert_int_equal(got.status, STORE_OK);
	assert_int_equal(got.length, 0);
	assert_int_equal(read_letter(fixture, 3, room).status, STORE_NOT_FOUND);

	/* What lacks a piece is not a shorter message. */
	fixture_change(fixture,
	    "DELETE FROM chunk WHERE id = (SELECT max(id) FROM chunk"
	    " WHERE id / 1048576 = (SELECT body FROM message WHERE id = 1))");
	assert_int_equal(read_letter(fixture, 1, room).status, STORE_DAMAGED);
	free(bytes);
	free(room);
}

static void
test_a_letter_may_be_freed_while_it_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct read got = { .done = false };

	fixture_store(fixture, "a", "first", 5);
	got.letter = store_letter_new(fixture->store, 1);
	store_letter_next(got.letter, take_piece, &got);
	store_letter_free(&got.letter);
	fixture_turn(fixture, 50);
	assert_false(got.done);
	assert_int_equal(got.pieces, 0);
}

/* ---- keep = until-delivered ---- */

static int64_t
uid_state(struct fixture *fixture, const char *id)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
	    "SELECT state FROM uid WHERE unique_id = CAST('%s' AS BLOB)", id);
	return fixture_integer(fixture, sql);
}

static void
test_the_last_delivery_makes_the_deletion_owed(void **state)
{
	struct fixture *fixture = *state;

	outbox_route(fixture, true, "one", "two", NULL);
	fixture_store(fixture, "a", "first", 5);
	fixture_store(fixture, "b", "second", 6);
	outbox_settle(fixture, 1, STORE_OUTBOX_DELIVERED, 0, NULL);
	assert_int_equal(uid_state(fixture, "a"), STORE_UID_STORED);
	outbox_settle(fixture, 2, STORE_OUTBOX_REFUSED, 0, NULL);
	assert_int_equal(uid_state(fixture, "a"), STORE_UID_STORED);
	outbox_settle(fixture, 3, STORE_OUTBOX_WAITING, 9, NULL);
	outbox_settle(fixture, 4, STORE_OUTBOX_DELIVERED, 0, NULL);
	assert_int_equal(uid_state(fixture, "b"), STORE_UID_STORED);
	outbox_settle(fixture, 3, STORE_OUTBOX_DELIVERED, 0, NULL);
	assert_int_equal(uid_state(fixture, "b"), STORE_UID_DELETE);
	assert_int_equal(uid_state(fixture, "a"), STORE_UID_STORED);

	/* Nothing is owed that is not to be deleted. */
	outbox_route(fixture, false, "one", NULL, NULL);
	fixture_store(fixture, "c", "third", 5);
	outbox_settle(fixture, 5, STORE_OUTBOX_DELIVERED, 0, NULL);
	assert_int_equal(uid_state(fixture, "c"), STORE_UID_STORED);
}

static void
change_id(struct fixture *fixture, const struct store_uid_change *change)
{
	struct answer answer = { .done = false };

	store_uids_change(
	    fixture->store, fixture->account, change, 1, answer_done, &answer);
	expect_done(fixture, &answer, STORE_OK);
}

/* What was delivered while it was not listed is owed once it is. */
static void
test_a_message_that_comes_back_is_owed(void **state)
{
	struct fixture *fixture = *state;
	const struct store_uid_change adopt = {
		.adopt = true,
		.unique_id = (const unsigned char *)"new",
		.unique_id_length = 3,
		.from_id = (const unsigned char *)"a",
		.from_id_length = 1,
	};

	outbox_route(fixture, true, "one", NULL, NULL);
	fixture_store(fixture, "a", "first", 5);
	fixture_store(fixture, "b", "second", 6);
	fixture_store(fixture, "c", "third", 5);
	fixture_set_state(fixture, "a", STORE_UID_GONE);
	outbox_settle(fixture, 1, STORE_OUTBOX_DELIVERED, 0, NULL);
	outbox_settle(fixture, 2, STORE_OUTBOX_DELIVERED, 0, NULL);
	assert_int_equal(uid_state(fixture, "a"), STORE_UID_GONE);
	change_id(fixture, &adopt);
	assert_int_equal(uid_state(fixture, "new"), STORE_UID_DELETE);

	/* Fetched once more, it is the same; one that waits is not owed. */
	assert_int_equal(uid_state(fixture, "b"), STORE_UID_DELETE);
	fixture_store(fixture, "b", "second", 6);
	assert_int_equal(uid_state(fixture, "b"), STORE_UID_DELETE);
	fixture_store(fixture, "c", "third", 5);
	assert_int_equal(uid_state(fixture, "c"), STORE_UID_STORED);

	/* Under its new id, too. */
	outbox_route(fixture, false, "one", NULL, NULL);
	fixture_set_state(fixture, "new", STORE_UID_STORED);
	outbox_route(fixture, true, "one", "two", NULL);
	fixture_store(fixture, "d", "fourth", 6);
	outbox_settle(fixture, outbox_id(fixture, 4, "one"),
	    STORE_OUTBOX_DELIVERED, 0, NULL);
	assert_int_equal(uid_state(fixture, "d"), STORE_UID_STORED);
}

static void
bound(enum store_status status, const struct store_bound *answer, void *arg)
{
	(void)answer;
	assert_int_equal(status, STORE_OK);
	*(bool *)arg = true;
}

static void
bind_to(struct fixture *fixture, const char *host)
{
	bool done = false;

	store_account_bind(
	    fixture->store, fixture->account, host, "u", bound, &done);
	fixture_wait(fixture, &done);
}

/* What was delivered while the account polled another maildrop. */
static void
test_a_maildrop_that_comes_back_is_owed(void **state)
{
	struct fixture *fixture = *state;

	outbox_route(fixture, true, "one", NULL, NULL);
	bind_to(fixture, "first.example.org");
	fixture_store(fixture, "a", "first", 5);
	fixture_store(fixture, "b", "second", 6);
	bind_to(fixture, "other.example.org");
	outbox_settle(fixture, 1, STORE_OUTBOX_DELIVERED, 0, NULL);
	fixture_expect(fixture, "SELECT count(*) FROM uid WHERE state = 1", 0);
	bind_to(fixture, "first.example.org");
	assert_int_equal(uid_state(fixture, "a"), STORE_UID_DELETE);
	assert_int_equal(uid_state(fixture, "b"), STORE_UID_STORED);
}

/* The last that is applied decides, also of what was before. */
static void
test_deletions_follow_the_configuration(void **state)
{
	struct fixture *fixture = *state;

	fixture_store(fixture, "old", "early", 5);
	fixture_set_state(fixture, "old", STORE_UID_DELETE);
	outbox_route(fixture, false, "one", "two", NULL);
	fixture_store(fixture, "a", "first", 5);
	fixture_store(fixture, "b", "second", 6);
	outbox_settle(fixture, outbox_id(fixture, 2, "one"),
	    STORE_OUTBOX_DELIVERED, 0, NULL);
	outbox_settle(fixture, outbox_id(fixture, 2, "two"),
	    STORE_OUTBOX_DELIVERED, 0, NULL);
	outbox_settle(fixture, outbox_id(fixture, 3, "one"),
	    STORE_OUTBOX_DELIVERED, 0, NULL);
	assert_int_equal(uid_state(fixture, "a"), STORE_UID_STORED);
	outbox_route(fixture, true, "one", "two", NULL);
	assert_int_equal(uid_state(fixture, "a"), STORE_UID_DELETE);
	assert_int_equal(uid_state(fixture, "b"), STORE_UID_STORED);
	/* It was to go once it is stored; now it is to be delivered first. */
	assert_int_equal(uid_state(fixture, "old"), STORE_UID_STORED);

	/* Nothing is looked at again while that stays so. */
	fixture_set_state(fixture, "old", STORE_UID_DELETE);
	outbox_route(fixture, true, "one", NULL, NULL);
	assert_int_equal(uid_state(fixture, "old"), STORE_UID_DELETE);
	outbox_route(fixture, false, "one", NULL, NULL);
	outbox_route(fixture, true, "one", NULL, NULL);
	assert_int_equal(uid_state(fixture, "old"), STORE_UID_STORED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_a_message_is_stored_with_its_rows),
		FIXTURE_TEST(test_what_is_stored_as_it_is_goes_too),
		FIXTURE_TEST(test_what_is_imported_stays_here),
		FIXTURE_TEST(test_targets_that_nobody_has_are_forgotten),
		FIXTURE_TEST(test_what_is_tried_later_is_due_then),
		FIXTURE_TEST(test_they_come_a_few_at_a_time),
		FIXTURE_TEST(test_none_overtakes_in_order),
		FIXTURE_TEST(test_results_are_kept),
		FIXTURE_TEST(test_a_row_goes_to_another_target),
		FIXTURE_TEST(test_a_letter_is_read_piece_by_piece),
		FIXTURE_TEST(test_a_letter_may_be_freed_while_it_is_read),
		FIXTURE_TEST(test_the_last_delivery_makes_the_deletion_owed),
		FIXTURE_TEST(test_a_message_that_comes_back_is_owed),
		FIXTURE_TEST(test_a_maildrop_that_comes_back_is_owed),
		FIXTURE_TEST(test_deletions_follow_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
