#include "daemon/store/unique.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/hex.h"

_Static_assert(STORE_UID_STORED == 0 && STORE_UID_DELETE == 1 &&
		   STORE_UID_DELETED == 3 && STORE_UID_GONE == 4 &&
		   STORE_UID_WAITING == 6,
    "the statements and the schema know these states by number");

void
store_unique_prepare(struct sql_statement *use, struct sql_db *db,
    const char *sql, const struct store_unique *unique)
{
	sql_prepare(use, db, sql);
	sql_bind_int(use, 1, unique->account_id);
	sql_bind_blob(use, 2, unique->id, unique->id_length);
	sql_bind_int(use, 3, unique->occurrence);
}

enum store_status
store_unique_look_up(struct sql_db *db, const struct store_unique *unique,
    struct store_unique_row *row_r)
{
	static const char sql[] =
	    "SELECT uid.state, coalesce(message.id, tombstone.id),"
	    " uid.stored_ms, uid.header_digest,"
	    " coalesce(message.octets, tombstone.octets),"
	    " coalesce(message.digest, tombstone.digest),"
	    " coalesce(message.stored_ms, tombstone.stored_ms),"
	    " uid.listed_octets, uid.lines, uid.added_octets"
	    " FROM uid LEFT JOIN message ON message.id = uid.message"
	    " LEFT JOIN tombstone ON message.id IS NULL"
	    "  AND tombstone.id = uid.message"
	    " WHERE uid.account = ?1 AND uid.unique_id = ?2"
	    " AND uid.occurrence = ?3";
	struct sql_statement use;

	memset(row_r, 0, sizeof(*row_r));
	store_unique_prepare(&use, db, sql, unique);
	if (sql_step(&use)) {
		struct sql_statement *row = &use;

		row_r->found = true;
		row_r->state = (enum store_uid_state)sql_column_int(row, 0);
		row_r->stored_ms = sql_column_int(row, 2);
		row_r->has_header_digest = sql_column_bytes(
		    row, 3, row_r->header_digest, sizeof(row_r->header_digest));
		row_r->octets = (uint64_t)sql_column_int(row, 4);
		/* A message whose digest is damaged is like no other. */
		if (sql_column_bytes(
			row, 5, row_r->digest, sizeof(row_r->digest)))
			row_r->message_id = sql_column_int(row, 1);
		row_r->message_stored_ms = sql_column_int(row, 6);
		row_r->listed_octets = (uint64_t)sql_column_int(row, 7);
		row_r->lines = (uint64_t)sql_column_int(row, 8);
		row_r->added_octets = (uint64_t)sql_column_int(row, 9);
	}
	return sql_end(&use);
}

bool
store_unique_is(const struct store_unique_row *row, uint64_t octets,
    const unsigned char digest[STORE_DIGEST_SIZE])
{
	return row->message_id != 0 && row->octets == octets &&
	       memcmp(row->digest, digest, STORE_DIGEST_SIZE) == 0;
}

/* Parameters ?4 to ?8 of a row that stands for a message. */
static void
unique_bind_looks(struct sql_statement *use, const struct store_unique_row *row)
{
	sql_bind_int(use, 4, (int64_t)row->octets);
	if (row->has_header_digest)
		sql_bind_blob(
		    use, 5, row->header_digest, sizeof(row->header_digest));
	/* Unknown values are NULL. */
	if (row->listed_octets != 0)
		sql_bind_int(use, 6, (int64_t)row->listed_octets);
	if (row->lines != 0)
		sql_bind_int(use, 7, (int64_t)row->lines);
	if (row->added_octets != 0)
		sql_bind_int(use, 8, (int64_t)row->added_octets);
}

static enum store_status
unique_write_row(struct sql_db *db, const struct store_unique *unique,
    const struct store_unique_row *row)
{
	static const char sql[] =
	    "INSERT INTO uid(account, unique_id, occurrence, octets,"
	    " header_digest, listed_octets, lines, added_octets, state,"
	    " message, stored_ms)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
	    " ON CONFLICT(account, unique_id, occurrence) DO UPDATE"
	    " SET state = excluded.state, message = excluded.message,"
	    " stored_ms = excluded.stored_ms, octets = excluded.octets,"
	    " header_digest = excluded.header_digest,"
	    " listed_octets = excluded.listed_octets,"
	    " lines = excluded.lines, added_octets = excluded.added_octets";
	struct sql_statement use;

	store_unique_prepare(&use, db, sql, unique);
	sql_bind_int(&use, 9, row->state);
	sql_bind_int(&use, 11, row->stored_ms);
	if (row->message_id != 0) {
		sql_bind_int(&use, 10, row->message_id);
		unique_bind_looks(&use, row);
	}
	return sql_run(&use);
}

static enum store_status
unique_next_occurrence(struct sql_db *db, struct store_unique *unique)
{
	static const char sql[] =
	    "SELECT coalesce(max(occurrence) + 1, 0) FROM uid"
	    " WHERE account = ?1 AND unique_id = ?2";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, unique->account_id);
	sql_bind_blob(&use, 2, unique->id, unique->id_length);
	if (sql_step(&use))
		unique->occurrence = (uint32_t)sql_column_int(&use, 0);
	return sql_end(&use);
}

static enum store_status
unique_keep_former(struct sql_db *db, const struct store_unique *unique,
    const struct store_unique_row *former, int64_t message_id)
{
	char id[STORE_UNIQUE_BODY_ID];
	struct store_unique key = { .account_id = unique->account_id,
		.id = (const unsigned char *)id,
		.id_length = sizeof(id) - 1 };
	struct store_unique_row row = *former;
	enum store_status status;

	if (row.message_id == 0 || row.message_id == message_id ||
	    row.state == STORE_UID_DELETED)
		return STORE_OK;
	store_unique_body_id(row.digest, id);
	row.state = STORE_UID_GONE;
	row.stored_ms = store_db_now_ms(db);
	status = unique_next_occurrence(db, &key);
	return status == STORE_OK ? unique_write_row(db, &key, &row) : status;
}

enum store_status
store_unique_replace(struct sql_db *db, const struct store_unique *unique,
    const struct store_unique_row *former, const struct store_unique_row *row)
{
	enum store_status status =
	    unique_keep_former(db, unique, former, row->message_id);

	return status == STORE_OK ? unique_write_row(db, unique, row) : status;
}

enum store_status
store_unique_put(struct sql_db *db, const struct store_unique *unique,
    const struct store_unique_row *row)
{
	struct store_unique_row former;
	enum store_status status = store_unique_look_up(db, unique, &former);

	if (status != STORE_OK)
		return status;
	return store_unique_replace(db, unique, &former, row);
}

/* People look for a message by the id that the server has for it now. */
static enum store_status
unique_name_message(
    struct sql_db *db, const struct store_unique *unique, int64_t message_id)
{
	static const char sql[] =
	    "UPDATE message SET unique_id = ?2 WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, message_id);
	if (unique->id_length == 0 || unique->id[0] != ' ')
		sql_bind_blob(&use, 2, unique->id, unique->id_length);
	return sql_run(&use);
}

enum store_status
store_unique_move(struct sql_db *db, const struct store_unique *from,
    const struct store_unique *to, const struct store_unique_row *row)
{
	enum store_status status = store_unique_forget(db, from);

	if (status == STORE_OK)
		status = store_unique_put(db, to, row);
	if (status == STORE_OK && row->message_id != 0)
		status = unique_name_message(db, to, row->message_id);
	return status;
}

static bool
unique_needs_message(enum store_uid_state state)
{
	return state == STORE_UID_STORED || state == STORE_UID_DELETE ||
	       state == STORE_UID_GONE;
}

enum store_status
store_unique_set_state(struct sql_db *db, const struct store_unique *unique,
    enum store_uid_state state)
{
	static const char change[] =
	    "UPDATE uid SET state = ?4, stored_ms = CASE"
	    " WHEN state = ?4 THEN stored_ms"
	    " WHEN ?4 IN (3, 4, 6) THEN ?5"
	    " WHEN state IN (3, 4, 6) THEN coalesce((SELECT message.stored_ms"
	    "  FROM message WHERE message.id = uid.message),"
	    "  (SELECT tombstone.stored_ms FROM tombstone"
	    "  WHERE tombstone.id = uid.message), ?5)"
	    " ELSE stored_ms END" STORE_UNIQUE_WHERE
	    " AND (message IS NOT NULL OR ?4 NOT IN (0, 1, 4))";
	static const char make[] =
	    "INSERT INTO uid(account, unique_id, occurrence, state,"
	    " stored_ms) VALUES(?1, ?2, ?3, ?4, ?5)";
	int64_t now_ms = store_db_now_ms(db);
	enum store_status status;
	struct sql_statement use;

	store_unique_prepare(&use, db, change, unique);
	sql_bind_int(&use, 4, state);
	sql_bind_int(&use, 5, now_ms);
	status = sql_run(&use);
	if (status != STORE_OK || sql_changes(db) > 0 ||
	    unique_needs_message(state))
		return status;
	store_unique_prepare(&use, db, make, unique);
	sql_bind_int(&use, 4, state);
	sql_bind_int(&use, 5, now_ms);
	return sql_run(&use);
}

enum store_status
store_unique_describe(struct sql_db *db, const struct store_unique *unique,
    const struct store_unique_row *row)
{
	static const char sql[] =
	    "UPDATE uid SET octets = ?4, header_digest = ?5,"
	    " listed_octets = ?6, lines = ?7, added_octets = "
	    "?8" STORE_UNIQUE_WHERE;
	struct sql_statement use;

	store_unique_prepare(&use, db, sql, unique);
	unique_bind_looks(&use, row);
	return sql_run(&use);
}

enum store_status
store_unique_forget(struct sql_db *db, const struct store_unique *unique)
{
	struct sql_statement use;
	static const char sql[] = "DELETE FROM uid" STORE_UNIQUE_WHERE;

	store_unique_prepare(&use, db, sql, unique);
	return sql_run(&use);
}

void
store_unique_body_id(const unsigned char digest[STORE_DIGEST_SIZE],
    char id_r[STORE_UNIQUE_BODY_ID])
{
	char hex[STORE_DIGEST_HEX];

	evpop_hex_encode(digest, STORE_DIGEST_SIZE, hex);
	snprintf(id_r, STORE_UNIQUE_BODY_ID, " body-%s", hex);
}

static const char import_prefix[] = " body-import-";

void
store_unique_import_id(const unsigned char digest[STORE_DIGEST_SIZE],
    char id_r[STORE_UNIQUE_IMPORT_ID])
{
	char hex[STORE_DIGEST_HEX];

	evpop_hex_encode(digest, STORE_DIGEST_SIZE, hex);
	snprintf(id_r, STORE_UNIQUE_IMPORT_ID, "%s%s", import_prefix, hex);
}

bool
store_unique_is_import(const unsigned char *id, size_t length)
{
	return length >= sizeof(import_prefix) - 1 &&
	       memcmp(id, import_prefix, sizeof(import_prefix) - 1) == 0;
}
