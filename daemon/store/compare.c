#include "daemon/store/compare.h"

#include <string.h>

#include "daemon/store/chunk.h"
#include "lib/base/header_filter.h"

/* A digest of what stays the same, from octets in pieces of any size. */
struct comparison {
	struct evpop_header_filter filter;
	struct store_digest *digest;
	bool in_body;
};

static void
compare_take_header(
    const unsigned char *bytes, size_t length, bool is_added, void *arg)
{
	struct comparison *comparison = arg;

	if (is_added)
		return;
	store_digest_update(comparison->digest, bytes, length);
}

static bool
compare_begin(struct comparison *comparison)
{
	memset(comparison, 0, sizeof(*comparison));
	comparison->digest = store_digest_new();
	evpop_header_filter_init(
	    &comparison->filter, compare_take_header, comparison);
	return comparison->digest != NULL;
}

/* Line by line, for the filter does not tell where the header has ended. */
static void
compare_feed(
    struct comparison *comparison, const unsigned char *bytes, size_t length)
{
	while (length > 0 && !comparison->in_body) {
		const unsigned char *end = memchr(bytes, '\n', length);
		size_t line = end == NULL ? length : (size_t)(end - bytes) + 1;

		evpop_header_filter_feed(&comparison->filter, bytes, line);
		comparison->in_body =
		    evpop_header_filter_is_complete(&comparison->filter);
		bytes += line;
		length -= line;
	}
	store_digest_update(comparison->digest, bytes, length);
}

static void
compare_end(
    struct comparison *comparison, unsigned char digest_r[STORE_DIGEST_SIZE])
{
	evpop_header_filter_finish(&comparison->filter);
	store_digest_final(comparison->digest, digest_r);
	store_digest_free(comparison->digest);
}

static enum store_status
compare_feed_file(
    struct comparison *comparison, struct sql_db *db, int64_t number)
{
	enum store_status taken = STORE_OK, status;
	struct sql_statement use;

	store_chunk_use_all(&use, db, number);
	while (taken == STORE_OK && sql_step(&use)) {
		const void *bytes;
		size_t length;

		taken = store_chunk_take(db, &use, 1, &bytes, &length);
		if (taken == STORE_OK)
			compare_feed(comparison, bytes, length);
	}
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static enum store_status
compare_find_body(struct sql_db *db, int64_t message_id, int64_t *number_r)
{
	static const char sql[] = "SELECT body FROM message WHERE id = ?1";
	enum store_status status = STORE_NOT_FOUND, ended;
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, message_id);
	if (sql_step(&use)) {
		*number_r = sql_column_int(&use, 0);
		status = STORE_OK;
	}
	ended = sql_end(&use);
	return ended != STORE_OK ? ended : status;
}

static enum store_status
compare_of_message(struct sql_db *db, int64_t message_id,
    unsigned char digest_r[STORE_DIGEST_SIZE])
{
	enum store_status status;
	struct comparison comparison;
	int64_t number = 0;

	if (!compare_begin(&comparison))
		return STORE_MEMORY;
	status = compare_find_body(db, message_id, &number);
	if (status == STORE_OK)
		status = compare_feed_file(&comparison, db, number);
	compare_end(&comparison, digest_r);
	return status;
}

static enum store_status
compare_of_body(struct sql_db *db, const struct store_body *body,
    unsigned char digest_r[STORE_DIGEST_SIZE])
{
	enum store_status status;
	struct comparison comparison;

	if (!compare_begin(&comparison))
		return STORE_MEMORY;
	status = compare_feed_file(&comparison, db, body->number);
	if (body->piece != NULL)
		compare_feed(
		    &comparison, body->piece->bytes, body->piece->length);
	compare_end(&comparison, digest_r);
	return status;
}

enum store_status
store_compare_message(struct sql_db *db, int64_t message_id,
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
	return status == STORE_DAMAGED || status == STORE_NOT_FOUND ? STORE_OK
								    : status;
}
