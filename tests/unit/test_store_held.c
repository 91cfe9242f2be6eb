/*
 * Another process holds the file: here another connection, which is the same
 * to SQLite.  Naps of the store's are counted and not slept.
 */
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/store/sql/engine.h"
#include "tests/unit/test_store_fixture.h"

#define ACCOUNTS 50

/* As in writer.c, and what chores may add. */
#define STOP_PATIENCE_MS 2000
#define SLACK_MS         1000

static atomic_llong napped_ms;

int __wrap_nanosleep(const struct timespec *, struct timespec *);

int
__wrap_nanosleep(const struct timespec *nap, struct timespec *left)
{
	(void)left;
	atomic_fetch_add(&napped_ms, nap->tv_nsec / 1000000);
	return 0;
}

int64_t __wrap_evpop_clock_monotonic_ms(void);
int64_t __real_evpop_clock_monotonic_ms(void);

/* The time passes by naps, and is a little of the real one. */
int64_t
__wrap_evpop_clock_monotonic_ms(void)
{
	return __real_evpop_clock_monotonic_ms() + atomic_load(&napped_ms);
}

static sqlite3 *
hold(struct fixture *fixture, const char *sql)
{
	sqlite3 *handle;

	atomic_store(&napped_ms, 0);
	assert_int_equal(sqlite3_open(fixture->path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(handle, 60000), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
	return handle;
}

static void
let_go(sqlite3 *handle)
{
	assert_int_equal(
	    sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void
ask_accounts(struct fixture *fixture, struct answer answers[ACCOUNTS])
{
	memset(answers, 0, ACCOUNTS * sizeof(answers[0]));
	for (size_t i = 0; i < ACCOUNTS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "a%zu", i);
		store_account(
		    fixture->store, name, NULL, answer_account, &answers[i]);
	}
}

static void
expect_busy(struct answer answers[ACCOUNTS])
{
	for (size_t i = 0; i < ACCOUNTS; i++) {
		assert_true(answers[i].done);
		assert_int_equal(answers[i].status, STORE_BUSY);
	}
}

static void
commit(struct fixture *fixture, const char *id, struct answer *answer)
{
	const struct store_body_meta meta = fixture_meta(fixture, id);
	struct store_body *body = store_body_new(fixture->store, &meta);

	memset(answer, 0, sizeof(*answer));
	assert_non_null(body);
	(void)store_body_append(body, (const unsigned char *)"x", 1);
	store_body_commit(body, answer_message, answer);
}

static const char *const holds[] = { "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE" };

/* All that waits is told once, and not each after a wait of its own. */
static void
what_waits_is_told_together(void **state)
{
	struct fixture *fixture = *state;
	struct answer answers[ACCOUNTS], body;

	for (size_t i = 0; i < 2; i++) {
		sqlite3 *handle = hold(fixture, holds[i]);

		ask_accounts(fixture, answers);
		commit(fixture, "u1", &body);
		fixture_wait(fixture, &body.done);
		assert_int_equal(body.status, STORE_BUSY);
		expect_busy(answers);
		assert_int_equal(
		    store_health(fixture->store)->status, STORE_BUSY);
		assert_true(atomic_load(&napped_ms) <= SQL_BUSY_MS + SLACK_MS);
		/* It is known: who comes now does not wait. */
		ask_accounts(fixture, answers);
		fixture_wait(fixture, &answers[ACCOUNTS - 1].done);
		expect_busy(answers);
		let_go(handle);
		while (store_health(fixture->store)->status != STORE_OK) {
			atomic_fetch_add(&napped_ms, 1000);
			ask_accounts(fixture, answers);
			fixture_wait(fixture, &answers[ACCOUNTS - 1].done);
		}
		fixture_store(fixture, NULL, "y", 1);
	}
	fixture_expect(fixture, "SELECT count(*) FROM message", 2);
}

static void
reading_goes_on(void **state)
{
	struct fixture *fixture = *state;
	unsigned char *bytes;
	size_t length;
	int64_t id;

	id = fixture_store(fixture, "u", "xyz", 3);
	for (size_t i = 0; i < 2; i++) {
		sqlite3 *handle = hold(fixture, holds[i]);

		bytes = fixture_read(fixture, id, &length);
		assert_int_equal(length, 3);
		free(bytes);
		let_go(handle);
	}
}

/* Closing takes as long as one wait, whatever there was to write. */
static void
closing_does_not_wait_for_the_other(void **state)
{
	struct fixture *fixture = *state;
	struct answer answers[ACCOUNTS], bodies[2];

	for (size_t i = 0; i < 2; i++) {
		const struct store_poll poll = { .account_id = fixture->account,
			.outcome = "ok" };
		sqlite3 *handle = hold(fixture, holds[i]);

		ask_accounts(fixture, answers);
		store_poll_note(fixture->store, &poll);
		commit(fixture, "u1", &bodies[0]);
		commit(fixture, "u2", &bodies[1]);
		store_close(&fixture->store);
		expect_busy(answers);
		assert_int_equal(bodies[0].status, STORE_BUSY);
		assert_int_equal(bodies[1].status, STORE_BUSY);
		/* The wait that was under way, or one from the end on. */
		assert_true(atomic_load(&napped_ms) <=
			    SQL_BUSY_MS + STOP_PATIENCE_MS + SLACK_MS);
		let_go(handle);
		fixture_open(fixture);
		fixture_expect(fixture, "SELECT count(*) FROM message", 0);
	}
}

/* Nothing waits to be written, but the log is to be emptied. */
static void
closing_at_rest_does_not_wait_either(void **state)
{
	static const char *const others[] = { "BEGIN IMMEDIATE",
		"BEGIN; SELECT * FROM message" };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++) {
		sqlite3 *handle;

		fixture_store(fixture, NULL, "z", 1);
		handle = hold(fixture, others[i]);
		store_close(&fixture->store);
		assert_true(
		    atomic_load(&napped_ms) <= 2 * STOP_PATIENCE_MS + SLACK_MS);
		let_go(handle);
		fixture_open(fixture);
		fixture_expect(
		    fixture, "SELECT count(*) FROM message", (int64_t)i + 1);
	}
}

/* It lets go while the store waits for it to close. */
static void
what_waits_is_written_if_there_is_time(void **state)
{
	struct fixture *fixture = *state;
	struct answer body;
	sqlite3 *handle = hold(fixture, "BEGIN IMMEDIATE");

	let_go(handle);
	commit(fixture, "u1", &body);
	store_close(&fixture->store);
	assert_true(body.done);
	assert_int_equal(body.status, STORE_OK);
	fixture_open(fixture);
	fixture_expect(fixture, "SELECT count(*) FROM message", 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(what_waits_is_told_together),
		FIXTURE_TEST(reading_goes_on),
		FIXTURE_TEST(closing_does_not_wait_for_the_other),
		FIXTURE_TEST(closing_at_rest_does_not_wait_either),
		FIXTURE_TEST(what_waits_is_written_if_there_is_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
