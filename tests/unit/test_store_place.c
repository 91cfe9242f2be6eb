/*
 * A store's file that is moved, removed, replaced or written over while it is
 * open: nothing is acknowledged that no name leads to.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test_store_fixture.h"

/* A checkpoint follows soon on so much. */
#define LARGE 9000000

struct paths {
	char log[160], other[160], copy[160], folder[160];
};

static struct paths
paths_of(const struct fixture *fixture)
{
	struct paths paths;

	snprintf(paths.log, sizeof(paths.log), "%s-wal", fixture->path);
	snprintf(paths.other, sizeof(paths.other), "%s.other", fixture->path);
	snprintf(paths.copy, sizeof(paths.copy), "%s.copy", fixture->path);
	snprintf(
	    paths.folder, sizeof(paths.folder), "%s.away", fixture->folder);
	return paths;
}

static void
copy_file(const char *from, const char *to)
{
	char bytes[65536];
	int in = open(from, O_RDONLY), out;
	ssize_t length;

	out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(in != -1 && out != -1);
	while ((length = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)length), length);
	close(in);
	close(out);
}

/* ---- what happens to the file ---- */

static void
file_removed(struct fixture *fixture, const struct paths *paths)
{
	(void)paths;
	assert_int_equal(unlink(fixture->path), 0);
}

static void
file_moved(struct fixture *fixture, const struct paths *paths)
{
	assert_int_equal(rename(fixture->path, paths->other), 0);
}

static void
backup_moved_over(struct fixture *fixture, const struct paths *paths)
{
	copy_file(fixture->path, paths->copy);
	assert_int_equal(rename(paths->copy, fixture->path), 0);
}

static void
message_moved_over(struct fixture *fixture, const struct paths *paths)
{
	FILE *file = fopen(paths->copy, "w");

	assert_non_null(file);
	fputs("Subject: hello\r\n\r\n", file);
	fclose(file);
	assert_int_equal(rename(paths->copy, fixture->path), 0);
}

static void
folder_moved(struct fixture *fixture, const struct paths *paths)
{
	assert_int_equal(rename(fixture->folder, paths->folder), 0);
}

static void
log_removed(struct fixture *fixture, const struct paths *paths)
{
	(void)fixture;
	assert_int_equal(unlink(paths->log), 0);
}

static void
log_replaced(struct fixture *fixture, const struct paths *paths)
{
	(void)fixture;
	copy_file(paths->log, paths->copy);
	assert_int_equal(rename(paths->copy, paths->log), 0);
}

static void
linked(struct fixture *fixture, const struct paths *paths)
{
	assert_int_equal(link(fixture->path, paths->other), 0);
}

static void
message_written_over(struct fixture *fixture, const struct paths *paths)
{
	FILE *file = fopen(fixture->path, "w");

	(void)paths;
	assert_non_null(file);
	fputs("Subject: hello\r\n\r\n", file);
	fclose(file);
}

static void
emptied(struct fixture *fixture, const struct paths *paths)
{
	(void)paths;
	assert_int_equal(truncate(fixture->path, 0), 0);
}

/* A copy that was made before there was so much in it. */
static void
copy_written_over(struct fixture *fixture, const struct paths *paths)
{
	copy_file(paths->copy, fixture->path);
}

/* What was made of it by VACUUM INTO, as people make backups. */
static void
backup_written_over(struct fixture *fixture, const struct paths *paths)
{
	char sql[256];

	unlink(paths->other);
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", paths->other);
	fixture_change(fixture, sql);
	copy_file(paths->other, fixture->path);
}

static const struct happening {
	const char *name, *words;
	void (*happen)(struct fixture *, const struct paths *);
} happenings[] = {
	{ "removed", "removed or moved away", file_removed },
	{ "moved", "removed or moved away", file_moved },
	{ "backup moved over", "another file", backup_moved_over },
	{ "message moved over", "another file", message_moved_over },
	{ "folder moved", "removed or moved away", folder_moved },
	{ "log removed", "its log", log_removed },
	{ "log replaced", "its log", log_replaced },
	{ "linked", "hard link", linked },
	{ "message written over", "overwritten", message_written_over },
	{ "emptied", "overwritten", emptied },
	{ "copy written over", "overwritten", copy_written_over },
	{ "backup written over", "overwritten", backup_written_over },
};
#define HAPPENINGS (sizeof(happenings) / sizeof(happenings[0]))

/* ---- the store ---- */

static off_t
octets_of(const char *path)
{
	struct stat found;

	assert_int_equal(stat(path, &found), 0);
	return found.st_size;
}

/* Until a checkpoint has brought into the file what was logged. */
static void
wait_for_checkpoint(struct fixture *fixture, off_t former)
{
	int64_t id;

	for (int i = 0; octets_of(fixture->path) <= former; i++) {
		assert_true(i < 6000);
		fixture_turn(fixture, 10);
	}
	/* The writer comes to it once the checkpoint is over. */
	assert_int_equal(fixture_account(fixture, "home", NULL, &id), STORE_OK);
}

static void
put_large(struct fixture *fixture, const char *unique_id)
{
	unsigned char *bytes = calloc(1, LARGE);

	assert_non_null(bytes);
	snprintf((char *)bytes, LARGE, "%s", unique_id);
	fixture_store(fixture, unique_id, bytes, LARGE);
	free(bytes);
}

static enum store_status
known(struct fixture *fixture)
{
	struct found found = { .done = false };

	store_uids(fixture->store, fixture->account, NULL, found_uids, &found);
	fixture_wait(fixture, &found.done);
	return found.status;
}

static void
note_health(struct store *store, void *arg)
{
	*(bool *)arg = store_health(store)->status == STORE_REPLACED;
}

/*
 * A file that is written over in the middle of a checkpoint is nobody's to
 * tell: until the index is made, and the log is in the file.
 */
static void
wait_for_quiet(struct fixture *fixture)
{
	for (int i = 0;
	     fixture_integer(fixture,
		 "SELECT (SELECT max(id) FROM message) ="
		 " (SELECT value FROM meta WHERE key = 'indexed')") != 1;
	     i++) {
		assert_true(i < 6000);
		fixture_turn(fixture, 10);
	}
	assert_int_equal(known(fixture), STORE_OK);
	fixture_change(fixture, "PRAGMA wal_checkpoint(PASSIVE)");
}

static void
open_and_fill(struct fixture *fixture, const struct paths *paths)
{
	off_t former;

	fixture_open(fixture);
	former = octets_of(fixture->path);
	put_large(fixture, "first");
	wait_for_checkpoint(fixture, former);
	wait_for_quiet(fixture);
	copy_file(fixture->path, paths->copy);
	former = octets_of(fixture->path);
	put_large(fixture, "second");
	wait_for_checkpoint(fixture, former);
	wait_for_quiet(fixture);
	assert_int_equal(known(fixture), STORE_OK);
}

static void
close_and_remove(struct fixture *fixture, const struct paths *paths)
{
	if (access(paths->folder, F_OK) == 0)
		assert_int_equal(rename(paths->folder, fixture->folder), 0);
	fixture_teardown((void **)&fixture);
}

static void
nothing_is_acknowledged(void **state)
{
	struct fixture *fixture;

	(void)state;
	for (size_t i = 0; i < HAPPENINGS; i++) {
		const struct happening *happening = &happenings[i];
		struct paths paths;
		bool is_told = false;
		int64_t id;

		print_message("%s\n", happening->name);
		fixture_setup_folder((void **)&fixture);
		paths = paths_of(fixture);
		open_and_fill(fixture, &paths);
		fixture_on(fixture, NOTIFY_STORE_HEALTH, note_health, &is_told);
		happening->happen(fixture, &paths);
		/* What a poll begins with, and what it deletes by. */
		assert_int_equal(fixture_account(fixture, "home", NULL, &id),
		    STORE_REPLACED);
		assert_int_equal(known(fixture), STORE_REPLACED);
		assert_int_equal(fixture_put(fixture, "third", "abc", 3, NULL),
		    STORE_REPLACED);
		fixture_wait(fixture, &is_told);
		assert_non_null(strstr(
		    store_health(fixture->store)->text, happening->words));
		assert_non_null(strstr(store_health(fixture->store)->text,
		    store_status_hint(STORE_REPLACED)));
		close_and_remove(fixture, &paths);
	}
}

/* Nobody writes, and it is told all the same. */
static void
it_is_seen_while_nothing_happens(void **state)
{
	struct fixture *fixture = *state;
	struct paths paths = paths_of(fixture);
	bool is_told = false;

	fixture_on(fixture, NOTIFY_STORE_HEALTH, note_health, &is_told);
	file_moved(fixture, &paths);
	fixture_wait(fixture, &is_told);
}

static void
note_well(struct store *store, void *arg)
{
	*(bool *)arg = store_health(store)->status == STORE_OK;
}

/* What was moved away and comes back, is well again; nothing is lost. */
static void
file_that_comes_back_is_well(void **state)
{
	struct fixture *fixture = *state;
	struct paths paths = paths_of(fixture);
	bool is_well = false;

	fixture_store(fixture, "a", "abc", 3);
	file_moved(fixture, &paths);
	assert_int_equal(
	    fixture_put(fixture, "b", "abc", 3, NULL), STORE_REPLACED);
	fixture_on(fixture, NOTIFY_STORE_HEALTH, note_well, &is_well);
	assert_int_equal(rename(paths.other, fixture->path), 0);
	fixture_wait(fixture, &is_well);
	fixture_store(fixture, "b", "abc", 3);
	fixture_expect(fixture, "SELECT count(*) FROM message", 2);
	is_well = false;
	notify_leave(&fixture->subscription);
	linked(fixture, &paths);
	assert_int_equal(
	    fixture_put(fixture, "c", "abc", 3, NULL), STORE_REPLACED);
	fixture_on(fixture, NOTIFY_STORE_HEALTH, note_well, &is_well);
	assert_int_equal(unlink(paths.other), 0);
	fixture_wait(fixture, &is_well);
	fixture_store(fixture, "c", "abc", 3);
}

/* What is harmless: reading, touching, writing and checkpoints of others. */
static void
others_may_touch_and_write(void **state)
{
	struct fixture *fixture = *state;
	struct paths paths = paths_of(fixture);

	for (int i = 0; i < 3; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%d", i);
		put_large(fixture, id);
		fixture_change(fixture, "PRAGMA wal_checkpoint(PASSIVE)");
		assert_int_equal(known(fixture), STORE_OK);
		assert_int_equal(
		    utimensat(AT_FDCWD, fixture->path, NULL, 0), 0);
		assert_int_equal(known(fixture), STORE_OK);
		assert_int_equal(chmod(fixture->path, 0640), 0);
		fixture_change(fixture, "CREATE TABLE x(y);"
					"PRAGMA wal_checkpoint(PASSIVE);"
					"DROP TABLE x;"
					"PRAGMA wal_checkpoint(PASSIVE);"
					"VACUUM;"
					"PRAGMA wal_checkpoint(PASSIVE)");
		assert_int_equal(known(fixture), STORE_OK);
		fixture_store(fixture, NULL, id, 2);
	}
	copy_file(fixture->path, paths.copy);
	assert_int_equal(known(fixture), STORE_OK);
	fixture_expect(fixture, "SELECT count(*) FROM uid", 3);
}

/* What was put there is not touched, neither by the end of this store. */
static void
what_took_its_place_stays_as_it_is(void **state)
{
	static const struct {
		void (*happen)(struct fixture *, const struct paths *);
	} cases[] = { { backup_moved_over }, { copy_written_over },
		{ backup_written_over } };
	struct fixture *fixture;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct paths paths;
		off_t octets;

		fixture_setup_folder((void **)&fixture);
		paths = paths_of(fixture);
		open_and_fill(fixture, &paths);
		/* In the log, and nowhere else. */
		fixture_store(fixture, "logged", "abc", 3);
		cases[i].happen(fixture, &paths);
		octets = octets_of(fixture->path);
		assert_int_equal(fixture_put(fixture, "late", "abc", 3, NULL),
		    STORE_REPLACED);
		fixture_close(fixture);
		assert_int_equal(octets_of(fixture->path), octets);
		fixture_open(fixture);
		fixture_expect_text(fixture, "PRAGMA integrity_check", "ok");
		fixture_store(fixture, "new", "abc", 3);
		assert_int_equal(known(fixture), STORE_OK);
		close_and_remove(fixture, &paths);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_acknowledged),
		cmocka_unit_test_setup_teardown(
		    it_is_seen_while_nothing_happens, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(file_that_comes_back_is_well,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(others_may_touch_and_write,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test(what_took_its_place_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
