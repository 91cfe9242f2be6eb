#include "daemon/store/commit.h"

#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/store/attempts.h"
#include "daemon/store/chunk.h"
#include "daemon/store/compare.h"
#include "daemon/store/counter.h"
#include "daemon/store/identity.h"
#include "daemon/store/index/index.h"
#include "daemon/store/writer.h"

/* Put what is left of a body into the file, which then owns it all. */
static enum store_status
commit_insert_last(struct sql_db *db, const struct store_body *body)
{
	const struct store_piece *piece = body->piece;
	enum store_status status = STORE_OK;

	/*
	 * An empty body has a piece as well: the piece keeps the number taken.
	 */
	if (piece != NULL || body->sequence == 0)
		status = store_chunk_insert(db, body->number, body->sequence,
		    body->submitted, piece != NULL ? piece->bytes : NULL,
		    piece != NULL ? piece->length : 0);
	return status == STORE_OK && body->is_noted
		   ? store_chunk_note_finished(db, body->number)
		   : status;
}

void
store_commit_drop(struct store_writer *writer, const struct store_body *body)
{
	if (body->is_noted)
		store_writer_remove_body(writer, body->number);
}

/* A body that has failed stays so. */
static bool
commit_has_failed(struct store_writer *writer, struct store_body *body)
{
	if (body->failed == STORE_OK)
		body->failed = store_writer_health(writer);
	return body->failed != STORE_OK;
}

/* The same at its end, when the loop has said whether it is whole. */
static bool
commit_has_failed_at_end(struct store_writer *writer, struct store_body *body)
{
	if (body->failed == STORE_OK)
		body->failed = body->broken;
	return commit_has_failed(writer, body);
}

/* Once, though the piece may be written again. */
static bool
commit_scan(struct store_writer *writer, struct store_body *body,
    const struct store_piece *piece, uint32_t sequence)
{
	if (body->scan == NULL)
		body->scan = store_scan_new(store_writer_headers(writer));
	if (body->scan == NULL)
		return false;
	if (piece == NULL || sequence < body->scanned)
		return true;
	body->scanned = sequence + 1;
	return store_scan_feed(body->scan, piece->bytes, piece->length);
}

static bool
commit_scan_last(struct store_writer *writer, struct store_body *body)
{
	if (!body->is_scanned)
		body->is_scanned =
		    commit_scan(writer, body, body->piece, body->sequence) &&
		    store_scan_finish(body->scan, &body->looks);
	return body->is_scanned;
}

enum store_status
store_piece_write(struct store_writer *writer, struct store_op *op)
{
	struct store_piece *piece = (struct store_piece *)op;
	struct store_body *body = piece->body;
	enum store_status status = STORE_OK;

	if (commit_has_failed(writer, body))
		return STORE_OK;
	if (!commit_scan(writer, body, piece, piece->sequence)) {
		body->failed = STORE_MEMORY;
		return STORE_OK;
	}
	if (!body->is_noted) {
		status = store_chunk_note_unfinished(
		    store_writer_db(writer), body->number);
		body->is_noted = piece->has_noted = status == STORE_OK;
	}
	if (status == STORE_OK)
		status = store_chunk_insert(store_writer_db(writer),
		    body->number, piece->sequence, piece->begins, piece->bytes,
		    piece->length);
	FAILPOINT("body chunk written");
	return status;
}

void
store_piece_undone(
    struct store_writer *writer, struct store_op *op, enum store_status status)
{
	struct store_piece *piece = (struct store_piece *)op;
	struct store_body *body = piece->body;

	(void)writer;
	if (piece->has_noted)
		body->is_noted = piece->has_noted = false;
	if (body->failed == STORE_OK)
		body->failed = status;
}

/* ---- the message ---- */

static enum store_status
commit_insert_message(struct store_writer *writer, struct store_body *body,
    const struct store_scan_result *result, int64_t now_ms)
{
	static const char sql[] =
	    "INSERT INTO message(account, body, octets, digest, stored_ms,"
	    " date_ms, sender, recipients, cc, subject, header_id,"
	    " attachments, unique_id, is_cut)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
	    " ?14)";
	const struct mail_envelope *envelope = result->envelope;
	const struct store_body_meta *meta = &body->meta;
	struct sql_statement use;

	sql_prepare(&use, store_writer_db(writer), sql);
	sql_bind_int(&use, 1, meta->account_id);
	sql_bind_int(&use, 2, body->number);
	sql_bind_int(&use, 3, (int64_t)result->octets);
	sql_bind_blob(&use, 4, result->digest, STORE_DIGEST_SIZE);
	sql_bind_int(&use, 5, now_ms);
	if (envelope->has_date)
		sql_bind_int(&use, 6, envelope->date_ms);
	sql_bind_text(&use, 7, envelope->sender);
	sql_bind_text(&use, 8, envelope->recipients);
	sql_bind_text(&use, 9, envelope->cc);
	sql_bind_text(&use, 10, envelope->subject);
	sql_bind_text(&use, 11, envelope->header_id);
	sql_bind_int(&use, 12, result->attachments);
	if (meta->unique_id != NULL)
		sql_bind_blob(
		    &use, 13, meta->unique_id, meta->unique_id_length);
	sql_bind_int(&use, 14, result->is_cut);
	return sql_run_insert(&use, &body->message_id);
}

/* Facts that distinguish a body from others, besides its digest. */
static void
commit_describe(struct store_unique_row *row, const struct store_body *body,
    const struct store_scan_result *result)
{
	row->octets = result->octets;
	if (body->meta.octets_hint != 0)
		row->listed_octets = body->meta.octets_hint;
	row->lines = result->lines;
	row->added_octets = result->added_octets;
	row->has_header_digest = result->has_header_digest;
	memcpy(row->header_digest, result->header_digest,
	    sizeof(row->header_digest));
}

static enum store_status
commit_put_unique_id(struct store_writer *writer, const struct store_body *body,
    const struct store_scan_result *result,
    const struct store_unique_row *former, int64_t now_ms)
{
	struct store_unique_row row = { .state = body->meta.state,
		.message_id = body->message_id,
		.stored_ms = now_ms };

	if (body->unique.id == NULL)
		return STORE_OK;
	commit_describe(&row, body, result);
	return store_unique_replace(
	    store_writer_db(writer), &body->unique, former, &row);
}

static enum store_status
commit_add_message(struct store_writer *writer, struct store_body *body,
    const struct store_scan_result *result,
    const struct store_unique_row *former)
{
	int64_t now_ms = store_db_now_ms(store_writer_db(writer));
	bool found;
	enum store_status status = store_counter_add(
	    store_writer_counter(writer), store_writer_db(writer),
	    body->meta.account_id, result->octets, &found);

	if (status == STORE_OK && !found) {
		body->failed = STORE_NOT_FOUND;
		return STORE_OK;
	}
	if (status == STORE_OK)
		status = commit_insert_last(store_writer_db(writer), body);
	if (status == STORE_OK)
		status = commit_insert_message(writer, body, result, now_ms);
	if (status == STORE_OK)
		status =
		    commit_put_unique_id(writer, body, result, former, now_ms);
	if (status != STORE_OK)
		return status;
	body->taken = STORE_TAKEN_NEW;
	body->octets = result->octets;
	store_index_message_added(store_writer_index(writer));
	return STORE_OK;
}

/* The server shows again what is stored: keep the message that there is. */
static enum store_status
commit_keep_message(struct store_writer *writer, struct store_body *body,
    const struct store_unique_row *known)
{
	body->message_id = known->message_id;
	body->taken = STORE_TAKEN_KNOWN;
	store_commit_drop(writer, body);
	return store_unique_set_state(
	    store_writer_db(writer), &body->unique, body->meta.state);
}

/* It may have been stored before there was a column for all of this. */
static enum store_status
commit_keep_known(struct store_writer *writer, struct store_body *body,
    const struct store_scan_result *result, struct store_unique_row *known)
{
	enum store_status status;

	commit_describe(known, body, result);
	status = store_unique_describe(
	    store_writer_db(writer), &body->unique, known);
	return status == STORE_OK ? commit_keep_message(writer, body, known)
				  : status;
}

/* A message that was stored under an id that is gone, and has this one now. */
static enum store_status
commit_adopt(struct store_writer *writer, struct store_body *body,
    const struct store_scan_result *result, const struct store_unique *from,
    struct store_unique_row *row)
{
	body->message_id = row->message_id;
	body->taken = STORE_TAKEN_ADOPTED;
	store_commit_drop(writer, body);
	row->state = body->meta.state;
	row->stored_ms = row->message_stored_ms;
	commit_describe(row, body, result);
	return store_unique_move(
	    store_writer_db(writer), from, &body->unique, row);
}

static struct store_identity *
commit_identity(const struct store_body *body)
{
	return body->is_alone ? NULL : body->meta.identity;
}

/* A body without a unique-id is called after its bytes; NULL: by nothing. */
static bool
commit_name(struct store_body *body, const unsigned char *digest)
{
	const struct store_body_meta *meta = &body->meta;
	bool owed =
	    meta->state == STORE_UID_DELETE || meta->state == STORE_UID_DELETED;

	body->unique.account_id = meta->account_id;
	body->unique.id = meta->unique_id;
	body->unique.id_length = meta->unique_id_length;
	body->unique.occurrence = meta->occurrence;
	if (meta->unique_id != NULL || commit_identity(body) == NULL)
		return true;
	if (!store_identity_count(
		meta->identity, digest, owed, &body->unique.occurrence))
		return false;
	memcpy(body->counted, digest, sizeof(body->counted));
	body->is_counted = true;
	store_unique_body_id(digest, body->body_id);
	body->unique.id = (const unsigned char *)body->body_id;
	body->unique.id_length = STORE_UNIQUE_BODY_ID - 1;
	return true;
}

/*
 * Servers add a few lines to a message that was read.  A message whose size
 * differs by more is not compared with the one that had its id.
 */
#define ADDED_MOST 16384

/* Whether reading both is worthwhile. */
static bool
commit_may_be_same(const struct store_unique_row *known,
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

/* The server shows it with other lines of its own: the message is the same. */
static enum store_status
commit_compare_known(struct store_writer *writer, struct store_body *body,
    const struct store_scan_result *result,
    const struct store_unique_row *known, bool *same_r)
{
	*same_r = false;
	if (!commit_may_be_same(known, result))
		return STORE_OK;
	return store_compare_message(
	    store_writer_db(writer), known->message_id, body, same_r);
}

static enum store_status
commit_place(struct store_writer *writer, struct store_body *body,
    const struct store_scan_result *result)
{
	bool has_header = result->has_header_digest;
	const struct store_identity_body looks = { .octets = result->octets,
		.digest = result->digest,
		.header_digest = has_header ? result->header_digest : NULL,
		.whole_header_digest = has_header && result->added_octets > 0
					   ? result->whole_header_digest
					   : NULL };
	struct store_unique_row known = { .found = false }, gone;
	struct store_unique from;
	enum store_status status = STORE_OK;
	bool same;

	if (body->unique.id != NULL)
		status = store_unique_look_up(
		    store_writer_db(writer), &body->unique, &known);
	if (status != STORE_OK)
		return status;
	if (store_unique_is(&known, result->octets, result->digest))
		return commit_keep_known(writer, body, result, &known);
	status = commit_compare_known(writer, body, result, &known, &same);
	if (status != STORE_OK)
		return status;
	if (same)
		return commit_keep_message(writer, body, &known);
	if (commit_identity(body) == NULL)
		return commit_add_message(writer, body, result, &known);
	status = store_identity_find(
	    body->meta.identity, store_writer_db(writer), &looks, &from, &gone);
	if (status != STORE_OK)
		return status;
	return gone.found ? commit_adopt(writer, body, result, &from, &gone)
			  : commit_add_message(writer, body, result, &known);
}

/* ---- what comes from no server ---- */

/* A message of the account with the same bytes; 0: there is none. */
static enum store_status
commit_find_same(struct sql_db *db, const struct store_body *body,
    const struct store_scan_result *result, int64_t *id_r)
{
	static const char dated[] =
	    "SELECT id FROM message WHERE account = ?1 AND octets = ?2"
	    " AND digest = ?3 AND date_ms = ?4 LIMIT 1";
	static const char undated[] =
	    "SELECT id FROM message WHERE account = ?1 AND octets = ?2"
	    " AND digest = ?3 AND date_ms IS NULL LIMIT 1";
	bool has_date = result->envelope->has_date;
	struct sql_statement use;

	*id_r = 0;
	sql_prepare(&use, db, has_date ? dated : undated);
	sql_bind_int(&use, 1, body->meta.account_id);
	sql_bind_int(&use, 2, (int64_t)result->octets);
	sql_bind_blob(&use, 3, result->digest, STORE_DIGEST_SIZE);
	if (has_date)
		sql_bind_int(&use, 4, result->envelope->date_ms);
	if (sql_step(&use))
		*id_r = sql_column_int(&use, 0);
	return sql_end(&use);
}

/* Its id is gone from the start: a poll that fetches the same adopts it. */
static enum store_status
commit_import(struct store_writer *writer, struct store_body *body)
{
	struct sql_db *db = store_writer_db(writer);
	struct store_unique_row known;
	enum store_status status =
	    commit_find_same(db, body, &body->looks, &body->message_id);

	if (status == STORE_OK && body->message_id != 0) {
		body->taken = STORE_TAKEN_KNOWN;
		store_commit_drop(writer, body);
		return STORE_OK;
	}
	store_unique_import_id(body->looks.digest, body->body_id);
	body->unique = store_unique_make(body->meta.account_id,
	    (const unsigned char *)body->body_id, strlen(body->body_id), 0);
	body->meta.state = STORE_UID_GONE;
	if (status == STORE_OK)
		status = store_unique_look_up(db, &body->unique, &known);
	return status == STORE_OK
		   ? commit_add_message(writer, body, &body->looks, &known)
		   : status;
}

static enum store_status
commit_finish(struct store_writer *writer, struct store_body *body)
{
	enum store_status status;

	if (!commit_scan_last(writer, body) ||
	    !commit_name(body, body->looks.digest)) {
		body->failed = STORE_MEMORY;
		return STORE_OK;
	}
	if (body->is_import)
		return commit_import(writer, body);
	status = commit_place(writer, body, &body->looks);
	if (status != STORE_OK || body->failed != STORE_OK ||
	    body->meta.unique_id == NULL)
		return status;
	return store_attempts_forget(store_writer_attempts(writer),
	    store_writer_db(writer), &body->unique);
}

/* By the thread that has allocated it, which is faster. */
void
store_commit_end(struct store_body *body)
{
	store_scan_free(body->scan);
	body->scan = NULL;
	body->scanned = 0;
	body->is_scanned = false;
}

static enum store_status
commit_accept(
    struct store_writer *writer, struct store_body *body, struct store_op *op)
{
	enum store_status status = STORE_OK;

	if (!commit_has_failed_at_end(writer, body))
		status = commit_finish(writer, body);
	if (status == STORE_OK && body->failed != STORE_OK) {
		store_commit_drop(writer, body);
		status = store_op_fail(op, body->failed);
	}
	/*
	 * All of it is here, to be scanned again should it be written again:
	 * thousands of scans that wait for their transaction cost more.
	 */
	if (body->sequence == 0)
		store_commit_end(body);
	return status;
}

enum store_status
store_commit_write(struct store_writer *writer, struct store_op *op)
{
	return commit_accept(writer, (struct store_body *)op, op);
}

void
store_commit_undone(
    struct store_writer *writer, struct store_op *op, enum store_status status)
{
	struct store_body *body = (struct store_body *)op;

	/* Earlier transactions may have put pieces into the file. */
	if (status != STORE_OK)
		store_commit_drop(writer, body);
	if (body->is_counted)
		store_identity_uncount(body->meta.identity, body->counted);
	body->is_counted = false;
}

void
store_commit_written(struct store_op *op)
{
	store_commit_end((struct store_body *)op);
}

enum store_status
store_abandon_write(struct store_writer *writer, struct store_op *op)
{
	store_commit_drop(writer, (struct store_body *)op);
	return STORE_OK;
}

/* ---- what a session failed on ---- */

enum store_status
store_commit_as_is(struct store_writer *writer, struct store_body *body,
    uint64_t listed_octets, struct store_op *op)
{
	/* The session that it came in may be over, and is not looked at. */
	body->is_alone = true;
	if (listed_octets != 0)
		body->meta.octets_hint = listed_octets;
	return commit_accept(writer, body, op);
}

enum store_status
store_commit_as_far(struct store_writer *writer, struct store_body *body,
    int64_t *number_r, uint64_t *octets_r)
{
	*number_r = 0;
	*octets_r = 0;
	if (body->appended == 0 || commit_has_failed_at_end(writer, body)) {
		store_commit_drop(writer, body);
		return STORE_OK;
	}
	*number_r = body->number;
	*octets_r = body->appended;
	return commit_insert_last(store_writer_db(writer), body);
}
