#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test_store_fixture.h"

int __real_flock(int, int);
int __wrap_flock(int, int);

static bool has_no_locks; /* the file system */

int
__wrap_flock(int fd, int operation)
{
	if (!has_no_locks)
		return __real_flock(fd, operation);
	errno = ENOLCK;
	return -1;
}

static void
expect_refusal(struct fixture *fixture, const char *path,
    enum store_status status, const char *words)
{
	struct store_config config = { .path = path };
	struct store *store = (struct store *)1;
	struct store_error error;

	assert_int_equal(
	    store_open(&store, &config, fixture->base, &error), status);
	assert_null(store);
	assert_int_equal(error.status, status);
	if (strstr(error.text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, error.text);
}

static void
run_sql(const char *path, const char *sql)
{
	sqlite3 *handle;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
file_is_for_its_owner_only(void **state)
{
	struct fixture *fixture = *state;
	mode_t mask = umask(0);
	struct stat found;

	fixture_open(fixture);
	umask(mask);
	assert_int_equal(stat(fixture->path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	fixture_expect(fixture, "PRAGMA user_version", 10);
	fixture_expect(fixture, "PRAGMA application_id", 0x65767070);
	fixture_expect_text(fixture, "PRAGMA journal_mode", "wal");
}

static void
second_daemon_is_sent_to_the_first(void **state)
{
	struct fixture *fixture = *state;
	char words[64];

	fixture_open(fixture);
	snprintf(words, sizeof(words), "(pid %ld)", (long)getpid());
	expect_refusal(fixture, fixture->path, STORE_BUSY, words);
	expect_refusal(fixture, fixture->path, STORE_BUSY, "evpopctl poll");
	fixture_close(fixture);
	fixture_open(fixture);
}

/* Nobody could tell a second daemon from the first. */
static void
file_system_without_locks_is_refused(void **state)
{
	struct fixture *fixture = *state;

	has_no_locks = true;
	expect_refusal(fixture, fixture->path, STORE_IO, "cannot lock");
	expect_refusal(fixture, fixture->path, STORE_IO, "file system");
	has_no_locks = false;
	fixture_open(fixture);
}

static void
missing_folder_is_named(void **state)
{
	struct fixture *fixture = *state;
	char path[192];

	snprintf(path, sizeof(path), "%s/none/mail.db", fixture->folder);
	expect_refusal(fixture, path, STORE_READ_ONLY, "install -d -m 0700");
	write_file(fixture->path, "x");
	snprintf(path, sizeof(path), "%s/mail.db", fixture->path);
	expect_refusal(fixture, path, STORE_READ_ONLY, "folder");
	snprintf(path, sizeof(path), "%s/sub", fixture->folder);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_refusal(fixture, path, STORE_READ_ONLY, "directory");
	assert_int_equal(rmdir(path), 0);
}

static void
folder_without_permission_is_told(void **state)
{
	struct fixture *fixture = *state;

	if (geteuid() == 0)
		skip();
	assert_int_equal(chmod(fixture->folder, 0500), 0);
	expect_refusal(
	    fixture, fixture->path, STORE_READ_ONLY, "Permission denied");
	assert_int_equal(chmod(fixture->folder, 0700), 0);
}

static void
other_files_are_refused_and_left_alone(void **state)
{
	struct fixture *fixture = *state;
	static const char text[] = "This is no database, but it is precious to "
				   "somebody; it is long enough for a header "
				   "of one hundred octets.";

	write_file(fixture->path, text);
	expect_refusal(fixture, fixture->path, STORE_DAMAGED, "not a database");
	assert_int_equal(truncate(fixture->path, 0), 0);
	run_sql(fixture->path, "CREATE TABLE t(x)");
	expect_refusal(
	    fixture, fixture->path, STORE_DAMAGED, "another program");
	fixture_expect(fixture, "SELECT count(*) FROM t", 0);
}

static void
newer_schema_is_refused(void **state)
{
	struct fixture *fixture = *state;

	fixture_open(fixture);
	fixture_close(fixture);
	run_sql(fixture->path, "PRAGMA user_version = 4711");
	expect_refusal(fixture, fixture->path, STORE_NEWER, "upgrade evpopd");
	run_sql(fixture->path, "PRAGMA user_version = 10");
	fixture_open(fixture);
}

static void
close_leaves_one_file(void **state)
{
	struct fixture *fixture = *state;
	char path[192];
	struct stat found;

	fixture_open(fixture);
	fixture_store(fixture, "u", "abc", 3);
	fixture_close(fixture);
	snprintf(path, sizeof(path), "%s-wal", fixture->path);
	assert_int_not_equal(stat(path, &found), 0);
	assert_int_equal(stat(fixture->path, &found), 0);
	assert_true(found.st_size > 8192);
}

/* What a daemon that is killed in the middle of a body leaves behind. */
static void
die_in_the_middle(struct fixture *fixture)
{
	static unsigned char bytes[3 * 1024 * 1024];
	struct store_body_meta meta;
	struct store_body *body;
	struct store_stats stats = { 0 };

	fixture_open(fixture);
	if (fixture_put(fixture, "whole", "abc", 3, NULL) != STORE_OK)
		_exit(1);
	meta = fixture_meta(fixture, "half");
	body = store_body_new(fixture->store, &meta);
	if (body == NULL)
		_exit(2);
	store_body_append(body, bytes, sizeof(bytes));
	for (int i = 0; i < 12000; i++) {
		fixture_turn(fixture, 5);
		store_stats(fixture->store, &stats);
		if (stats.queued_octets < sizeof(bytes) / 2)
			_exit(0);
	}
	_exit(3);
}

static void
unfinished_body_is_swept_at_the_next_start(void **state)
{
	struct fixture *fixture = *state;
	int status;
	pid_t child = fork();

	assert_int_not_equal(child, -1);
	if (child == 0)
		die_in_the_middle(fixture);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	fixture_expect(fixture, "SELECT count(*) FROM unfinished", 1);
	assert_true(fixture_integer(fixture, "SELECT count(*) FROM chunk") > 2);
	fixture_open(fixture);
	fixture_expect(fixture, "SELECT count(*) FROM chunk", 1);
	fixture_expect(fixture, "SELECT count(*) FROM unfinished", 0);
	fixture_expect(fixture, "SELECT count(*) FROM v_message", 1);
	fixture_expect(fixture, "SELECT count(*) FROM uid", 1);
	fixture_store(fixture, "half", "now whole", 9);
}

static void
each_status_has_words(void **state)
{
	(void)state;
	for (int i = 0; i < STORE_STATUS_COUNT; i++) {
		enum store_status status = (enum store_status)i;

		assert_true(strlen(store_status_name(status)) > 1);
		assert_true(strlen(store_status_hint(status)) > 5);
	}
	assert_string_equal(store_status_name(STORE_FULL), "full");
}

static void
copy_file(const char *from, const char *to)
{
	static unsigned char bytes[65536];
	FILE *source = fopen(from, "r"), *target = fopen(to, "w");
	size_t length;

	assert_non_null(source);
	assert_non_null(target);
	while ((length = fread(bytes, 1, sizeof(bytes), source)) > 0)
		assert_int_equal(fwrite(bytes, 1, length, target), length);
	assert_int_equal(fclose(source), 0);
	assert_int_equal(fclose(target), 0);
}

/* What a crash leaves in the log may not be on the disk yet. */
static void
log_of_an_earlier_run_goes_into_the_file(void **state)
{
	struct fixture *fixture = *state;
	struct fixture alone = *fixture;
	char log[256], copied[256];

	fixture_open(fixture);
	fixture_store(fixture, "u", "left in the log", 15);
	snprintf(log, sizeof(log), "%s-wal", fixture->path);
	snprintf(alone.path, sizeof(alone.path), "%s/crashed", fixture->folder);
	snprintf(copied, sizeof(copied), "%s-wal", alone.path);
	copy_file(fixture->path, alone.path);
	copy_file(log, copied);
	fixture_close(fixture);
	memcpy(fixture->path, alone.path, sizeof(alone.path));
	fixture_open(fixture);
	/* Without its log. */
	snprintf(alone.path, sizeof(alone.path), "%s/alone", fixture->folder);
	copy_file(fixture->path, alone.path);
	fixture_expect(&alone, "SELECT count(*) FROM message", 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST_FOLDER(file_is_for_its_owner_only),
		FIXTURE_TEST_FOLDER(second_daemon_is_sent_to_the_first),
		FIXTURE_TEST_FOLDER(file_system_without_locks_is_refused),
		FIXTURE_TEST_FOLDER(missing_folder_is_named),
		FIXTURE_TEST_FOLDER(folder_without_permission_is_told),
		FIXTURE_TEST_FOLDER(other_files_are_refused_and_left_alone),
		FIXTURE_TEST_FOLDER(newer_schema_is_refused),
		FIXTURE_TEST_FOLDER(close_leaves_one_file),
		FIXTURE_TEST_FOLDER(unfinished_body_is_swept_at_the_next_start),
		cmocka_unit_test(each_status_has_words),
		FIXTURE_TEST_FOLDER(log_of_an_earlier_run_goes_into_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
