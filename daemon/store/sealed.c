#include "daemon/store/sealed.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/secret/sealed_fields.h"
#include "daemon/store/body.h"
#include "daemon/store/codec.h"

#define ROOM (STORE_PIECE_MAX + SEALING_PIECE_EXTRA(STORE_PIECE_MAX))

struct store_sealer {
	struct sealing *sealing;
	unsigned char *room; /* for a piece */
};

struct store_sealer *
store_sealer_new(const unsigned char to[SEALING_PUBLIC_SIZE])
{
	struct store_sealer *sealer = calloc(1, sizeof(*sealer));

	if (sealer == NULL)
		return NULL;
	sealer->sealing = sealing_new(to);
	sealer->room = malloc(ROOM);
	if (sealer->sealing != NULL && sealer->room != NULL)
		return sealer;
	store_sealer_free(sealer);
	return NULL;
}

void
store_sealer_free(struct store_sealer *sealer)
{
	if (sealer == NULL)
		return;
	sealing_free(&sealer->sealing);
	free(sealer->room);
	free(sealer);
}

const unsigned char *
store_sealer_recipient(const struct store_sealer *sealer)
{
	return sealing_recipient(sealer->sealing);
}

/* ---- pieces ---- */

struct store_seal {
	struct sealing_body *body;
	int64_t number;
	bool has_end;
	unsigned char end[STORE_SEALED_EXTRA];
};

struct store_seal *
store_seal_new(struct sql_db *db, int64_t number)
{
	struct store_seal *seal = calloc(1, sizeof(*seal));

	if (seal == NULL)
		return NULL;
	seal->number = number;
	seal->body = sealing_body_new(store_db_sealer(db)->sealing, number);
	if (seal->body == NULL)
		store_seal_free(&seal);
	return seal;
}

void
store_seal_free(struct store_seal **seal)
{
	if (*seal == NULL)
		return;
	sealing_body_free(&(*seal)->body);
	free(*seal);
	*seal = NULL;
}

void
store_seal_piece(struct sql_db *db, struct store_seal *seal, const void *bytes,
    size_t length, bool is_last, struct store_sealed_piece *piece_r)
{
	unsigned char *room = store_db_sealer(db)->room;
	enum sealing_packing packing = SEALING_PLAIN;
	const void *packed;
	size_t packed_length;

	/* What is padded must not become longer than what is not packed. */
	if (store_codec_pack(
		store_db_codec(db), bytes, length, &packed, &packed_length) &&
	    packed_length + SEALING_PIECE_EXTRA(packed_length) <=
		length + STORE_SEALED_EXTRA) {
		packing = SEALING_ZSTD;
		bytes = packed;
		length = packed_length;
	}
	piece_r->encoding = packing == SEALING_ZSTD ? STORE_CHUNK_SEALED_ZSTD
						    : STORE_CHUNK_SEALED;
	piece_r->length = sealing_body_piece(
	    seal->body, packing, bytes, length, is_last, room);
	piece_r->bytes = room;
}

enum store_status
store_seal_insert_only(struct sql_db *db, struct store_seal *seal,
    const void *bytes, size_t length)
{
	struct store_sealed_piece piece;

	store_seal_piece(db, seal, bytes, length, true, &piece);
	return store_chunk_insert_as(
	    db, seal->number, 0, 0, piece.encoding, piece.bytes, piece.length);
}

enum store_status
store_seal_insert_end(struct sql_db *db, struct store_seal *seal,
    uint32_t sequence, uint64_t begins)
{
	struct store_sealed_piece piece;

	if (!seal->has_end) {
		store_seal_piece(db, seal, NULL, 0, true, &piece);
		memcpy(seal->end, piece.bytes, sizeof(seal->end));
		seal->has_end = true;
	}
	return store_chunk_insert_as(db, seal->number, sequence, begins,
	    STORE_CHUNK_SEALED, seal->end, sizeof(seal->end));
}

/* ---- envelopes ---- */

static enum store_status
sealed_account(struct sql_db *db, const struct store_sealed_facts *facts,
    struct sealed_fields *fields)
{
	static const char sql[] = "SELECT name FROM account WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, facts->binding.account);
	if (sql_step(&use))
		sealed_fields_put_text(
		    fields, SEALED_ACCOUNT, sql_column_text(&use, 0));
	return sql_end(&use);
}

/* A row, with the columns that both tables have; it clears the fields. */
static enum store_status
sealed_run(struct sql_db *db, const char *sql, const struct store_seal *seal,
    const struct store_sealed_facts *facts, struct sealed_fields *fields,
    const unsigned char *same_digest)
{
	enum store_status status = STORE_MEMORY;
	unsigned char key[SEALING_KEY_SIZE], *envelope = NULL;
	const unsigned char *recipient =
	    sealing_recipient(store_db_sealer(db)->sealing);
	struct sql_statement use;
	size_t length;

	if (!fields->has_failed)
		envelope = malloc(fields->length + SEALING_ENVELOPE_EXTRA);
	if (envelope != NULL) {
		length = sealing_body_envelope(seal->body, &facts->binding,
		    fields->bytes, fields->length, envelope);
		sealing_body_key(seal->body, key);
		sql_prepare(&use, db, sql);
		sql_bind_int(&use, 1, facts->binding.owner);
		sql_bind_blob(&use, 2, recipient, SEALING_RECIPIENT_SIZE);
		sql_bind_blob(&use, 3, key, sizeof(key));
		sql_bind_blob(&use, 4, envelope, length);
		if (same_digest != NULL)
			sql_bind_blob(&use, 5, same_digest, STORE_DIGEST_SIZE);
		status = sql_run(&use);
	}
	free(envelope);
	sealed_fields_clear(fields);
	return status;
}

static enum store_status
sealed_put_facts(struct sql_db *db, const struct store_sealed_facts *facts,
    uint64_t octets, struct sealed_fields *fields)
{
	sealed_fields_put_number(fields, SEALED_OCTETS, octets);
	if (facts->unique_id != NULL)
		sealed_fields_put(fields, SEALED_UNIQUE_ID, facts->unique_id,
		    facts->unique_id_length);
	return sealed_account(db, facts, fields);
}

static void
sealed_put_envelope(
    const struct store_scan_result *result, struct sealed_fields *fields)
{
	const struct mail_envelope *envelope = result->envelope;
	const char *name = result->names;

	sealed_fields_put(
	    fields, SEALED_DIGEST, result->plain_digest, STORE_DIGEST_SIZE);
	if (envelope->has_date)
		sealed_fields_put_number(
		    fields, SEALED_DATE, (uint64_t)envelope->date_ms);
	sealed_fields_put_text(fields, SEALED_FROM, envelope->sender);
	sealed_fields_put_text(fields, SEALED_TO, envelope->recipients);
	sealed_fields_put_text(fields, SEALED_CC, envelope->cc);
	sealed_fields_put_text(fields, SEALED_SUBJECT, envelope->subject);
	sealed_fields_put_text(fields, SEALED_HEADER_ID, envelope->header_id);
	sealed_fields_put_number(
	    fields, SEALED_ATTACHMENTS, result->attachments);
	for (; name != NULL && name < result->names + result->names_length;
	     name += strlen(name) + 1)
		sealed_fields_put_text(fields, SEALED_ATTACHMENT, name);
}

enum store_status
store_sealed_insert(struct sql_db *db, const struct store_seal *seal,
    const struct store_sealed_facts *facts,
    const struct store_scan_result *result)
{
	static const char sql[] =
	    "INSERT INTO sealed(message, recipient, key, envelope, same_digest)"
	    " VALUES(?1, ?2, ?3, ?4, ?5)";
	struct sealed_fields fields = { .bytes = NULL };
	enum store_status status =
	    sealed_put_facts(db, facts, result->octets, &fields);

	if (status != STORE_OK) {
		sealed_fields_clear(&fields);
		return status;
	}
	sealed_put_envelope(result, &fields);
	return sealed_run(db, sql, seal, facts, &fields, result->same_digest);
}

enum store_status
store_sealed_insert_quarantine(struct sql_db *db, const struct store_seal *seal,
    const struct store_sealed_facts *facts, uint64_t octets,
    const char *transcript)
{
	static const char sql[] =
	    "INSERT INTO sealed_quarantine(quarantine, recipient, key,"
	    " envelope) VALUES(?1, ?2, ?3, ?4)";
	struct sealed_fields fields = { .bytes = NULL };
	enum store_status status = sealed_put_facts(db, facts, octets, &fields);

	if (status != STORE_OK) {
		sealed_fields_clear(&fields);
		return status;
	}
	sealed_fields_put_text(&fields, SEALED_TRANSCRIPT, transcript);
	return sealed_run(db, sql, seal, facts, &fields, NULL);
}
