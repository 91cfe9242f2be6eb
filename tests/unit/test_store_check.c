#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/check.h"
#include "lib/base/clock.h"
#include "tests/unit/test_store_faulty.h"
#include "tests/unit/test_store_fixture.h"

/* In the thread that checks: what it checks for. */
static _Thread_local struct store_checker *checking;
/*
 * Its file system does nothing before it is told to stop, and then one thing
 * each time that it is told.
 */
static atomic_bool is_held;
static atomic_uint interrupts;
/* What it did with the file, unless held. */
static atomic_uint operations;

enum store_status __real_store_verify(struct sql_db *, struct store_checker *);
enum store_status __wrap_store_verify(struct sql_db *, struct store_checker *);

enum store_status
__wrap_store_verify(struct sql_db *db, struct store_checker *checker)
{
	enum store_status status;

	checking = checker;
	status = __real_store_verify(db, checker);
	checking = NULL;
	return status;
}

void __real_sqlite3_interrupt(sqlite3 *);
void __wrap_sqlite3_interrupt(sqlite3 *);

void
__wrap_sqlite3_interrupt(sqlite3 *handle)
{
	__real_sqlite3_interrupt(handle);
	atomic_fetch_add(&interrupts, 1);
}

static void
hold(void)
{
	unsigned seen = atomic_load(&interrupts);

	if (checking == NULL)
		return;
	while (atomic_load(&is_held) && atomic_load(&interrupts) == seen)
		(void)usleep(1000);
	atomic_fetch_add(&operations, 1);
}

static struct store_check
wait_for_check(struct fixture *fixture)
{
	int64_t deadline_ms = evpop_clock_monotonic_ms() + 60000;
	struct store_check check;

	do {
		assert_true(evpop_clock_monotonic_ms() < deadline_ms);
		fixture_turn(fixture, 2);
		store_check(fixture->store, &check);
	} while (check.running);
	return check;
}

static struct store_check
run_check(struct fixture *fixture)
{
	assert_int_equal(store_check_start(fixture->store), STORE_OK);
	return wait_for_check(fixture);
}

static void
put_bytes(struct fixture *fixture, const char *id, size_t length)
{
	unsigned char *bytes = malloc(length);

	assert_non_null(bytes);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 251);
	fixture_store(fixture, id, bytes, length);
	free(bytes);
}

static void
answer_failed(
    enum store_status status, const struct store_counted *counted, void *arg)
{
	assert_int_equal(status, STORE_OK);
	assert_int_equal(counted->outcome, STORE_FAILED_QUARANTINED);
	*(bool *)arg = true;
}

static void
quarantine(struct fixture *fixture, const char *id, bool with_body)
{
	struct store_body_meta meta = fixture_meta(fixture, id);
	struct store_failure failure = { .account_id = fixture->account,
		.unique_id = (const unsigned char *)id,
		.unique_id_length = strlen(id),
		.reason = "r",
		.attempts_most = 1,
		.end = STORE_FAILED_QUARANTINED };
	bool done = false;

	if (with_body) {
		failure.body = store_body_new(fixture->store, &meta);
		assert_non_null(failure.body);
		store_body_append(
		    failure.body, (const unsigned char *)"quarantined", 11);
	}
	store_failure(fixture->store, &failure, answer_failed, &done);
	fixture_wait(fixture, &done);
}

/* Messages 1 (3 octets), 2 (700,000) and 3 (none), and some of the rest. */
static void
fill(struct fixture *fixture)
{
	struct store_uid_change seen = { .unique_id =
					     (const unsigned char *)"seen",
		.unique_id_length = 4,
		.state = STORE_UID_SEEN };
	struct answer answer = { 0 };

	put_bytes(fixture, "a", 3);
	put_bytes(fixture, "b", 700000);
	fixture_store(fixture, NULL, "", 0);
	quarantine(fixture, "q", true);
	quarantine(fixture, "never came", false);
	store_uids_change(
	    fixture->store, fixture->account, &seen, 1, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
}

static void
sound_file_has_no_problems(void **state)
{
	struct fixture *fixture = *state;
	struct store_check check;

	store_check(fixture->store, &check);
	assert_false(check.running);
	assert_int_equal(check.started_ms, 0);
	assert_int_equal(check.finished_ms, 0);
	check = run_check(fixture);
	assert_int_equal(check.problems, 0);
	assert_int_equal(check.messages, 0);
	fill(fixture);
	check = run_check(fixture);
	if (check.text_count > 0)
		fail_msg("%s", check.texts[0]);
	assert_int_equal(check.problems, 0);
	assert_int_equal(check.status, STORE_OK);
	assert_int_equal(check.messages, 3);
	assert_int_equal(check.messages_done, 3);
	assert_int_equal(check.octets_done, 700003);
	assert_true(check.started_ms > INT64_C(1700000000000));
	assert_true(check.finished_ms >= check.started_ms);
}

static const struct {
	const char *sql, *text;
	unsigned problems;
} damages[] = {
	{ "UPDATE chunk SET data = 'xyz' WHERE id = 1048576",
	    "message 1: its bytes have changed", 1 },
	{ "UPDATE chunk SET data = 'wxyz' WHERE id = 1048576",
	    "message 1: its size differs from that in its row", 1 },
	{ "DELETE FROM chunk WHERE id = 2097153",
	    "message 2: a piece of it is missing", 1 },
	{ "DELETE FROM chunk WHERE id = (SELECT max(id) FROM chunk"
	  " WHERE id < 3145728)",
	    "message 2: its size differs from that in its row", 1 },
	{ "DELETE FROM chunk WHERE id >= 3145728 AND id < 4194304",
	    "message 3: its bytes are missing", 1 },
	{ "UPDATE message SET digest = x'00' WHERE id = 3",
	    "message 3: its bytes have changed", 1 },
	{ "UPDATE account SET messages = 4",
	    "account home: 3 messages with 700003 bytes exist, its row says 4 "
	    "and 700003",
	    1 },
	{ "UPDATE account SET octets = octets - 1",
	    "account home: 3 messages with 700003 bytes exist, its row says 3 "
	    "and 700002",
	    1 },
	{ "INSERT INTO account(name, messages) VALUES('void', 1)",
	    "account void: 0 messages with 0 bytes", 1 },
	{ "UPDATE uid SET message = 9 WHERE unique_id = x'61'",
	    "account home: unique-id a (state 0) refers to message 9, which "
	    "does not exist",
	    1 },
	{ "UPDATE uid SET state = 1 WHERE state = 2",
	    "unique-id seen (state 1)", 1 },
	{ "UPDATE uid SET state = 77 WHERE state = 2", "(state 77)", 1 },
	/* An id is text if it is printable, else its octets; and is cut. */
	{ "UPDATE uid SET state = 77, unique_id = x'20617e' WHERE state = 2",
	    "unique-id  a~ (state 77)", 1 },
	{ "UPDATE uid SET state = 77, unique_id = x'617f' WHERE state = 2",
	    "unique-id 617f (state 77)", 1 },
	{ "UPDATE uid SET state = 77, unique_id = x'1f61' WHERE state = 2",
	    "unique-id 1f61 (state 77)", 1 },
	{ "UPDATE uid SET state = 77, unique_id = zeroblob(70)"
	  " WHERE state = 2",
	    "unique-id 0000000000000000000000000000000000000000000000000000"
	    "000000000000 (state 77)",
	    1 },
	{ "UPDATE uid SET state = 77,"
	  " unique_id = CAST(printf('%.70c', 'i') AS BLOB) WHERE state = 2",
	    "unique-id iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii"
	    "iiiiiiiiiiii (state 77)",
	    1 },
	{ "INSERT INTO chunk(id, data) VALUES(99 << 20, 'x'), (99 << 20 | 1, "
	  "'y')",
	    "the pieces of body 99 belong to no message", 1 },
	{ "INSERT INTO chunk(id, data) VALUES(9223372036854775807, 'x')",
	    "the pieces of body 8796093022207 belong to no message", 1 },
	{ "UPDATE chunk SET data = 'x' WHERE data = CAST('quarantined' AS "
	  "BLOB)",
	    "quarantined message 1: its size", 1 },
	{ "DELETE FROM chunk WHERE id / 1048576 = (SELECT body FROM"
	  " quarantine WHERE id = 1)",
	    "quarantined message 1: its bytes are missing", 1 },
	{ "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql ="
	  " 'CREATE INDEX message_stored ON message(octets)'"
	  " WHERE name = 'message_stored'",
	    "the file: row 1 missing from index message_stored", 3 },
};

static void
expect_damage(struct fixture *fixture, size_t index)
{
	struct store_check check;

	fixture_open(fixture);
	fill(fixture);
	fixture_change(fixture, damages[index].sql);
	check = run_check(fixture);
	if (check.text_count == 0)
		fail_msg("not found: %s", damages[index].sql);
	if (strstr(check.texts[0], damages[index].text) == NULL)
		fail_msg("%s: %s", damages[index].sql, check.texts[0]);
	if (check.problems < damages[index].problems ||
	    check.text_count != check.problems)
		fail_msg("%s: %llu problems", damages[index].sql,
		    (unsigned long long)check.problems);
	assert_int_equal(check.status, STORE_OK);
	assert_int_equal(check.messages_done, 3);
	fixture_close(fixture);
	assert_int_equal(unlink(fixture->path), 0);
}

static void
each_damage_is_found_and_told(void **state)
{
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++)
		expect_damage(*state, i);
}

static void
texts_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	struct store_check check;

	fixture_change(fixture,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 250) INSERT INTO chunk(id, data) SELECT i << 20, 'x' "
	    "FROM n");
	check = run_check(fixture);
	assert_int_equal(check.problems, 250);
	assert_int_equal(check.text_count, STORE_CHECK_TEXTS);
	fixture_change(fixture, "DELETE FROM chunk");
	check = run_check(fixture);
	assert_int_equal(check.problems, 0);
	assert_int_equal(check.text_count, 0);
}

/* Of a check of some 30 MB, there are thousands. */
#define OPERATIONS_AT_END 50

/* Its reads take as long as the check goes on. */
static void
work_goes_on_beside_and_close_ends_it(void **state)
{
	struct fixture *fixture = *state;
	struct store_check check;

	for (int i = 0; i < 8; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i);
		put_bytes(fixture, id, 4000000);
	}
	fixture_close(fixture);
	fixture_open(fixture);
	atomic_store(&is_held, true);
	atomic_store(&operations, 0);
	assert_int_equal(store_check_start(fixture->store), STORE_OK);
	assert_int_equal(store_check_start(fixture->store), STORE_BUSY);
	store_check(fixture->store, &check);
	assert_true(check.running);
	assert_int_equal(check.finished_ms, 0);
	put_bytes(fixture, "meanwhile", 500000);
	store_check(fixture->store, &check);
	assert_true(check.running);
	fixture_close(fixture);
	assert_in_range(atomic_load(&operations), 0, OPERATIONS_AT_END);
	atomic_store(&is_held, false);
	fixture_open(fixture);
	atomic_store(&operations, 0);
	assert_int_equal(run_check(fixture).problems, 0);
	assert_true(atomic_load(&operations) > 20 * OPERATIONS_AT_END);
	assert_int_equal(run_check(fixture).messages_done, 9);
}

static int
teardown(void **state)
{
	atomic_store(&is_held, false);
	return fixture_teardown(state);
}

static int
install(void **state)
{
	(void)state;
	faulty_install();
	faulty_watch(hold, NULL);
	return 0;
}

#define TEST(function, setup) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sound_file_has_no_problems, fixture_setup),
		TEST(each_damage_is_found_and_told, fixture_setup_folder),
		TEST(texts_are_bounded, fixture_setup),
		TEST(work_goes_on_beside_and_close_ends_it, fixture_setup),
	};

	return cmocka_run_group_tests(tests, install, NULL);
}
