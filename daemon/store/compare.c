#include "daemon/store/compare.h"

#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/same_digest.h"

static enum store_status
compare_feed_file(
    struct store_same_digest *same, struct sql_db *db, int64_t number)
{
	enum store_status taken = STORE_OK, status;
	struct sql_statement use;

	store_chunk_use_all(&use, db, number);
	while (taken == STORE_OK && sql_step(&use)) {
		const void *bytes;
		size_t length;

		taken = store_chunk_take(db, &use, 1, &bytes, &length);
		if (taken == STORE_OK)
			store_same_digest_feed(same, bytes, length);
	}
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

/* *has_digest_r: it is sealed, and its digest was kept. */
static enum store_status
compare_find_body(struct sql_db *db, int64_t message_id, int64_t *number_r,
    bool *has_digest_r, unsigned char digest_r[STORE_DIGEST_SIZE])
{
	static const char sql[] =
	    "SELECT message.body, sealed.same_digest FROM message"
	    " LEFT JOIN sealed ON sealed.message = message.id"
	    " WHERE message.id = ?1";
	enum store_status status = STORE_NOT_FOUND, ended;
	struct sql_statement use;

	*has_digest_r = false;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, message_id);
	if (sql_step(&use)) {
		*number_r = sql_column_int(&use, 0);
		*has_digest_r =
		    sql_column_bytes(&use, 1, digest_r, STORE_DIGEST_SIZE);
		status = STORE_OK;
	}
	ended = sql_end(&use);
	return ended != STORE_OK ? ended : status;
}

/* Of pieces in the file, and of one that is not there yet or NULL. */
static enum store_status
compare_read(struct sql_db *db, int64_t number, const struct store_piece *last,
    unsigned char digest_r[STORE_DIGEST_SIZE])
{
	struct store_same_digest *same =
	    store_same_digest_new(STORE_SAME_ALWAYS);
	enum store_status status;

	if (same == NULL)
		return STORE_MEMORY;
	status = compare_feed_file(same, db, number);
	if (status == STORE_OK && last != NULL)
		store_same_digest_feed(same, last->bytes, last->length);
	(void)store_same_digest_finish(same, digest_r);
	store_digest_apply_key(store_db_digest_key(db), digest_r);
	store_same_digest_free(same);
	return status;
}

static enum store_status
compare_of_message(struct sql_db *db, int64_t message_id,
    unsigned char digest_r[STORE_DIGEST_SIZE])
{
	int64_t number = 0;
	bool has_digest;
	enum store_status status =
	    compare_find_body(db, message_id, &number, &has_digest, digest_r);

	if (status != STORE_OK || has_digest)
		return status;
	return compare_read(db, number, NULL, digest_r);
}

/* What is sealed was looked at before. */
static enum store_status
compare_of_body(struct sql_db *db, const struct store_body *body,
    unsigned char digest_r[STORE_DIGEST_SIZE])
{
	if (!body->looks.has_same_digest)
		return compare_read(db, body->number, body->piece, digest_r);
	memcpy(digest_r, body->looks.same_digest, STORE_DIGEST_SIZE);
	return STORE_OK;
}

static enum store_status
compare_message(struct sql_db *db, int64_t message_id,
    const struct store_body *body, bool *same_r)
{
	unsigned char known[STORE_DIGEST_SIZE], new[STORE_DIGEST_SIZE];
	enum store_status status = compare_of_message(db, message_id, known);

	*same_r = false;
	if (status == STORE_OK)
		status = compare_of_body(db, body, new);
	if (status == STORE_OK)
		*same_r = memcmp(known, new, sizeof(new)) == 0;
	/* A message that cannot be read is like no other. */
	return status == STORE_DAMAGED || status == STORE_NOT_FOUND ||
		       status == STORE_SEALED
		   ? STORE_OK
		   : status;
}

/*
 * Servers add a few lines to a message that was read.  A message whose size
 * differs by more is not compared with the one that had its id.
 */
#define ADDED_MOST 16384

/* Whether reading both is worthwhile. */
static bool
compare_may_be_same(const struct store_unique_row *known,
    const struct store_scan_result *result)
{
	uint64_t more = known->octets > result->octets
			    ? known->octets - result->octets
			    : result->octets - known->octets;

	if (known->message_id == 0 || more > ADDED_MOST)
		return false;
	/* Rows of earlier versions have a digest of another kind. */
	if (known->lines == 0 || !known->has_header_digest)
		return true;
	return result->has_header_digest &&
	       memcmp(known->header_digest, result->header_digest,
		   sizeof(known->header_digest)) == 0;
}

enum store_status
store_compare_known(struct sql_db *db, const struct store_unique_row *known,
    const struct store_body *body, const struct store_scan_result *result,
    bool *same_r)
{
	*same_r = false;
	if (!compare_may_be_same(known, result))
		return STORE_OK;
	return compare_message(db, known->message_id, body, same_r);
}

/* ---- the same bytes ---- */

/* A message of the account with the same bytes; 0: there is none. */
static enum store_status
compare_find_dated(struct sql_db *db, const struct store_body *body,
    const struct store_scan_result *result, bool has_date, int64_t *id_r)
{
	static const char dated[] =
	    "SELECT id FROM message WHERE account = ?1 AND octets = ?2"
	    " AND digest = ?3 AND date_ms = ?4 LIMIT 1";
	static const char undated[] =
	    "SELECT id FROM message WHERE account = ?1 AND octets = ?2"
	    " AND digest = ?3 AND date_ms IS NULL LIMIT 1";
	struct sql_statement use;

	*id_r = 0;
	sql_prepare(&use, db, has_date ? dated : undated);
	sql_bind_int(&use, 1, body->meta.account_id);
	sql_bind_int(&use, 2, (int64_t)result->octets);
	sql_bind_blob(&use, 3, result->digest, STORE_DIGEST_SIZE);
	if (has_date)
		sql_bind_int(&use, 4, result->envelope->date_ms);
	return sql_run_integer(&use, id_r);
}

/* The date of what is sealed is not known. */
enum store_status
store_compare_find(struct sql_db *db, const struct store_body *body,
    const struct store_scan_result *result, int64_t *id_r)
{
	bool has_date = result->envelope->has_date;
	enum store_status status =
	    compare_find_dated(db, body, result, has_date, id_r);

	if (status == STORE_OK && *id_r == 0 && has_date &&
	    store_db_digest_key(db) != NULL)
		status = compare_find_dated(db, body, result, false, id_r);
	return status;
}
