#include "daemon/store/keying.h"

#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/store/meta.h"
#include "daemon/store/sql/sqlite.h"
#include "daemon/store/status.h"
#include "daemon/store/unique.h"
#include "lib/base/hex.h"

/* The keyed digest of a constant: the key is known by it. */
#define KEY_MARK "digest_key"

/* How far it is; no row: it is done, or was not begun. */
#define STAGE "keying_stage"
#define ABOVE "keying_above"

/* Rows of one transaction. */
#define BATCH 2000

/*
 * Ids that are made of digests: of a body without a unique-id, of what was
 * imported, of a header where the server has no unique-ids, and such a one of a
 * maildrop that was polled before.  Each is given a name of its own first, so
 * that none is keyed twice.
 */
#define KEYED     " keyed"
#define ASIDE     " was-"
#define ASIDE_ID  24 /* so many octets are before the id that it had */
#define OF_HEADER " top-"
static const char *const ids[][2] = {
	{ " body-", " body." },
	{ OF_HEADER, " top." },
	{ ASIDE, " was." },
};
#define OF_TOP                                        \
	" unique_id >= CAST('" OF_HEADER "' AS BLOB)" \
	" AND unique_id < CAST(' top.' AS BLOB)"

struct keying {
	struct sql_db *db;
	const struct store_digest_key *key;
	int64_t above; /* what is done */
	bool has_more;
};

/* ---- rows with a digest ---- */

/* One batch is read, and then written: a walk must not meet its changes. */
struct keyed_row {
	int64_t id;
	unsigned char digest[STORE_DIGEST_SIZE];
};

static enum store_status
keying_read_rows(struct keying *keying, const char *sql,
    struct keyed_row rows[BATCH], size_t *count_r)
{
	struct sql_statement use;
	size_t count = 0;

	sql_prepare(&use, keying->db, sql);
	sql_bind_int(&use, 1, keying->above);
	sql_bind_int(&use, 2, BATCH);
	keying->has_more = false;
	while (sql_step(&use) && count < BATCH) {
		keying->has_more = true;
		keying->above = rows[count].id = sql_column_int(&use, 0);
		/* What has another size is damaged, and matches nothing. */
		if (sql_column_bytes(&use, 1, rows[count].digest,
			sizeof(rows[count].digest)))
			count++;
	}
	*count_r = count;
	return sql_end(&use);
}

static enum store_status
keying_write_row(struct keying *keying, const char *sql, struct keyed_row *row)
{
	struct sql_statement use;

	store_digest_apply_key(keying->key, row->digest);
	sql_prepare(&use, keying->db, sql);
	sql_bind_int(&use, 1, row->id);
	sql_bind_blob(&use, 2, row->digest, sizeof(row->digest));
	return sql_run(&use);
}

static enum store_status
keying_rows(struct keying *keying, const char *select, const char *update)
{
	struct keyed_row rows[BATCH];
	size_t count;
	enum store_status status =
	    keying_read_rows(keying, select, rows, &count);

	for (size_t i = 0; status == STORE_OK && i < count; i++)
		status = keying_write_row(keying, update, &rows[i]);
	return status;
}

static enum store_status
keying_messages(struct keying *keying)
{
	return keying_rows(keying,
	    "SELECT id, digest FROM message WHERE id > ?1 ORDER BY id LIMIT ?2",
	    "UPDATE message SET digest = ?2 WHERE id = ?1");
}

static enum store_status
keying_tombstones(struct keying *keying)
{
	return keying_rows(keying,
	    "SELECT id, digest FROM tombstone WHERE id > ?1 ORDER BY id"
	    " LIMIT ?2",
	    "UPDATE tombstone SET digest = ?2 WHERE id = ?1");
}

/* ---- digests of headers ---- */

static enum store_status
keying_next_account(struct keying *keying)
{
	static const char sql[] =
	    "SELECT id FROM account WHERE id > ?1 ORDER BY id LIMIT 1";
	struct sql_statement use;

	sql_prepare(&use, keying->db, sql);
	sql_bind_int(&use, 1, keying->above);
	keying->has_more = sql_step(&use);
	if (keying->has_more)
		keying->above = sql_column_int(&use, 0);
	return sql_end(&use);
}

/* One row behind the id, which it takes over; *more_r: there is one. */
#define ID_MAX 4096
struct keyed_id {
	unsigned char id[ID_MAX];
	size_t length;
	int64_t occurrence;
	bool has_digest;
	unsigned char digest[STORE_HEADER_DIGEST_SIZE];
};

/* Its id and its occurrence; a longer id is damaged, and stays. */
static void
keying_take_id(struct sql_statement *use, int column, struct keyed_id *id_r)
{
	const void *bytes = sql_column_blob(use, column, &id_r->length);

	if (id_r->length > ID_MAX)
		id_r->length = ID_MAX;
	if (bytes != NULL)
		memcpy(id_r->id, bytes, id_r->length);
	id_r->occurrence = sql_column_int(use, column + 1);
}

static enum store_status
keying_next_header(struct keying *keying, struct keyed_id *id, bool *more_r)
{
	static const char sql[] =
	    "SELECT unique_id, occurrence, header_digest FROM uid"
	    " WHERE account = ?1 AND (unique_id, occurrence) > (?2, ?3)"
	    " ORDER BY unique_id, occurrence LIMIT 1";
	struct sql_statement use;

	sql_prepare(&use, keying->db, sql);
	sql_bind_int(&use, 1, keying->above);
	sql_bind_blob(&use, 2, id->id, id->length);
	sql_bind_int(&use, 3, id->occurrence);
	*more_r = sql_step(&use);
	if (*more_r) {
		keying_take_id(&use, 0, id);
		id->has_digest =
		    sql_column_bytes(&use, 2, id->digest, sizeof(id->digest));
	}
	return sql_end(&use);
}

/* ?1 to ?3 of a statement. */
static void
keying_prepare_id(struct sql_statement *use, const struct keying *keying,
    const char *sql, const struct keyed_id *id)
{
	sql_prepare(use, keying->db, sql);
	sql_bind_int(use, 1, keying->above);
	sql_bind_blob(use, 2, id->id, id->length);
	sql_bind_int(use, 3, id->occurrence);
}

static enum store_status
keying_write_header(struct keying *keying, struct keyed_id *id)
{
	static const char sql[] =
	    "UPDATE uid SET header_digest = ?4" STORE_UNIQUE_WHERE;
	struct sql_statement use;

	store_digest_apply_key(keying->key, id->digest);
	keying_prepare_id(&use, keying, sql, id);
	sql_bind_blob(&use, 4, id->digest, sizeof(id->digest));
	return sql_run(&use);
}

/* All of an account at once: a digest does not tell whether it is keyed. */
static enum store_status
keying_headers(struct keying *keying)
{
	struct keyed_id id = { .occurrence = -1 };
	enum store_status status = keying_next_account(keying);
	bool more = keying->has_more;

	while (status == STORE_OK && more) {
		status = keying_next_header(keying, &id, &more);
		if (status == STORE_OK && more && id.has_digest)
			status = keying_write_header(keying, &id);
	}
	return status;
}

/* ---- ids that are digests ---- */

/* Where in an id the digits of a digest begin; 0: it has none. */
static size_t
keying_find_digits(const unsigned char *id, size_t length)
{
	static const char *const begins[] = { " body-import-", " body-",
		OF_HEADER };
	size_t from = 0;

	if (length > ASIDE_ID && memcmp(id, ASIDE, sizeof(ASIDE) - 1) == 0)
		from = ASIDE_ID;
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		const size_t before = strlen(begins[i]);

		if (length - from >= before + STORE_DIGEST_HEX - 1 &&
		    memcmp(id + from, begins[i], before) == 0)
			return from + before;
	}
	return 0;
}

/* False, and nothing is changed, where it is made of no digest. */
static bool
keying_key_digits(const struct keying *keying, unsigned char *id, size_t length)
{
	const size_t at = keying_find_digits(id, length);
	unsigned char digest[STORE_DIGEST_SIZE];
	char hex[STORE_DIGEST_HEX];

	for (size_t i = 0; i < STORE_DIGEST_SIZE; i++) {
		int octet =
		    at == 0 ? -1
			    : evpop_hex_octet((const char *)id + at + 2 * i);

		if (octet < 0)
			return false;
		digest[i] = (unsigned char)octet;
	}
	store_digest_apply_key(keying->key, digest);
	evpop_hex_encode(digest, sizeof(digest), hex);
	memcpy(id + at, hex, STORE_DIGEST_HEX - 1);
	return true;
}

/*
 * The first of the account behind the id, which it takes over, and before
 * `end`.
 */
static enum store_status
keying_find_id(
    struct keying *keying, const char *end, struct keyed_id *id, bool *more_r)
{
	static const char sql[] =
	    "SELECT unique_id, occurrence FROM uid WHERE account = ?1"
	    " AND (unique_id, occurrence) > (?2, ?3) AND unique_id < ?4"
	    " ORDER BY unique_id, occurrence LIMIT 1";
	struct sql_statement use;

	keying_prepare_id(&use, keying, sql, id);
	sql_bind_blob(&use, 4, end, strlen(end));
	*more_r = sql_step(&use);
	if (*more_r)
		keying_take_id(&use, 0, id);
	return sql_end(&use);
}

static enum store_status
keying_name_id(struct keying *keying, const struct keyed_id *id,
    const unsigned char *name, size_t length)
{
	static const char sql[] =
	    "UPDATE uid SET unique_id = ?4" STORE_UNIQUE_WHERE;
	struct sql_statement use;

	keying_prepare_id(&use, keying, sql, id);
	sql_bind_blob(&use, 4, name, length);
	return sql_run(&use);
}

static void
keying_begin_at(struct keyed_id *id, const char *begin)
{
	id->length = strlen(begin);
	memcpy(id->id, begin, id->length);
	id->occurrence = -1;
}

static enum store_status
keying_key_ids(struct keying *keying, const char *begin, const char *end)
{
	const size_t more = sizeof(KEYED) - 1;
	unsigned char name[sizeof(KEYED) + ID_MAX] = KEYED;
	enum store_status status = STORE_OK;
	struct keyed_id id;
	bool is_there = true;

	keying_begin_at(&id, begin);
	while (status == STORE_OK && is_there) {
		status = keying_find_id(keying, end, &id, &is_there);
		if (status != STORE_OK || !is_there)
			break;
		memcpy(name + more, id.id, id.length);
		if (keying_key_digits(keying, name + more, id.length))
			status =
			    keying_name_id(keying, &id, name, more + id.length);
	}
	return status;
}

static enum store_status
keying_name_back(struct keying *keying)
{
	const size_t more = sizeof(KEYED) - 1;
	enum store_status status = STORE_OK;
	struct keyed_id id;
	bool is_there = true;

	keying_begin_at(&id, KEYED);
	while (status == STORE_OK && is_there) {
		status = keying_find_id(keying, KEYED "!", &id, &is_there);
		if (status == STORE_OK && is_there)
			status = keying_name_id(
			    keying, &id, id.id + more, id.length - more);
	}
	return status;
}

/* All of an account at once, as above. */
static enum store_status
keying_ids(struct keying *keying)
{
	enum store_status status = keying_next_account(keying);

	for (size_t i = 0; status == STORE_OK && keying->has_more &&
			   i < sizeof(ids) / sizeof(ids[0]);
	     i++)
		status = keying_key_ids(keying, ids[i][0], ids[i][1]);
	return status == STORE_OK && keying->has_more ? keying_name_back(keying)
						      : status;
}

/* The same id in rows that have a number: one after the other. */
static enum store_status
keying_next_named(struct keying *keying, const char *select, const char *update)
{
	unsigned char id[ID_MAX];
	size_t length = 0;
	enum store_status status;
	struct sql_statement use;

	sql_prepare(&use, keying->db, select);
	sql_bind_int(&use, 1, keying->above);
	keying->has_more = sql_step(&use);
	if (keying->has_more) {
		const void *bytes = sql_column_blob(&use, 1, &length);

		keying->above = sql_column_int(&use, 0);
		if (length > sizeof(id) || bytes == NULL)
			length = 0;
		if (length > 0)
			memcpy(id, bytes, length);
	}
	status = sql_end(&use);
	if (status != STORE_OK || !keying_key_digits(keying, id, length))
		return status;
	sql_prepare(&use, keying->db, update);
	sql_bind_int(&use, 1, keying->above);
	sql_bind_blob(&use, 2, id, length);
	return sql_run(&use);
}

static enum store_status
keying_named(struct keying *keying, const char *select, const char *update)
{
	enum store_status status = STORE_OK;

	keying->has_more = true;
	for (int i = 0; status == STORE_OK && keying->has_more && i < BATCH;
	     i++)
		status = keying_next_named(keying, select, update);
	return status;
}

static enum store_status
keying_named_messages(struct keying *keying)
{
	return keying_named(keying,
	    "SELECT id, unique_id FROM message WHERE id > ?1 AND" OF_TOP
	    " ORDER BY id LIMIT 1",
	    "UPDATE message SET unique_id = ?2 WHERE id = ?1");
}

static enum store_status
keying_named_quarantine(struct keying *keying)
{
	return keying_named(keying,
	    "SELECT id, unique_id FROM quarantine WHERE id > ?1 AND" OF_TOP
	    " ORDER BY id LIMIT 1",
	    "UPDATE quarantine SET unique_id = ?2 WHERE id = ?1");
}

/* What has failed is counted from the beginning. */
static enum store_status
keying_failures(struct keying *keying)
{
	keying->has_more = false;
	return sql_exec(keying->db, "DELETE FROM failure WHERE" OF_TOP);
}

/* ---- all of it ---- */

/* In their order, from 1; each step is one batch. */
static enum store_status (*const stages[])(struct keying *) = {
	[1] = keying_messages,
	[2] = keying_tombstones,
	[3] = keying_headers,
	[4] = keying_ids,
	[5] = keying_named_messages,
	[6] = keying_named_quarantine,
	[7] = keying_failures,
};
#define STAGES ((int64_t)(sizeof(stages) / sizeof(stages[0])))

static enum store_status
keying_end(struct sql_db *db)
{
	return sql_exec(
	    db, "DELETE FROM meta WHERE key IN ('" STAGE "', '" ABOVE "')");
}

static enum store_status
keying_step(struct keying *keying, int64_t *stage)
{
	enum store_status status = sql_begin(keying->db, SQL_WRITE);

	if (status == STORE_OK)
		status = stages[*stage](keying);
	if (!keying->has_more) {
		(*stage)++;
		keying->above = 0;
	}
	if (status == STORE_OK && *stage < STAGES)
		status = store_meta_set(keying->db, ABOVE, keying->above);
	if (status == STORE_OK && *stage < STAGES)
		status = store_meta_set(keying->db, STAGE, *stage);
	if (status == STORE_OK && *stage == STAGES)
		status = keying_end(keying->db);
	FAILPOINT("keying digests");
	if (status == STORE_OK)
		status = sql_commit(keying->db);
	if (status != STORE_OK)
		sql_rollback(keying->db);
	return status;
}

/*
 * The log has what was there before.  A reader of another process that is in
 * the way leaves that to the next start.
 */
static enum store_status
keying_clear_log(struct sql_db *db)
{
	enum store_status status = sqlite_clear_log(db);

	return status == STORE_BUSY ? STORE_OK : status;
}

static enum store_status
keying_run(struct sql_db *db, const struct store_digest_key *key)
{
	struct keying keying = { .db = db, .key = key };
	int64_t stage;
	enum store_status status = store_meta_get(db, STAGE, &stage);

	if (status == STORE_OK)
		status = store_meta_get(db, ABOVE, &keying.above);
	while (status == STORE_OK && stage > 0 && stage < STAGES) {
		status = keying_step(&keying, &stage);
		if (status == STORE_OK)
			status = keying_clear_log(db);
	}
	return status == STORE_OK ? keying_clear_log(db) : status;
}

/* With the first of it: whoever comes next knows that it was begun. */
static enum store_status
keying_begin(struct sql_db *db, const char *mark)
{
	enum store_status status = sql_begin(db, SQL_WRITE);

	if (status == STORE_OK)
		status = store_meta_set_text(db, KEY_MARK, mark);
	if (status == STORE_OK)
		status = store_meta_set(db, STAGE, 1);
	if (status == STORE_OK)
		status = sql_commit(db);
	if (status != STORE_OK)
		sql_rollback(db);
	return status;
}

static void
keying_mark(const struct store_digest_key *key, char mark_r[STORE_DIGEST_HEX])
{
	unsigned char digest[STORE_DIGEST_SIZE] = "evpop: the key of digests";

	store_digest_apply_key(key, digest);
	evpop_hex_encode(digest, sizeof(digest), mark_r);
}

static enum store_status
keying_refuse(const char *path, bool has_key, struct store_error *error_r)
{
	return store_error_set(error_r, STORE_NO_KEY,
	    has_key ? "%s was used with another key than this; %s"
		    : "%s holds sealed mail, and the daemon has no key; %s",
	    path, store_status_hint(STORE_NO_KEY));
}

enum store_status
store_keying_open(struct sql_db *db, const char *path,
    const struct store_digest_key *key, bool seals, bool *is_keyed_r,
    struct store_error *error_r)
{
	char known[STORE_DIGEST_HEX], mark[STORE_DIGEST_HEX];
	enum store_status status =
	    store_meta_get_text(db, KEY_MARK, known, sizeof(known), is_keyed_r);

	if (status == STORE_OK && key == NULL)
		return *is_keyed_r || seals
			   ? keying_refuse(path, false, error_r)
			   : STORE_OK;
	keying_mark(key, mark);
	if (status == STORE_OK && *is_keyed_r && strcmp(known, mark) != 0)
		return keying_refuse(path, true, error_r);
	if (status == STORE_OK && !*is_keyed_r && !seals)
		return STORE_OK;
	if (status == STORE_OK && !*is_keyed_r)
		status = keying_begin(db, mark);
	*is_keyed_r = true;
	if (status == STORE_OK)
		status = keying_run(db, key);
	if (status != STORE_OK)
		store_error_set(error_r, status,
		    "%s: keying its digests: %s; %s", path, sql_words(db),
		    store_status_hint(status));
	return status;
}
