#include "daemon/store/chunk.h"

#include "daemon/store/codec.h"
#include "daemon/store/offset.h"

enum store_status
store_chunk_insert(struct sql_db *db, int64_t number, uint32_t sequence,
    uint64_t begins, const void *bytes, size_t length)
{
	enum store_chunk_encoding encoding = STORE_CHUNK_PLAIN;

	if (store_codec_pack(
		store_db_codec(db), bytes, length, &bytes, &length))
		encoding = STORE_CHUNK_ZSTD;
	return store_chunk_insert_as(
	    db, number, sequence, begins, encoding, bytes, length);
}

enum store_status
store_chunk_insert_as(struct sql_db *db, int64_t number, uint32_t sequence,
    uint64_t begins, enum store_chunk_encoding encoding, const void *bytes,
    size_t length)
{
	static const char sql[] =
	    "INSERT INTO chunk(id, data, encoding) VALUES(?1, ?2, ?3)";
	int64_t id = store_chunk_id(number, sequence);
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, id);
	sql_bind_blob(&use, 2, bytes, length);
	sql_bind_int(&use, 3, encoding);
	status = sql_run(&use);
	/* Most bodies have one piece. */
	return status == STORE_OK && sequence > 0
		   ? store_offset_insert(db, id, begins)
		   : status;
}

static enum store_status
chunk_damaged(struct sql_db *db, const char *why)
{
	return sql_fail(
	    db, STORE_DAMAGED, "a piece of it cannot be unpacked: %s", why);
}

static enum store_status
chunk_unpack(struct sql_db *db, const void **bytes, size_t *length)
{
	const char *why;

	switch (store_codec_unpack(
	    store_db_codec(db), *bytes, *length, bytes, length, &why)) {
	case STORE_CODEC_OK:
		return STORE_OK;
	case STORE_CODEC_MEMORY:
		return STORE_MEMORY;
	case STORE_CODEC_DAMAGED:
	default:
		return chunk_damaged(db, why);
	}
}

enum store_status
store_chunk_take_as_is(struct sql_statement *use, int column,
    int64_t *encoding_r, const void **bytes_r, size_t *length_r)
{
	*encoding_r = sql_column_int(use, column);
	*bytes_r = NULL;
	*length_r = 0;
	if (sql_column_is_null(use, column + 1))
		return STORE_OK;
	*bytes_r = sql_column_blob(use, column + 1, length_r);
	if (*bytes_r != NULL)
		return STORE_OK;
	*bytes_r = "";
	return *length_r > 0 ? STORE_MEMORY : STORE_OK;
}

enum store_status
store_chunk_take(struct sql_db *db, struct sql_statement *use, int column,
    const void **bytes_r, size_t *length_r)
{
	int64_t encoding;
	enum store_status status =
	    store_chunk_take_as_is(use, column, &encoding, bytes_r, length_r);

	if (status != STORE_OK || *bytes_r == NULL ||
	    encoding == STORE_CHUNK_PLAIN)
		return status;
	switch (encoding) {
	case STORE_CHUNK_ZSTD:
		return chunk_unpack(db, bytes_r, length_r);
	case STORE_CHUNK_SEALED:
	case STORE_CHUNK_SEALED_ZSTD:
		*bytes_r = NULL;
		*length_r = 0;
		return sql_fail(db, STORE_SEALED, "it is sealed");
	default:
		return chunk_damaged(db, "Its encoding is not known");
	}
}

void
store_chunk_use_all(
    struct sql_statement *use, struct sql_db *db, int64_t number)
{
	store_chunk_use_from(use, db, number, 0);
}

void
store_chunk_use_from(struct sql_statement *use, struct sql_db *db,
    int64_t number, uint32_t sequence)
{
	static const char sql[] = "SELECT id, " STORE_CHUNK_COLUMNS
				  " FROM chunk WHERE id >= ?1 AND id < ?2"
				  " ORDER BY id";

	sql_prepare(use, db, sql);
	sql_bind_int(use, 1, store_chunk_id(number, sequence));
	sql_bind_int(use, 2, store_chunk_id(number + 1, 0));
}

enum store_status
store_chunk_try(struct sql_db *db)
{
	static const char insert[] =
	    "INSERT INTO chunk(id, data) VALUES(-1, ?1)"
	    " ON CONFLICT(id) DO UPDATE SET data = excluded.data";
	static const char delete[] = "DELETE FROM chunk WHERE id = -1";
	static unsigned char zeros[256 * 1024];
	enum store_status status;
	struct sql_statement use;

	sql_prepare(&use, db, insert);
	sql_bind_blob(&use, 1, zeros, sizeof(zeros));
	status = sql_run(&use);
	return status == STORE_OK ? sql_exec(db, delete) : status;
}

enum store_status
store_chunk_remove(
    struct sql_db *db, int64_t number, uint32_t most, bool *gone_r)
{
	static const char sql[] =
	    "DELETE FROM chunk WHERE id IN (SELECT id FROM chunk"
	    " WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)";
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, store_chunk_id(number, 0));
	sql_bind_int(&use, 2, store_chunk_id(number + 1, 0));
	sql_bind_int(&use, 3, most);
	status = sql_run(&use);
	*gone_r = status == STORE_OK && sql_changes(db) < (int64_t)most;
	return status;
}

enum store_status
store_chunk_note_unfinished(struct sql_db *db, int64_t number)
{
	static const char sql[] = "INSERT INTO unfinished(body) VALUES(?1)";

	return sql_run_of(db, sql, number);
}

enum store_status
store_chunk_note_finished(struct sql_db *db, int64_t number)
{
	static const char sql[] = "DELETE FROM unfinished WHERE body = ?1";

	return sql_run_of(db, sql, number);
}
