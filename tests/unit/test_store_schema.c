#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/sql/schema.h"
#include "tests/unit/test_store_fixture.h"

static const char *const steps[] = {
	"CREATE TABLE one(x); INSERT INTO one VALUES(1)",
	"ALTER TABLE one ADD COLUMN y; UPDATE one SET y = x + 1",
	"INSERT INTO one VALUES(5, 6); INSERT INTO missing VALUES(1)",
};

static enum store_status
migrate(struct fixture *fixture, size_t count, struct store_error *error)
{
	struct sql_db *db;
	enum store_status status;
	FILE *file = fopen(fixture->path, "a");

	assert_non_null(file);
	fclose(file);
	memset(error, 0, sizeof(*error));
	assert_int_equal(
	    store_db_open(&db, fixture->path, SQL_WRITE), STORE_OK);
	status = store_schema_migrate(db, fixture->path, steps, count, error);
	store_db_close(db);
	return status;
}

/* The copy's path, or false where there is none. */
static bool
find_backup(struct fixture *fixture, char *path_r, size_t size)
{
	DIR *folder = opendir(fixture->folder);
	struct dirent *entry;
	bool found = false;

	assert_non_null(folder);
	while (!found && (entry = readdir(folder)) != NULL) {
		if (strstr(entry->d_name, ".version-1-") == NULL)
			continue;
		snprintf(path_r, size, "%s/%s", fixture->folder, entry->d_name);
		found = true;
	}
	closedir(folder);
	return found;
}

static void
older_file_is_copied_and_upgraded(void **state)
{
	struct fixture *fixture = *state;
	struct fixture copy = *fixture;
	struct store_error error;
	char path[512];
	struct stat found;

	assert_int_equal(migrate(fixture, 1, &error), STORE_OK);
	assert_false(find_backup(fixture, path, sizeof(path)));
	assert_int_equal(migrate(fixture, 1, &error), STORE_OK);
	assert_false(find_backup(fixture, path, sizeof(path)));
	assert_int_equal(migrate(fixture, 2, &error), STORE_OK);
	fixture_expect(fixture, "SELECT y FROM one", 2);
	fixture_expect(fixture, "PRAGMA user_version", 2);
	assert_true(find_backup(fixture, path, sizeof(path)));
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	assert_true(strlen(path) < sizeof(copy.path));
	memcpy(copy.path, path, strlen(path) + 1);
	fixture_expect(&copy, "PRAGMA user_version", 1);
	fixture_expect(&copy, "SELECT x FROM one", 1);
}

static void
failed_upgrade_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct store_error error;

	assert_int_equal(migrate(fixture, 1, &error), STORE_OK);
	assert_int_not_equal(migrate(fixture, 3, &error), STORE_OK);
	assert_non_null(strstr(error.text, "missing"));
	fixture_expect(fixture, "PRAGMA user_version", 1);
	fixture_expect(fixture, "SELECT count(*) FROM one", 1);
	fixture_expect(
	    fixture, "SELECT count(*) FROM pragma_table_info('one')", 1);
}

static void
newer_file_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	struct store_error error;
	char path[512];

	assert_int_equal(migrate(fixture, 2, &error), STORE_OK);
	assert_int_equal(migrate(fixture, 1, &error), STORE_NEWER);
	fixture_expect(fixture, "PRAGMA user_version", 2);
	assert_false(find_backup(fixture, path, sizeof(path)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST_FOLDER(older_file_is_copied_and_upgraded),
		FIXTURE_TEST_FOLDER(failed_upgrade_changes_nothing),
		FIXTURE_TEST_FOLDER(newer_file_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
