#include "daemon/store/sql/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/sql/copying.h"
#include "daemon/store/sql/files.h"
#include "daemon/store/sql/space.h"
#include "daemon/store/status.h"
#include "lib/base/clock.h"

/* "evpp"; tells the file from any other SQLite database. */
#define APPLICATION_ID 1702260848

/* The files schema/1.sql and on, in order; made by the build. */
extern const char *const schema_versions[];

static enum store_status
schema_fail(struct sql_db *db, const char *path, enum store_status status,
    const char *doing, struct store_error *error_r)
{
	return store_error_set(error_r, status, "%s: %s: %s; %s", path, doing,
	    sql_words(db), store_status_hint(status));
}

/* Refuse what another program made. */
static enum store_status
schema_check_owner(struct sql_db *db, const char *path, int64_t version,
    struct store_error *error_r)
{
	int64_t application, objects;
	enum store_status status =
	    sql_integer(db, "PRAGMA application_id", &application);

	if (status == STORE_OK)
		status = sql_integer(
		    db, "SELECT count(*) FROM sqlite_schema", &objects);
	if (status != STORE_OK)
		return schema_fail(
		    db, path, status, "reading the schema", error_r);
	if (application == APPLICATION_ID)
		return STORE_OK;
	if (application == 0 && version == 0 && objects == 0)
		return STORE_OK;
	return store_error_set(error_r, STORE_DAMAGED,
	    "%s is the database of another program; give another path", path);
}

/* The files that SQLite leaves of a failed copy. */
static void
copy_remove(const char *copy)
{
	char *journal;

	unlink(copy);
	if (asprintf(&journal, "%s-journal", copy) < 0)
		return;
	unlink(journal);
	free(journal);
}

/*
 * VACUUM INTO takes an empty file that exists, so the copy of people's mail is
 * never readable by others, not even while it is made.
 */
static enum store_status
copy_make(struct sql_db *db, const char *copy)
{
	enum store_status status;
	int fd = open(copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1)
		return sql_fail(db,
		    errno == ENOSPC ? STORE_FULL : STORE_READ_ONLY, "%s",
		    strerror(errno));
	close(fd);
	status = sql_copy_into(db, copy);
	if (status == STORE_OK)
		status = store_files_sync(copy);
	if (status != STORE_OK)
		copy_remove(copy);
	return status;
}

/* *copy_r is its path, for free(). */
static enum store_status
schema_back_up(struct sql_db *db, const char *path, int64_t version,
    char **copy_r, struct store_error *error_r)
{
	enum store_status status;

	if (asprintf(copy_r, "%s.version-%lld-%lld", path, (long long)version,
		(long long)evpop_clock_unix_ms()) < 0) {
		*copy_r = NULL;
		return store_error_set(error_r, STORE_MEMORY, "out of memory");
	}
	status = copy_make(db, *copy_r);
	if (status == STORE_OK)
		return STORE_OK;
	return schema_fail(
	    db, path, status, "making a backup before the upgrade", error_r);
}

static enum store_status
schema_run(
    struct sql_db *db, const char *const *migrations, size_t from, size_t to)
{
	char end[96];
	enum store_status status = sql_begin(db, SQL_WRITE);

	for (size_t i = from; status == STORE_OK && i < to; i++)
		status = sql_exec(db, migrations[i]);
	snprintf(end, sizeof(end),
	    "PRAGMA application_id = %d; PRAGMA user_version = %zu; COMMIT",
	    APPLICATION_ID, to);
	if (status == STORE_OK)
		status = sql_exec(db, end);
	return status;
}

static enum store_status
schema_upgrade(struct sql_db *db, const char *path,
    const char *const *migrations, size_t from, size_t to,
    struct store_error *error_r)
{
	enum store_status status = schema_run(db, migrations, from, to);

	if (status == STORE_OK)
		return STORE_OK;
	schema_fail(db, path, status, "upgrading its schema", error_r);
	sql_rollback(db);
	if (sql_is_in_transaction(db))
		error_r->status = STORE_DAMAGED;
	return error_r->status;
}

/*
 * Once, with the upgrade, since it copies the whole file.  Where there is no
 * room for that, the space of deleted mail is used for new mail only.
 */
static enum store_status
schema_make_shrinkable(
    struct sql_db *db, const char *path, struct store_error *error_r)
{
	enum store_status status = sqlite_make_shrinkable(db);

	return status == STORE_OK || status == STORE_FULL
		   ? STORE_OK
		   : schema_fail(db, path, status,
			 "making room for its upgrade", error_r);
}

/*
 * A daemon that is started again and again must not fill the disk with copies
 * of what it could not upgrade; but on a disk that fails one more is welcome.
 */
static bool
copy_is_needed(enum store_status status)
{
	return status == STORE_OK || status == STORE_IO ||
	       status == STORE_DAMAGED;
}

/* *version_r is the file's, whose owner is this program. */
static enum store_status
schema_version(struct sql_db *db, const char *path, size_t count,
    int64_t *version_r, struct store_error *error_r)
{
	enum store_status status =
	    sql_integer(db, "PRAGMA user_version", version_r);

	if (status != STORE_OK)
		return schema_fail(
		    db, path, status, "reading its version", error_r);
	status = schema_check_owner(db, path, *version_r, error_r);
	if (status != STORE_OK)
		return status;
	if (*version_r < 0 || (uint64_t)*version_r > count)
		return store_error_set(error_r, STORE_NEWER,
		    "%s has schema version %lld, this evpopd supports up to "
		    "%zu; %s",
		    path, (long long)*version_r, count,
		    store_status_hint(STORE_NEWER));
	return STORE_OK;
}

enum store_status
store_schema_check(
    struct sql_db *db, const char *path, struct store_error *error_r)
{
	size_t count;
	int64_t version;
	enum store_status status;

	(void)store_schema_migrations(&count);
	status = schema_version(db, path, count, &version, error_r);
	if (status != STORE_OK || (size_t)version == count)
		return status;
	return store_error_set(error_r, STORE_READ_ONLY,
	    "%s has schema version %lld, and this evpopd reads version %zu; "
	    "to bring it up to date, run evpopd --once with its configuration",
	    path, (long long)version, count);
}

enum store_status
store_schema_migrate(struct sql_db *db, const char *path,
    const char *const *migrations, size_t count, struct store_error *error_r)
{
	char *copy = NULL;
	int64_t version;
	enum store_status status =
	    schema_version(db, path, count, &version, error_r);

	if (status != STORE_OK || (size_t)version == count)
		return status;
	if (version > 0)
		status = schema_back_up(db, path, version, &copy, error_r);
	if (status == STORE_OK)
		status = schema_make_shrinkable(db, path, error_r);
	if (status == STORE_OK)
		status = schema_upgrade(
		    db, path, migrations, (size_t)version, count, error_r);
	if (copy != NULL && !copy_is_needed(status))
		copy_remove(copy);
	free(copy);
	return status;
}

const char *const *
store_schema_migrations(size_t *count_r)
{
	*count_r = 0;
	while (schema_versions[*count_r] != NULL)
		(*count_r)++;
	return schema_versions;
}

enum store_status
store_schema_open(
    struct sql_db *db, const char *path, struct store_error *error_r)
{
	size_t count;
	const char *const *migrations = store_schema_migrations(&count);

	return store_schema_migrate(db, path, migrations, count, error_r);
}
