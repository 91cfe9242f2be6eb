#include "daemon/store/commit.h"

#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/store/attempts.h"
#include "daemon/store/chunk.h"
#include "daemon/store/compare.h"
#include "daemon/store/counter.h"
#include "daemon/store/identity.h"
#include "daemon/store/index/index.h"
#include "daemon/store/owed.h"
#include "daemon/store/routing.h"
#include "daemon/store/writer.h"

/* ---- sealing ---- */

/* Once for each body, but for one of a single piece: see commit_accept(). */
static bool
commit_begin_sealing(struct sql_db *db, struct store_body *body)
{
	if (body->seal == NULL)
		body->seal = store_seal_new(db, body->number);
	return body->seal != NULL;
}

/*
 * A stream goes on from piece to piece, and a piece may be written again: what
 * is sealed takes the place of what it was.
 */
static void
commit_seal_in_place(struct sql_db *db, struct store_body *body,
    struct store_piece *piece, bool is_last)
{
	struct store_sealed_piece sealed;

	if (piece->encoding != STORE_CHUNK_PLAIN)
		return;
	store_seal_piece(
	    db, body->seal, piece->bytes, piece->length, is_last, &sealed);
	memcpy(piece->bytes, sealed.bytes, sealed.length);
	piece->length = sealed.length;
	piece->encoding = sealed.encoding;
}

/* A piece that is not the last. */
static enum store_status
commit_insert_piece(
    struct sql_db *db, struct store_body *body, struct store_piece *piece)
{
	if (store_db_sealer(db) == NULL)
		return store_chunk_insert(db, body->number, piece->sequence,
		    piece->begins, piece->bytes, piece->length);
	if (!commit_begin_sealing(db, body))
		return STORE_MEMORY;
	commit_seal_in_place(db, body, piece, false);
	return store_chunk_insert_as(db, body->number, piece->sequence,
	    piece->begins, piece->encoding, piece->bytes, piece->length);
}

/* The only piece of a body stays as it is, to be read again. */
static enum store_status
commit_insert_last_sealed(struct sql_db *db, struct store_body *body)
{
	struct store_piece *piece = body->piece;

	/* It may have begun before, and was undone. */
	if (body->sequence == 0)
		store_seal_free(&body->seal);
	if (!commit_begin_sealing(db, body))
		return STORE_MEMORY;
	if (body->sequence == 0)
		return store_seal_insert_only(db, body->seal,
		    piece != NULL ? piece->bytes : NULL,
		    piece != NULL ? piece->length : 0);
	if (piece == NULL)
		return store_seal_insert_end(
		    db, body->seal, body->sequence, body->submitted);
	commit_seal_in_place(db, body, piece, true);
	return store_chunk_insert_as(db, body->number, body->sequence,
	    body->submitted, piece->encoding, piece->bytes, piece->length);
}

/* ---- pieces ---- */

/* Put what is left of a body into the file, which then owns it all. */
static enum store_status
commit_insert_last(struct sql_db *db, struct store_body *body)
{
	const struct store_piece *piece = body->piece;
	enum store_status status = STORE_OK;

	if (store_db_sealer(db) != NULL)
		status = commit_insert_last_sealed(db, body);
	/*
	 * An empty body has a piece as well: the piece keeps the number taken.
	 */
	else if (piece != NULL || body->sequence == 0)
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
		body->scan = store_scan_new(store_writer_headers(writer),
		    store_db_sealer(store_writer_db(writer)) != NULL
			? STORE_SCAN_FOR_SEAL
			: STORE_SCAN_FOR_ROW);
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
	if (body->is_scanned)
		return true;
	body->is_scanned =
	    commit_scan(writer, body, body->piece, body->sequence) &&
	    store_scan_finish(body->scan, &body->looks);
	if (body->is_scanned)
		store_scan_key(
		    &body->looks, store_db_digest_key(store_writer_db(writer)));
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
		status =
		    commit_insert_piece(store_writer_db(writer), body, piece);
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
	static const struct mail_envelope nothing;
	const bool is_sealed = body->seal != NULL;
	const struct mail_envelope *envelope =
	    is_sealed ? &nothing : result->envelope;
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
	sql_bind_int(&use, 12, is_sealed ? 0 : result->attachments);
	if (meta->unique_id != NULL)
		sql_bind_blob(
		    &use, 13, meta->unique_id, meta->unique_id_length);
	sql_bind_int(&use, 14, result->is_cut && !is_sealed);
	return sql_run_insert(&use, &body->message_id);
}

/* What the row says of one that is not sealed, for who can open it. */
static enum store_status
commit_seal_envelope(struct sql_db *db, const struct store_body *body,
    const struct store_scan_result *result)
{
	const struct store_sealed_facts facts = {
		.binding = { .kind = SEALING_MESSAGE,
		    .owner = body->message_id,
		    .account = body->meta.account_id,
		    .body = body->number },
		.unique_id = body->meta.unique_id,
		.unique_id_length = body->meta.unique_id_length,
	};

	return body->seal != NULL
		   ? store_sealed_insert(db, body->seal, &facts, result)
		   : STORE_OK;
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
		    commit_seal_envelope(store_writer_db(writer), body, result);
	if (status == STORE_OK)
		status =
		    commit_put_unique_id(writer, body, result, former, now_ms);
	if (status == STORE_OK && !body->is_import)
		status = store_routing_add(store_writer_routing(writer),
		    store_writer_db(writer), store_writer_targets(writer),
		    body->meta.account_id, body->message_id);
	if (status != STORE_OK)
		return status;
	body->taken = STORE_TAKEN_NEW;
	body->octets = result->octets;
	store_index_message_added(store_writer_index(writer));
	return STORE_OK;
}

/* It is this message.  Its deletion may be owed by now. */
static enum store_status
commit_note_known(struct store_writer *writer, struct store_body *body,
    int64_t message_id, enum store_taken taken)
{
	body->message_id = message_id;
	body->taken = taken;
	store_commit_drop(writer, body);
	return store_owed_again(
	    writer, body->meta.account_id, message_id, &body->meta.state);
}

/* The server shows again what is stored: keep the message that there is. */
static enum store_status
commit_keep_message(struct store_writer *writer, struct store_body *body,
    const struct store_unique_row *known)
{
	enum store_status status = commit_note_known(
	    writer, body, known->message_id, STORE_TAKEN_KNOWN);

	return status == STORE_OK
		   ? store_unique_set_state(store_writer_db(writer),
			 &body->unique, body->meta.state)
		   : status;
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
	enum store_status status = commit_note_known(
	    writer, body, row->message_id, STORE_TAKEN_ADOPTED);

	row->state = body->meta.state;
	row->stored_ms = row->message_stored_ms;
	commit_describe(row, body, result);
	return status == STORE_OK ? store_unique_move(store_writer_db(writer),
					from, &body->unique, row)
				  : status;
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
	status = store_compare_known(
	    store_writer_db(writer), &known, body, result, &same);
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

/* Its id is gone from the start: a poll that fetches the same adopts it. */
static enum store_status
commit_import(struct store_writer *writer, struct store_body *body)
{
	struct sql_db *db = store_writer_db(writer);
	struct store_unique_row known;
	enum store_status status =
	    store_compare_find(db, body, &body->looks, &body->message_id);

	if (status == STORE_OK && body->message_id != 0)
		return commit_note_known(
		    writer, body, body->message_id, STORE_TAKEN_KNOWN);
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
	store_seal_free(&body->seal);
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
