#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/digest.h"
#include "daemon/store/sql/schema.h"
#include "lib/base/hex.h"
#include "tests/unit/test_store_faulty.h"
#include "tests/unit/test_store_fixture.h"

/* What the first version's file held, and what is asked of it later. */
struct first {
	char path[160]; /* the file, which is only copied */
	char hex[STORE_DIGEST_HEX];
	char *queries[64]; /* all columns of each of its tables */
	size_t query_count;
};

static void
run_sql(const char *path, const char *sql)
{
	sqlite3 *handle;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(handle));
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

/* As a daemon of that version left it: accounts, mail, ids, polls, an index. */
static const char rows[] =
    "INSERT INTO account(name, stable_id, messages, octets, last_success_ms)"
    " VALUES('home', 'k1', 60, 0, 1767323045678), ('work', NULL, 0, 0, NULL);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 60) INSERT INTO chunk SELECT i << 20, CAST('Subject: s' ||"
    " char(13, 10, 13, 10) || hex(zeroblob(i * 7)) AS BLOB) FROM n;"
    "INSERT INTO message(account, body, octets, digest, stored_ms, sender,"
    " subject, header_id, attachments, unique_id) SELECT 1, id >> 20,"
    " length(data), digest(data), 1767323045678 + id, 'A <a@example.org>',"
    " 's ' || id, '<' || id || '@x>', 0, CAST('uid-' || id AS BLOB) FROM"
    " chunk;"
    "UPDATE account SET octets = (SELECT sum(octets) FROM message)"
    " WHERE id = 1;"
    "INSERT INTO uid SELECT 1, unique_id, 0, id % 2, id, stored_ms"
    " FROM message;"
    "INSERT INTO uid VALUES(1, x'ff00', 3, 2, NULL, 5), (1, 'gone', 0, 3, 7,"
    " 6);"
    "INSERT INTO poll(account, started_ms, finished_ms, outcome, messages,"
    " fetched, failed, deleted, octets_in, octets_out, body_octets)"
    " SELECT 1, id, id + 1, 'ok', 2, 1, 0, id % 3, 4, 5, 6 FROM message;"
    "INSERT INTO quarantine(account, unique_id, occurrence, body, octets,"
    " stored_ms, reason) VALUES(1, x'71', 0, 0, 0, 1767323045678, 'why');"
    "INSERT INTO fulltext(rowid, subject, body) SELECT id, subject, 'word'"
    " FROM message;"
    "INSERT INTO meta VALUES('indexed', 60);";

static void
digest_of(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct store_digest *digest = store_digest_new();
	unsigned char bytes[STORE_DIGEST_SIZE];

	assert_non_null(digest);
	assert_int_equal(count, 1);
	store_digest_update(digest, sqlite3_value_blob(values[0]),
	    (size_t)sqlite3_value_bytes(values[0]));
	store_digest_final(digest, bytes);
	store_digest_free(digest);
	sqlite3_result_blob(context, bytes, sizeof(bytes), SQLITE_TRANSIENT);
}

/* Of all that is kept; a column has another name now, and a table is gone. */
static void
make_queries(struct first *first, sqlite3 *handle)
{
	static const char sql[] =
	    "SELECT 'SELECT ' || group_concat('quote(\"' || c.name || '\")',"
	    " '||'',''||') || ' FROM \"' || t.name || '\" ORDER BY 1'"
	    " FROM sqlite_schema AS t, pragma_table_info(t.name) AS c"
	    " WHERE t.type = 'table' AND t.name NOT IN ('fulltext', 'delivery')"
	    " AND c.name <> 'flags'"
	    " GROUP BY t.name ORDER BY t.name";
	sqlite3_stmt *statement;

	assert_int_equal(
	    sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		assert_true(first->query_count < 64);
		first->queries[first->query_count++] =
		    strdup((const char *)sqlite3_column_text(statement, 0));
	}
	sqlite3_finalize(statement);
	/* Nine of its own, SQLite's, and those of the index. */
	assert_true(first->query_count >= 13);
}

/* A digest of all that the first version had. */
static void
content_of(
    const struct first *first, const char *path, char hex_r[STORE_DIGEST_HEX])
{
	struct store_digest *digest = store_digest_new();
	unsigned char bytes[STORE_DIGEST_SIZE];
	sqlite3 *handle;

	assert_non_null(digest);
	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	for (size_t i = 0; i < first->query_count; i++) {
		sqlite3_stmt *statement;

		if (sqlite3_prepare_v2(handle, first->queries[i], -1,
			&statement, NULL) != SQLITE_OK)
			fail_msg("%s %s: %s", path, first->queries[i],
			    sqlite3_errmsg(handle));
		while (sqlite3_step(statement) == SQLITE_ROW)
			store_digest_update(digest,
			    sqlite3_column_blob(statement, 0),
			    (size_t)sqlite3_column_bytes(statement, 0));
		assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
	}
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
	store_digest_final(digest, bytes);
	store_digest_free(digest);
	evpop_hex_encode(bytes, STORE_DIGEST_SIZE, hex_r);
}

static int64_t
version_now(void)
{
	size_t count;

	(void)store_schema_migrations(&count);
	return (int64_t)count;
}

static enum store_status
migrate(const char *path, size_t count, struct store_error *error)
{
	size_t all;
	const char *const *migrations = store_schema_migrations(&all);
	enum store_status status;
	struct sql_db *db;

	memset(error, 0, sizeof(*error));
	status = store_db_open(&db, path, SQL_WRITE);
	assert_true(count <= all);
	if (status == STORE_OK)
		status = store_schema_migrate(
		    db, path, migrations, count != 0 ? count : all, error);
	store_db_close(db);
	return status;
}

static void
make_first(struct fixture *fixture, struct first *first)
{
	struct store_error error;
	sqlite3 *handle;
	FILE *file;

	memset(first, 0, sizeof(*first));
	snprintf(first->path, sizeof(first->path), "%s/first", fixture->folder);
	file = fopen(first->path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(migrate(first->path, 1, &error), STORE_OK);
	assert_int_equal(sqlite3_open(first->path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_create_function(handle, "digest", 1,
			     SQLITE_UTF8, NULL, digest_of, NULL, NULL),
	    SQLITE_OK);
	if (sqlite3_exec(handle, rows, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(handle));
	make_queries(first, handle);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
	content_of(first, first->path, first->hex);
}

static void
free_first(struct first *first)
{
	for (size_t i = 0; i < first->query_count; i++)
		free(first->queries[i]);
}

static void
copy_first(struct fixture *fixture, const struct first *first)
{
	static unsigned char bytes[65536];
	FILE *from = fopen(first->path, "r"), *to = fopen(fixture->path, "w");
	size_t length;

	assert_non_null(from);
	assert_non_null(to);
	while ((length = fread(bytes, 1, sizeof(bytes), from)) > 0)
		assert_int_equal(fwrite(bytes, 1, length, to), length);
	fclose(from);
	assert_int_equal(fclose(to), 0);
}

static void
expect_content(const struct first *first, const char *path)
{
	char hex[STORE_DIGEST_HEX];

	content_of(first, path, hex);
	assert_string_equal(hex, first->hex);
}

/* Backups are whole, whenever they are there; returns how many are. */
static size_t
check_backups_of(struct fixture *fixture, const struct first *first,
    int64_t version, bool remove)
{
	char prefix[40];
	DIR *folder = opendir(fixture->folder);
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(folder);
	snprintf(prefix, sizeof(prefix), "mail.db.version-%lld-",
	    (long long)version);
	while ((entry = readdir(folder)) != NULL) {
		struct fixture copy = *fixture;
		char path[400];

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		count++;
		snprintf(path, sizeof(path), "%s/%s", fixture->folder,
		    entry->d_name);
		assert_true(strlen(path) < sizeof(copy.path));
		memcpy(copy.path, path, strlen(path) + 1);
		expect_content(first, path);
		fixture_expect(&copy, "PRAGMA user_version", version);
		fixture_expect_text(&copy, "PRAGMA integrity_check", "ok");
		if (remove)
			assert_int_equal(unlink(path), 0);
	}
	closedir(folder);
	return count;
}

static size_t
check_backups(struct fixture *fixture, const struct first *first, bool remove)
{
	return check_backups_of(fixture, first, 1, remove);
}

/* What is now of that content, with what came with the versions since. */
static void
expect_upgraded(struct fixture *fixture, const struct first *first)
{
	expect_content(first, fixture->path);
	fixture_expect(fixture, "PRAGMA user_version", version_now());
	fixture_expect_text(fixture, "PRAGMA integrity_check", "ok");
	fixture_expect(fixture,
	    "SELECT count(*) FROM uid JOIN message ON message.id ="
	    " uid.message WHERE uid.octets = message.octets AND"
	    " uid.header_digest IS NULL",
	    61);
	fixture_expect(
	    fixture, "SELECT count(*) FROM uid WHERE octets IS NULL", 1);
	fixture_expect(fixture,
	    "SELECT sum(adopted + adopted_bytes)"
	    " FROM v_poll WHERE adopted = 0",
	    0);
	fixture_expect(fixture, "SELECT count(*) FROM v_quarantine", 1);
	/* What servers say of those is not known. */
	fixture_expect(fixture,
	    "SELECT count(*) FROM uid WHERE coalesce(listed_octets,"
	    " lines, added_octets) IS NOT NULL",
	    0);
	fixture_expect(fixture, "SELECT count(*) FROM server", 0);
	/* No body is written anew: they are plain. */
	fixture_expect(
	    fixture, "SELECT count(*) FROM chunk WHERE encoding IS 0", 60);
}

static void
first_version_is_upgraded(void **state)
{
	struct fixture *fixture = *state;
	struct store_error error;
	struct first first;

	make_first(fixture, &first);
	copy_first(fixture, &first);
	assert_int_equal(migrate(fixture->path, 0, &error), STORE_OK);
	assert_int_equal(check_backups(fixture, &first, false), 1);
	expect_upgraded(fixture, &first);
	assert_int_equal(migrate(fixture->path, 0, &error), STORE_OK);
	assert_int_equal(check_backups(fixture, &first, false), 1);
	free_first(&first);
}

static void
second_version_is_upgraded(void **state)
{
	struct fixture *fixture = *state;
	struct store_error error;
	struct first first;

	make_first(fixture, &first);
	assert_int_equal(migrate(first.path, 2, &error), STORE_OK);
	run_sql(first.path, "PRAGMA journal_mode = DELETE");
	copy_first(fixture, &first);
	assert_int_equal(migrate(fixture->path, 0, &error), STORE_OK);
	assert_int_equal(check_backups_of(fixture, &first, 2, false), 1);
	expect_upgraded(fixture, &first);
	free_first(&first);
}

/* A digest of the whole header stays one, of whatever header. */
static void
third_version_is_upgraded(void **state)
{
	struct fixture *fixture = *state;
	struct store_error error;
	struct first first;

	make_first(fixture, &first);
	assert_int_equal(migrate(first.path, 3, &error), STORE_OK);
	run_sql(first.path, "PRAGMA journal_mode = DELETE;"
			    "UPDATE uid SET header_digest = zeroblob(32)"
			    " WHERE message IS NULL");
	copy_first(fixture, &first);
	assert_int_equal(migrate(fixture->path, 0, &error), STORE_OK);
	assert_int_equal(check_backups_of(fixture, &first, 3, false), 1);
	expect_upgraded(fixture, &first);
	fixture_expect(fixture,
	    "SELECT count(*) FROM uid"
	    " WHERE header_digest = zeroblob(32)",
	    1);
	free_first(&first);
}

/* Columns that have another name since keep what they say. */
static void
sixth_version_is_upgraded(void **state)
{
	struct fixture *fixture = *state;
	struct store_error error;
	struct first first;

	make_first(fixture, &first);
	assert_int_equal(migrate(first.path, 6, &error), STORE_OK);
	run_sql(first.path,
	    "PRAGMA journal_mode = DELETE;"
	    "UPDATE account SET host = 'h', user = 'u' WHERE id = 1;"
	    "UPDATE message SET flags = 1 WHERE id = 7");
	copy_first(fixture, &first);
	assert_int_equal(migrate(fixture->path, 0, &error), STORE_OK);
	fixture_expect_text(
	    fixture, "SELECT login || '@' || host FROM account", "u@h");
	fixture_expect(fixture, "SELECT id FROM message WHERE is_cut", 7);
	free_first(&first);
}

static void
note_listed(
    enum store_status status, const struct store_account *account, void *arg)
{
	assert_int_equal(status, STORE_OK);
	assert_true(account->listed);
	assert_int_equal(account->usual_deletes, 2);
	*(bool *)arg = true;
}

/* And works on as if it had always been of this version. */
static void
upgraded_store_goes_on(void **state)
{
	struct fixture *fixture = *state;
	struct store_check check;
	struct first first;
	bool done = false;

	make_first(fixture, &first);
	copy_first(fixture, &first);
	fixture_open(fixture);
	store_account(fixture->store, "home", "k1", note_listed, &done);
	fixture_wait(fixture, &done);
	assert_int_equal(store_check_start(fixture->store), STORE_OK);
	do {
		fixture_turn(fixture, 2);
		store_check(fixture->store, &check);
	} while (check.running);
	if (check.text_count > 0)
		fail_msg("%s", check.texts[0]);
	assert_int_equal(check.messages_done, 60);
	fixture_store(fixture, "new", "x", 1);
	fixture_expect(fixture, "SELECT messages FROM account", 61);
	free_first(&first);
}

static long calls_failed;

static void
note_failed(enum faulty_operation operation, int code)
{
	(void)operation;
	(void)code;
	calls_failed++;
}

/* Returns whether the upgrade got as far as the failure. */
static bool
fail_nth(struct fixture *fixture, const struct first *first,
    enum faulty_operation operation, int code, long skip, long times)
{
	enum store_status status;
	struct store_error error;
	int64_t version;

	copy_first(fixture, first);
	calls_failed = 0;
	faulty_set_rule(operation, code, skip, times);
	status = migrate(fixture->path, 0, &error);
	faulty_set_rule(operation, 0, 0, 0);
	if (status != STORE_OK && error.text[0] != '\0')
		assert_non_null(strstr(error.text, fixture->path));
	expect_content(first, fixture->path);
	version = fixture_integer(fixture, "PRAGMA user_version");
	if (version == version_now() || status == STORE_OK) {
		assert_int_equal(check_backups(fixture, first, true), 1);
		expect_upgraded(fixture, first);
	} else {
		assert_int_equal(version, 1);
		fixture_expect_text(fixture, "PRAGMA integrity_check", "ok");
		/* Of a full disk no room is taken. */
		assert_true(check_backups(fixture, first, true) <=
			    (code == SQLITE_FULL ? 0 : 1));
	}
	assert_int_equal(migrate(fixture->path, 0, &error), STORE_OK);
	expect_upgraded(fixture, first);
	(void)check_backups(fixture, first, true);
	run_sql(fixture->path, "PRAGMA journal_mode = DELETE");
	return calls_failed > 0;
}

static void
fail_each(struct fixture *fixture, enum faulty_operation operation, int code)
{
	struct first first;
	long count = 0;

	make_first(fixture, &first);
	while (fail_nth(fixture, &first, operation, code, count, 1))
		count++;
	/* Fewer would say that the upgrade is not what it was. */
	assert_true(count >= (operation == FAULTY_SYNC ? 2 : 40));
	for (long skip = 0; skip < count; skip += 1 + count / 20)
		assert_true(
		    fail_nth(fixture, &first, operation, code, skip, -1));
	print_message("%ld calls\n", count);
	free_first(&first);
}

static void
each_write_may_fail(void **state)
{
	fail_each(*state, FAULTY_WRITE, SQLITE_IOERR_WRITE);
}

static void
each_sync_may_fail(void **state)
{
	fail_each(*state, FAULTY_SYNC, SQLITE_IOERR_FSYNC);
}

static void
disk_may_be_full_at_each_write(void **state)
{
	struct fixture *fixture = *state;
	struct first first;
	long skip = 0;

	make_first(fixture, &first);
	while (fail_nth(fixture, &first, FAULTY_WRITE, SQLITE_FULL, skip, -1))
		skip += 3;
	assert_true(skip >= 30);
	free_first(&first);
}

/* Files of it are out there. */
static void
first_version_never_changes(void **state)
{
	size_t count;
	const char *const *migrations = store_schema_migrations(&count);
	struct store_digest *digest = store_digest_new();
	unsigned char bytes[STORE_DIGEST_SIZE];
	char hex[STORE_DIGEST_HEX];

	(void)state;
	assert_non_null(digest);
	store_digest_update(digest, migrations[0], strlen(migrations[0]));
	store_digest_final(digest, bytes);
	store_digest_free(digest);
	evpop_hex_encode(bytes, STORE_DIGEST_SIZE, hex);
	assert_string_equal(hex,
	    "02b8fd04370f064876066ccfa21db4b707d7c9bb971e15e050a08e29e667fe19");
}

static int
install(void **state)
{
	(void)state;
	faulty_install();
	faulty_watch(NULL, note_failed);
	return store_digest_init() ? 0 : -1;
}

#define TEST(function)                   \
	cmocka_unit_test_setup_teardown( \
	    function, fixture_setup_folder, faulty_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_version_never_changes),
		TEST(first_version_is_upgraded),
		TEST(second_version_is_upgraded),
		TEST(third_version_is_upgraded),
		TEST(sixth_version_is_upgraded),
		TEST(upgraded_store_goes_on),
		TEST(each_write_may_fail),
		TEST(each_sync_may_fail),
		TEST(disk_may_be_full_at_each_write),
	};

	return cmocka_run_group_tests(tests, install, NULL);
}
