#include "daemon/store/db.h"

#include <stdlib.h>

#include "daemon/store/codec.h"

struct context {
	struct store_codec codec;
	const struct store_digest_key *digest_key;
	struct store_sealer *sealer;
	int64_t now_ms;
};

static struct context *
db_context(struct sql_db *db)
{
	return sql_context(db);
}

enum store_status
store_db_open(struct sql_db **db_r, const char *path, enum sql_access access)
{
	enum store_status status = sql_open(db_r, path, access);
	struct context *context;

	if (status != STORE_OK)
		return status;
	context = calloc(1, sizeof(*context));
	if (context == NULL)
		return STORE_MEMORY;
	sql_set_context(*db_r, context);
	return STORE_OK;
}

void
store_db_close(struct sql_db *db)
{
	struct context *context;

	if (db == NULL)
		return;
	context = db_context(db);
	sql_close(db);
	if (context != NULL)
		store_codec_clear(&context->codec);
	free(context);
}

struct store_codec *
store_db_codec(struct sql_db *db)
{
	return &db_context(db)->codec;
}

const struct store_digest_key *
store_db_digest_key(struct sql_db *db)
{
	return db_context(db)->digest_key;
}

void
store_db_set_digest_key(struct sql_db *db, const struct store_digest_key *key)
{
	db_context(db)->digest_key = key;
}

struct store_sealer *
store_db_sealer(struct sql_db *db)
{
	return db_context(db)->sealer;
}

void
store_db_set_sealer(struct sql_db *db, struct store_sealer *sealer)
{
	db_context(db)->sealer = sealer;
}

int64_t
store_db_now_ms(struct sql_db *db)
{
	return db_context(db)->now_ms;
}

void
store_db_set_now_ms(struct sql_db *db, int64_t now_ms)
{
	db_context(db)->now_ms = now_ms;
}
