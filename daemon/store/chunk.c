#include "daemon/store/chunk.h"

#include <stdio.h>

#include "daemon/store/schema.h"

enum store_status
store_chunk_insert(struct store_db *db, int64_t number, uint32_t sequence,
    const void *bytes, size_t length)
{
	static const char sql[] =
	    "INSERT INTO chunk(id, data, encoding) VALUES(?1, ?2, ?3)";
	enum store_chunk_encoding encoding = STORE_CHUNK_PLAIN;
	struct store_use use;

	if (store_codec_pack(&db->codec, bytes, length, &bytes, &length))
		encoding = STORE_CHUNK_ZSTD;
	store_use(&use, db, sql);
	store_bind_int(&use, 1, store_chunk_id(number, sequence));
	store_bind_blob(&use, 2, bytes, length);
	store_bind_int(&use, 3, encoding);
	return store_run(&use);
}

static enum store_status
damaged(struct store_db *db, const char *why)
{
	snprintf(db->words, sizeof(db->words),
	    "a piece of it cannot be unpacked: %s", why);
	return STORE_DAMAGED;
}

static enum store_status
unpack(struct store_db *db, const void **bytes, size_t *length)
{
	const char *why;

	switch (store_codec_unpack(
	    &db->codec, *bytes, *length, bytes, length, &why)) {
	case STORE_CODEC_OK:
		return STORE_OK;
	case STORE_CODEC_MEMORY:
		return STORE_MEMORY;
	case STORE_CODEC_DAMAGED:
	default:
		return damaged(db, why);
	}
}

enum store_status
store_chunk_take(
    struct store_use *use, int column, const void **bytes_r, size_t *length_r)
{
	sqlite3_stmt *row = use->statement;
	int encoding = sqlite3_column_int(row, column);

	*bytes_r = NULL;
	*length_r = 0;
	if (sqlite3_column_type(row, column + 1) == SQLITE_NULL)
		return STORE_OK;
	*bytes_r = sqlite3_column_blob(row, column + 1);
	*length_r = (size_t)sqlite3_column_bytes(row, column + 1);
	if (*bytes_r == NULL) {
		if (*length_r > 0)
			return STORE_MEMORY;
		*bytes_r = "";
	}
	if (encoding == STORE_CHUNK_PLAIN)
		return STORE_OK;
	if (encoding == STORE_CHUNK_ZSTD)
		return unpack(use->db, bytes_r, length_r);
	return damaged(use->db, "Its encoding is not known");
}

void
store_chunk_use_all(struct store_use *use, struct store_db *db, int64_t number)
{
	static const char sql[] = "SELECT id, " STORE_CHUNK_COLUMNS
				  " FROM chunk WHERE id >= ?1 AND id < ?2"
				  " ORDER BY id";

	store_use(use, db, sql);
	store_bind_int(use, 1, store_chunk_id(number, 0));
	store_bind_int(use, 2, store_chunk_id(number + 1, 0));
}
