#include "daemon/store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/error.h"
#include "daemon/store/files.h"
#include "lib/base/clock.h"

/* "evpp"; tells the file from any other SQLite database. */
#define APPLICATION_ID 1702260848

/* Around a column of milliseconds: ISO 8601, UTC. */
#define ISO "strftime('%Y-%m-%dT%H:%M:%fZ', "
#define UTC " / 1000.0, 'unixepoch')"

/* Text where the id is printable, else bytes. */
#define SHOWN_ID                                                        \
	"CASE WHEN length(CAST(unique_id AS TEXT)) = length(unique_id)" \
	"  AND CAST(unique_id AS TEXT) NOT GLOB '*[^ -~]*'"             \
	"  THEN CAST(unique_id AS TEXT) ELSE unique_id END"

/* As it was; STORE_SCHEMA_FULLTEXT takes its place when the store is opened. */
#define FULLTEXT_1                                        \
	"CREATE VIRTUAL TABLE fulltext USING fts5("       \
	" sender, recipients, subject, body, content=''," \
	" tokenize='unicode61 remove_diacritics 2')"

/*
 * The counters of an account change in the transaction that adds a message, so
 * that listing accounts never counts.  A body's pieces are keyed so that it is
 * one range; `unfinished` names the bodies that have pieces and no message.
 */
static const char version_1[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE account("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " stable_id TEXT UNIQUE,"
    " messages INTEGER NOT NULL DEFAULT 0,"
    " octets INTEGER NOT NULL DEFAULT 0,"
    " last_success_ms INTEGER,"
    " last_error_ms INTEGER,"
    " last_error TEXT);"
    "CREATE TABLE message("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " account INTEGER NOT NULL REFERENCES account(id),"
    " body INTEGER NOT NULL,"
    " octets INTEGER NOT NULL,"
    " digest BLOB NOT NULL,"
    " stored_ms INTEGER NOT NULL,"
    " date_ms INTEGER,"
    " sender TEXT, recipients TEXT, cc TEXT, subject TEXT, header_id TEXT,"
    " attachments INTEGER NOT NULL,"
    " flags INTEGER NOT NULL DEFAULT 0,"
    " unique_id BLOB);"
    "CREATE INDEX message_account ON message(account);"
    "CREATE INDEX message_stored ON message(stored_ms);"
    "CREATE TABLE uid("
    " account INTEGER NOT NULL REFERENCES account(id),"
    " unique_id BLOB NOT NULL,"
    " occurrence INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " message INTEGER,"
    " stored_ms INTEGER NOT NULL,"
    " PRIMARY KEY(account, unique_id, occurrence)) WITHOUT ROWID;"
    "CREATE TABLE chunk(id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE unfinished(body INTEGER PRIMARY KEY);"
    "CREATE TABLE poll("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " account INTEGER NOT NULL REFERENCES account(id),"
    " started_ms INTEGER NOT NULL, finished_ms INTEGER NOT NULL,"
    " outcome TEXT NOT NULL, text TEXT,"
    " messages INTEGER NOT NULL, fetched INTEGER NOT NULL,"
    " failed INTEGER NOT NULL, deleted INTEGER NOT NULL,"
    " octets_in INTEGER NOT NULL, octets_out INTEGER NOT NULL,"
    " body_octets INTEGER NOT NULL);"
    "CREATE INDEX poll_account ON poll(account);"
    "CREATE TABLE delivery("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " message INTEGER NOT NULL,"
    " target TEXT NOT NULL,"
    " state INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL DEFAULT 0,"
    " due_ms INTEGER NOT NULL,"
    " text TEXT);"
    "CREATE INDEX delivery_due ON delivery(state, due_ms);"
    "CREATE TABLE quarantine("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " account INTEGER NOT NULL REFERENCES account(id),"
    " unique_id BLOB, occurrence INTEGER,"
    " body INTEGER NOT NULL,"
    " octets INTEGER NOT NULL,"
    " stored_ms INTEGER NOT NULL,"
    " reason TEXT NOT NULL);" FULLTEXT_1 ";"
    "CREATE VIEW v_message AS SELECT message.id AS id,"
    " account.name AS account,"
    " " SHOWN_ID " AS unique_id,"
    " message.octets AS size,"
    " lower(hex(digest)) AS digest,"
    " " ISO "stored_ms" UTC " AS stored_at,"
    " " ISO "date_ms" UTC " AS date,"
    " sender, recipients, subject, header_id AS message_id"
    " FROM message JOIN account ON account.id = message.account;"
    "CREATE VIEW v_account AS SELECT name, messages, octets AS bytes,"
    " " ISO "last_success_ms" UTC " AS last_success,"
    " last_error,"
    " " ISO "last_error_ms" UTC " AS last_error_at,"
    " id, stable_id FROM account;"
    "CREATE VIEW v_poll AS SELECT account.name AS account,"
    " " ISO "started_ms" UTC " AS started,"
    " " ISO "finished_ms" UTC " AS finished,"
    " outcome, fetched, deleted, octets_in AS bytes_in,"
    " octets_out AS bytes_out, body_octets AS body_bytes,"
    " poll.messages AS messages, failed, text, poll.id AS id"
    " FROM poll JOIN account ON account.id = poll.account;";

/*
 * What a listing is compared with stands beside the unique-id, since each poll
 * reads all of an account's: to look it up message by message would take
 * several times as long; by it a body finds what is GONE.  An idle poll leaves
 * no trace in poll_deleted, which says how much an account usually deletes.  A
 * message's failures are rare, and rows of `failure` go when it is stored.
 */
static const char version_2[] =
    "ALTER TABLE uid ADD COLUMN octets INTEGER;"
    "ALTER TABLE uid ADD COLUMN header_digest BLOB;"
    "UPDATE uid SET octets = (SELECT message.octets FROM message"
    " WHERE message.id = uid.message);"
    "CREATE INDEX uid_gone ON uid(account, octets, header_digest)"
    " WHERE state = 4;"
    "ALTER TABLE poll ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE poll ADD COLUMN adopted_octets INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX poll_deleted ON poll(account, id, deleted)"
    " WHERE deleted > 0;"
    "CREATE TABLE failure("
    " account INTEGER NOT NULL REFERENCES account(id),"
    " unique_id BLOB NOT NULL,"
    " occurrence INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL,"
    " last_ms INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " PRIMARY KEY(account, unique_id, occurrence)) WITHOUT ROWID;"
    "ALTER TABLE quarantine ADD COLUMN transcript TEXT;"
    "CREATE INDEX quarantine_account ON quarantine(account);"
    "DROP VIEW v_poll;"
    "CREATE VIEW v_poll AS SELECT account.name AS account,"
    " " ISO "started_ms" UTC " AS started,"
    " " ISO "finished_ms" UTC " AS finished,"
    " outcome, fetched, deleted, octets_in AS bytes_in,"
    " octets_out AS bytes_out, body_octets AS body_bytes,"
    " poll.messages AS messages, failed, text, poll.id AS id,"
    " adopted, adopted_octets AS adopted_bytes"
    " FROM poll JOIN account ON account.id = poll.account;"
    "CREATE VIEW v_quarantine AS SELECT quarantine.id AS id,"
    " account.name AS account,"
    " " SHOWN_ID " AS unique_id,"
    " quarantine.octets AS size,"
    " " ISO "stored_ms" UTC " AS stored_at,"
    " reason"
    " FROM quarantine JOIN account ON account.id = quarantine.account;";

/* What was there is plain: no body is written anew.  See chunk.h. */
static const char version_3[] =
    "ALTER TABLE chunk ADD COLUMN encoding INTEGER NOT NULL DEFAULT 0;";

/*
 * Servers count and show a message in ways of their own: what LIST said of it,
 * its line ends, and its octets in header lines that servers add stand beside
 * its size; NULL where the row is older.  What was learned of a server is the
 * library's text.
 */
static const char version_4[] =
    "ALTER TABLE uid ADD COLUMN listed_octets INTEGER;"
    "ALTER TABLE uid ADD COLUMN lines INTEGER;"
    "ALTER TABLE uid ADD COLUMN added_octets INTEGER;"
    "CREATE TABLE server("
    " host TEXT NOT NULL,"
    " port INTEGER NOT NULL,"
    " tls INTEGER NOT NULL,"
    " facts TEXT NOT NULL,"
    " updated_ms INTEGER NOT NULL,"
    " PRIMARY KEY(host, port, tls)) WITHOUT ROWID;";

/*
 * Whose maildrop the unique-ids of an account are, as the last poll that went
 * well had it; and since when its polls fail.  NULL in rows that are older.
 */
static const char version_5[] =
    "ALTER TABLE account ADD COLUMN host TEXT;"
    "ALTER TABLE account ADD COLUMN user TEXT;"
    "ALTER TABLE account ADD COLUMN failing_since_ms INTEGER;";

/* Filled behind the commits, also with what was there: see sender.h. */
static const char version_6[] = STORE_SCHEMA_SENDERS;

static enum store_status
fail(struct store_db *db, const char *path, enum store_status status,
    const char *doing, struct store_error *error_r)
{
	return store_error_set(error_r, status, "%s: %s: %s; %s", path, doing,
	    sql_words(db->sql), store_status_hint(status));
}

/* Refuse what another program made. */
static enum store_status
check_owner(struct store_db *db, const char *path, int64_t version,
    struct store_error *error_r)
{
	int64_t application, objects;
	enum store_status status =
	    sql_integer(db->sql, "PRAGMA application_id", &application);

	if (status == STORE_OK)
		status = sql_integer(
		    db->sql, "SELECT count(*) FROM sqlite_schema", &objects);
	if (status != STORE_OK)
		return fail(db, path, status, "reading the schema", error_r);
	if (application == APPLICATION_ID)
		return STORE_OK;
	if (application == 0 && version == 0 && objects == 0)
		return STORE_OK;
	return store_error_set(error_r, STORE_DAMAGED,
	    "%s is the database of another program; give another path", path);
}

/* What SQLite leaves of a copy that failed. */
static void
remove_copy(const char *copy)
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
copy_into(struct store_db *db, const char *copy)
{
	struct sql_statement use;
	enum store_status status;
	int fd = open(copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd == -1)
		return sql_fail(db->sql,
		    errno == ENOSPC ? STORE_FULL : STORE_READ_ONLY, "%s",
		    strerror(errno));
	close(fd);
	sql_prepare_once(&use, db->sql, "VACUUM INTO ?1");
	sql_bind_text(&use, 1, copy);
	status = sql_run(&use);
	if (status == STORE_OK)
		status = store_files_sync(copy);
	if (status != STORE_OK)
		remove_copy(copy);
	return status;
}

/* *copy_r is its path, for free(). */
static enum store_status
back_up(struct store_db *db, const char *path, int64_t version, char **copy_r,
    struct store_error *error_r)
{
	enum store_status status;

	if (asprintf(copy_r, "%s.version-%lld-%lld", path, (long long)version,
		(long long)evpop_clock_unix_ms()) < 0) {
		*copy_r = NULL;
		return store_error_set(error_r, STORE_MEMORY, "out of memory");
	}
	status = copy_into(db, *copy_r);
	if (status == STORE_OK)
		return STORE_OK;
	return fail(
	    db, path, status, "making a backup before the upgrade", error_r);
}

static enum store_status
run_steps(struct store_db *db, const struct store_migration *migrations,
    size_t from, size_t to)
{
	char end[96];
	enum store_status status = sql_begin(db->sql, SQL_WRITE);

	for (size_t i = from; status == STORE_OK && i < to; i++)
		status = sql_exec(db->sql, migrations[i].sql);
	snprintf(end, sizeof(end),
	    "PRAGMA application_id = %d; PRAGMA user_version = %zu; COMMIT",
	    APPLICATION_ID, to);
	if (status == STORE_OK)
		status = sql_exec(db->sql, end);
	return status;
}

static enum store_status
upgrade(struct store_db *db, const char *path,
    const struct store_migration *migrations, size_t from, size_t to,
    struct store_error *error_r)
{
	enum store_status status = run_steps(db, migrations, from, to);

	if (status == STORE_OK)
		return STORE_OK;
	fail(db, path, status, "upgrading its schema", error_r);
	sql_rollback(db->sql);
	if (sql_is_in_transaction(db->sql))
		error_r->status = STORE_DAMAGED;
	return error_r->status;
}

/*
 * A daemon that is started again and again must not fill the disk with copies
 * of what it could not upgrade; but on a disk that fails one more is welcome.
 */
static bool
is_needed(enum store_status status)
{
	return status == STORE_OK || status == STORE_IO ||
	       status == STORE_DAMAGED;
}

enum store_status
store_schema_migrate(struct store_db *db, const char *path,
    const struct store_migration *migrations, size_t count,
    struct store_error *error_r)
{
	char *copy = NULL;
	int64_t version;
	enum store_status status =
	    sql_integer(db->sql, "PRAGMA user_version", &version);

	if (status != STORE_OK)
		return fail(db, path, status, "reading its version", error_r);
	status = check_owner(db, path, version, error_r);
	if (status != STORE_OK)
		return status;
	if (version < 0 || (uint64_t)version > count)
		return store_error_set(error_r, STORE_NEWER,
		    "%s has schema version %lld, this evpopd knows up to %zu; "
		    "%s",
		    path, (long long)version, count,
		    store_status_hint(STORE_NEWER));
	if ((size_t)version == count)
		return STORE_OK;
	if (version > 0)
		status = back_up(db, path, version, &copy, error_r);
	if (status == STORE_OK)
		status = upgrade(
		    db, path, migrations, (size_t)version, count, error_r);
	if (copy != NULL && !is_needed(status))
		remove_copy(copy);
	free(copy);
	return status;
}

const struct store_migration *
store_schema_migrations(size_t *count_r)
{
	static const struct store_migration migrations[] = {
		{ version_1 },
		{ version_2 },
		{ version_3 },
		{ version_4 },
		{ version_5 },
		{ version_6 },
	};

	*count_r = sizeof(migrations) / sizeof(migrations[0]);
	return migrations;
}

enum store_status
store_schema_open(
    struct store_db *db, const char *path, struct store_error *error_r)
{
	size_t count;
	const struct store_migration *migrations =
	    store_schema_migrations(&count);

	return store_schema_migrate(db, path, migrations, count, error_r);
}
