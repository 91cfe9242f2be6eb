#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test_store_faulty.h"
#include "tests/unit/test_store_fixture.h"

struct watch {
	unsigned changes;
	bool well, ill;
};

static void
changed(struct store *store, void *arg)
{
	struct watch *watch = arg;

	watch->changes++;
	watch->well = store_health(store)->status == STORE_OK;
	watch->ill = !watch->well;
}

struct failing {
	int write_code, sync_code;
	enum store_status status;
	const char *words;
};

/* It fails, says so, loses nothing that was there, and comes back by itself. */
static void
fail_and_recover(struct fixture *fixture, const struct failing *failing)
{
	struct watch watch = { 0 };
	char *large = calloc(1, 900000);
	struct answer answer = { 0 };
	struct store_uid_change change = { .unique_id =
					       (const unsigned char *)"before",
		.unique_id_length = 6,
		.state = STORE_UID_DELETED };

	assert_non_null(large);
	fixture_on(fixture, NOTIFY_STORE_HEALTH, changed, &watch);
	fixture_store(fixture, "before", "abc", 3);
	faulty_set(failing->write_code, failing->sync_code);
	assert_int_equal(fixture_put(fixture, "during", large, 900000, NULL),
	    failing->status);
	fixture_wait(fixture, &watch.ill);
	assert_int_equal(store_health(fixture->store)->status, failing->status);
	assert_non_null(
	    strstr(store_health(fixture->store)->text, failing->words));
	assert_non_null(strstr(store_health(fixture->store)->text,
	    store_status_hint(failing->status)));
	assert_int_equal(
	    fixture_put(fixture, "during", "small", 5, NULL), failing->status);
	store_uids_change(
	    fixture->store, fixture->account, &change, 1, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, failing->status);
	faulty_set(0, 0);
	fixture_wait(fixture, &watch.well);
	assert_int_equal(watch.changes, 2);
	assert_int_equal(store_health(fixture->store)->status, STORE_OK);
	fixture_store(fixture, "after", large, 900000);
	free(large);
	fixture_close(fixture);
	fixture_expect(fixture, "SELECT count(*) FROM message", 2);
	fixture_expect(fixture, "SELECT count(*) FROM uid", 2);
	fixture_expect(fixture, "SELECT count(*) FROM unfinished", 0);
	fixture_expect(fixture, "SELECT sum(length(data)) FROM chunk", 900003);
	fixture_expect_text(fixture, "PRAGMA integrity_check", "ok");
}

static void
full_disk_is_waited_for(void **state)
{
	static const struct failing failing = { SQLITE_FULL, 0, STORE_FULL,
		"full" };

	fail_and_recover(*state, &failing);
}

static void
failed_write_is_waited_for(void **state)
{
	static const struct failing failing = { SQLITE_IOERR_WRITE, 0, STORE_IO,
		"disk I/O error" };

	fail_and_recover(*state, &failing);
}

static void
failed_sync_is_no_commit(void **state)
{
	static const struct failing failing = { 0, SQLITE_IOERR_FSYNC, STORE_IO,
		"disk I/O error" };

	fail_and_recover(*state, &failing);
}

/* Pieces of it were committed before the disk filled up. */
static void
body_that_fails_in_the_middle_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct store_body_meta meta = fixture_meta(fixture, "long");
	struct store_body *body = store_body_new(fixture->store, &meta);
	unsigned char *bytes = calloc(1, 1000000);
	struct watch watch = { 0 };
	struct answer answer = { 0 };

	assert_non_null(body);
	assert_non_null(bytes);
	fixture_on(fixture, NOTIFY_STORE_HEALTH, changed, &watch);
	store_body_append(body, bytes, 1000000);
	for (int i = 0;
	     fixture_integer(fixture, "SELECT count(*) FROM unfinished") == 0;
	     i++) {
		assert_true(i < 3000);
		fixture_turn(fixture, 10);
	}
	faulty_set(SQLITE_FULL, 0);
	store_body_append(body, bytes, 1000000);
	fixture_wait(fixture, &watch.ill);
	faulty_set(0, 0);
	fixture_wait(fixture, &watch.well);
	/* All is well again, but a piece is missing: it must not be whole. */
	store_body_append(body, bytes, 1000000);
	store_body_commit(body, answer_message, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_FULL);
	fixture_close(fixture);
	fixture_expect(fixture,
	    "SELECT (SELECT count(*) FROM chunk)"
	    " + (SELECT count(*) FROM unfinished)"
	    " + (SELECT count(*) FROM message)",
	    0);
	free(bytes);
}

static void
shell_that_holds_the_file_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	sqlite3 *shell;
	struct answer answer = { 0 };
	struct store_body_meta meta = fixture_meta(fixture, "u");
	struct store_body *body = store_body_new(fixture->store, &meta);

	assert_non_null(body);
	assert_int_equal(sqlite3_open(fixture->path, &shell), SQLITE_OK);
	/* The store may be at its chores. */
	assert_int_equal(sqlite3_busy_timeout(shell, 60000), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(shell, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	store_body_append(body, (const unsigned char *)"abc", 3);
	store_body_commit(body, answer_message, &answer);
	fixture_turn(fixture, 300);
	assert_false(answer.done);
	assert_int_equal(
	    sqlite3_exec(shell, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	assert_int_equal(sqlite3_close(shell), SQLITE_OK);
}

/* Whoever wants to poll hears of it before anything is fetched. */
static void
account_is_not_told_where_nothing_can_be_written(void **state)
{
	static const struct failing failing[] = {
		{ SQLITE_FULL, 0, STORE_FULL, "full" },
		{ SQLITE_IOERR_WRITE, 0, STORE_IO, "disk I/O error" },
		{ 0, SQLITE_IOERR_FSYNC, STORE_IO, "disk I/O error" },
		{ SQLITE_READONLY, 0, STORE_READ_ONLY, "readonly" },
	};
	struct fixture *fixture = *state;
	int64_t id;

	for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++) {
		struct watch watch = { 0 };
		enum store_status status = STORE_OK;

		fixture_on(fixture, NOTIFY_STORE_HEALTH, changed, &watch);
		/* A commit that has just gone well is proof enough. */
		for (int tries = 0; status == STORE_OK && tries < 30; tries++) {
			faulty_set(0, 0);
			fixture_turn(fixture, 1100);
			faulty_set(failing[i].write_code, failing[i].sync_code);
			status = fixture_account(fixture, "home", NULL, &id);
		}
		assert_int_equal(status, failing[i].status);
		fixture_wait(fixture, &watch.ill);
		assert_non_null(strstr(
		    store_health(fixture->store)->text, failing[i].words));
		faulty_set(0, 0);
		fixture_wait(fixture, &watch.well);
		assert_int_equal(
		    fixture_account(fixture, "home", NULL, &id), STORE_OK);
		assert_int_equal(id, fixture->account);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAULTY_TEST(full_disk_is_waited_for),
		FAULTY_TEST(failed_write_is_waited_for),
		FAULTY_TEST(failed_sync_is_no_commit),
		FAULTY_TEST(body_that_fails_in_the_middle_leaves_nothing),
		FAULTY_TEST(shell_that_holds_the_file_is_waited_for),
		FAULTY_TEST(account_is_not_told_where_nothing_can_be_written),
	};

	return cmocka_run_group_tests(tests, faulty_setup_group, NULL);
}
