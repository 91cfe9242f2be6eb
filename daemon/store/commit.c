#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/store/body.h"
#include "daemon/store/clock.h"
#include "daemon/store/schema.h"
#include "daemon/store/writer.h"

/* What the file already knows of a unique-id. */
struct known {
	bool row, same;
	int64_t message_id;
};

static enum store_status
insert_chunk(struct store_db *db, int64_t number, uint32_t sequence,
    const void *bytes, size_t length)
{
	static const char sql[] = "INSERT INTO chunk(id, data) VALUES(?1, ?2)";
	struct store_use use;

	store_use(&use, db, sql);
	store_bind_int(&use, 1, store_chunk_id(number, sequence));
	store_bind_blob(&use, 2, bytes, length);
	return store_run(&use);
}

/* ---- unfinished bodies ---- */

static enum store_status
note_unfinished(struct store_db *db, struct store_body *body)
{
	static const char sql[] = "INSERT INTO unfinished(body) VALUES(?1)";
	struct store_use use;
	enum store_status status;

	if (body->noted)
		return STORE_OK;
	store_use(&use, db, sql);
	store_bind_int(&use, 1, body->number);
	status = store_run(&use);
	body->noted = status == STORE_OK;
	return status;
}

static enum store_status
note_finished(struct store_db *db, const struct store_body *body)
{
	static const char sql[] = "DELETE FROM unfinished WHERE body = ?1";
	struct store_use use;

	if (!body->noted)
		return STORE_OK;
	store_use(&use, db, sql);
	store_bind_int(&use, 1, body->number);
	return store_run(&use);
}

/* Once failed, a body stays so, and it says why at its end. */
static bool
is_failed(struct store_writer *writer, struct store_body *body)
{
	if (body->failed == STORE_OK)
		body->failed = writer->health;
	return body->failed != STORE_OK;
}

static bool
scan(struct store_body *body, const struct store_piece *piece)
{
	if (body->scan == NULL)
		body->scan = store_scan_new();
	return body->scan != NULL &&
	       (piece == NULL ||
		   store_scan_feed(body->scan, piece->bytes, piece->length));
}

enum store_status
store_write_piece(struct store_writer *writer, struct store_op *op)
{
	struct store_piece *piece = (struct store_piece *)op;
	struct store_body *body = piece->body;
	enum store_status status;

	if (is_failed(writer, body))
		return STORE_OK;
	if (!scan(body, piece)) {
		body->failed = STORE_MEMORY;
		return STORE_OK;
	}
	status = note_unfinished(&writer->db, body);
	if (status == STORE_OK)
		status = insert_chunk(&writer->db, body->number,
		    piece->sequence, piece->bytes, piece->length);
	FAILPOINT("body chunk written");
	return status;
}

void
store_undone_piece(struct store_writer *writer, struct store_op *op)
{
	struct store_body *body = ((struct store_piece *)op)->body;

	(void)writer;
	if (body->failed == STORE_OK)
		body->failed = op->status;
}

/* ---- the message ---- */

static enum store_status
look_up(struct store_db *db, const struct store_body *body,
    const struct store_scan_result *result, struct known *known_r)
{
	static const char sql[] =
	    "SELECT message.id, message.octets, message.digest FROM uid"
	    " LEFT JOIN message ON message.id = uid.message"
	    " WHERE uid.account = ?1 AND uid.unique_id = ?2"
	    " AND uid.occurrence = ?3";
	const struct store_body_meta *meta = &body->meta;
	struct store_use use;

	memset(known_r, 0, sizeof(*known_r));
	if (meta->unique_id == NULL)
		return STORE_OK;
	store_use(&use, db, sql);
	store_bind_int(&use, 1, meta->account_id);
	store_bind_blob(&use, 2, meta->unique_id, meta->unique_id_length);
	store_bind_int(&use, 3, meta->occurrence);
	if (store_next(&use)) {
		sqlite3_stmt *row = use.statement;

		known_r->row = true;
		known_r->message_id = sqlite3_column_int64(row, 0);
		known_r->same =
		    known_r->message_id != 0 &&
		    (uint64_t)sqlite3_column_int64(row, 1) == result->octets &&
		    sqlite3_column_bytes(row, 2) == STORE_DIGEST_SIZE &&
		    memcmp(sqlite3_column_blob(row, 2), result->digest,
			STORE_DIGEST_SIZE) == 0;
	}
	return store_end(&use);
}

static enum store_status
count_message(struct store_writer *writer, int64_t account_id, uint64_t octets,
    bool *found_r)
{
	static const char sql[] = "UPDATE account SET messages = messages + 1,"
				  " octets = octets + ?2 WHERE id = ?1";
	struct store_use use;
	enum store_status status;

	store_use(&use, &writer->db, sql);
	store_bind_int(&use, 1, account_id);
	store_bind_int(&use, 2, (int64_t)octets);
	status = store_run(&use);
	*found_r = sqlite3_changes(writer->db.handle) == 1;
	return status;
}

static enum store_status
insert_message(struct store_writer *writer, struct store_body *body,
    const struct store_scan_result *result, int64_t now_ms)
{
	static const char sql[] =
	    "INSERT INTO message(account, body, octets, digest, stored_ms,"
	    " date_ms, sender, recipients, cc, subject, header_id,"
	    " attachments, unique_id)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
	const struct store_envelope *envelope = result->envelope;
	const struct store_body_meta *meta = &body->meta;
	struct store_use use;
	enum store_status status;

	store_use(&use, &writer->db, sql);
	store_bind_int(&use, 1, meta->account_id);
	store_bind_int(&use, 2, body->number);
	store_bind_int(&use, 3, (int64_t)result->octets);
	store_bind_blob(&use, 4, result->digest, STORE_DIGEST_SIZE);
	store_bind_int(&use, 5, now_ms);
	if (envelope->has_date)
		store_bind_int(&use, 6, envelope->date_ms);
	store_bind_text(&use, 7, envelope->sender);
	store_bind_text(&use, 8, envelope->recipients);
	store_bind_text(&use, 9, envelope->cc);
	store_bind_text(&use, 10, envelope->subject);
	store_bind_text(&use, 11, envelope->header_id);
	store_bind_int(&use, 12, result->attachments);
	if (meta->unique_id != NULL)
		store_bind_blob(
		    &use, 13, meta->unique_id, meta->unique_id_length);
	status = store_run(&use);
	body->message_id = sqlite3_last_insert_rowid(writer->db.handle);
	return status;
}

/* Point the unique-id at the message, whatever it pointed at before. */
static enum store_status
put_unique_id(
    struct store_db *db, const struct store_body *body, int64_t now_ms)
{
	static const char sql[] =
	    "INSERT INTO uid(account, unique_id, occurrence, state, message,"
	    " stored_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
	    " ON CONFLICT(account, unique_id, occurrence) DO UPDATE"
	    " SET state = excluded.state, message = excluded.message,"
	    " stored_ms = excluded.stored_ms";
	const struct store_body_meta *meta = &body->meta;
	struct store_use use;

	if (meta->unique_id == NULL)
		return STORE_OK;
	store_use(&use, db, sql);
	store_bind_int(&use, 1, meta->account_id);
	store_bind_blob(&use, 2, meta->unique_id, meta->unique_id_length);
	store_bind_int(&use, 3, meta->occurrence);
	store_bind_int(&use, 4, meta->state);
	store_bind_int(&use, 5, body->message_id);
	store_bind_int(&use, 6, now_ms);
	return store_run(&use);
}

static enum store_status
set_state(struct store_db *db, const struct store_body *body)
{
	static const char sql[] = "UPDATE uid SET state = ?4 WHERE account = ?1"
				  " AND unique_id = ?2 AND occurrence = ?3";
	const struct store_body_meta *meta = &body->meta;
	struct store_use use;

	store_use(&use, db, sql);
	store_bind_int(&use, 1, meta->account_id);
	store_bind_blob(&use, 2, meta->unique_id, meta->unique_id_length);
	store_bind_int(&use, 3, meta->occurrence);
	store_bind_int(&use, 4, meta->state);
	return store_run(&use);
}

/*
 * The last piece, or an empty one: each body has a chunk, which is what keeps
 * its number from being given again.
 */
static enum store_status
insert_last_chunk(struct store_db *db, const struct store_body *body)
{
	const struct store_piece *piece = body->piece;

	if (piece == NULL && body->sequence > 0)
		return STORE_OK;
	return insert_chunk(db, body->number, body->sequence,
	    piece != NULL ? piece->bytes : NULL,
	    piece != NULL ? piece->length : 0);
}

static enum store_status
add_message(struct store_writer *writer, struct store_body *body,
    const struct store_scan_result *result)
{
	int64_t now_ms = store_clock_unix_ms();
	bool found;
	enum store_status status = count_message(
	    writer, body->meta.account_id, result->octets, &found);

	if (status == STORE_OK && !found) {
		body->failed = STORE_NOT_FOUND;
		return STORE_OK;
	}
	if (status == STORE_OK)
		status = insert_last_chunk(&writer->db, body);
	if (status == STORE_OK)
		status = insert_message(writer, body, result, now_ms);
	if (status == STORE_OK)
		status = put_unique_id(&writer->db, body, now_ms);
	if (status == STORE_OK)
		status = note_finished(&writer->db, body);
	if (status != STORE_OK)
		return status;
	body->taken = STORE_TAKEN_NEW;
	body->octets = result->octets;
	writer->index_behind = true;
	return STORE_OK;
}

/* The server shows again what is stored: keep the message that there is. */
static enum store_status
keep_known(struct store_writer *writer, struct store_body *body,
    const struct known *known)
{
	body->message_id = known->message_id;
	body->taken = STORE_TAKEN_KNOWN;
	if (body->noted)
		store_writer_orphan(writer, body->number);
	return set_state(&writer->db, body);
}

static enum store_status
finish(struct store_writer *writer, struct store_body *body)
{
	struct store_scan_result result;
	struct known known;
	enum store_status status;

	if (!scan(body, body->piece) ||
	    !store_scan_finish(body->scan, &result)) {
		body->failed = STORE_MEMORY;
		return STORE_OK;
	}
	status = look_up(&writer->db, body, &result, &known);
	if (status != STORE_OK)
		return status;
	if (known.same)
		return keep_known(writer, body, &known);
	return add_message(writer, body, &result);
}

enum store_status
store_write_commit(struct store_writer *writer, struct store_op *op)
{
	struct store_body *body = (struct store_body *)op;
	enum store_status status = STORE_OK;

	if (body->failed == STORE_OK)
		body->failed = body->broken;
	if (!is_failed(writer, body))
		status = finish(writer, body);
	if (status == STORE_OK && body->failed != STORE_OK) {
		op->status = body->failed;
		if (body->noted)
			store_writer_orphan(writer, body->number);
	}
	/* Here, since what a thread has allocated is freed faster by it. */
	store_scan_free(body->scan);
	body->scan = NULL;
	return status;
}

void
store_undone_commit(struct store_writer *writer, struct store_op *op)
{
	const struct store_body *body = (const struct store_body *)op;

	/* Earlier transactions may have put pieces into the file. */
	if (body->noted)
		store_writer_orphan(writer, body->number);
}

enum store_status
store_write_abandon(struct store_writer *writer, struct store_op *op)
{
	const struct store_body *body = (const struct store_body *)op;

	if (body->noted)
		store_writer_orphan(writer, body->number);
	return STORE_OK;
}
