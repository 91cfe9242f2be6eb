#include "daemon/store/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/digest.h"
#include "daemon/store/offset.h"
#include "daemon/store/sealed.h"
#include "daemon/store/sql/sqlite.h"
#include "daemon/store/verify_outbox.h"
#include "lib/base/hex.h"

/*
 * One bit for each body.  A number beyond this is damage, not a count of
 * messages; untouched bits cost no memory.
 */
#define BODIES_MAX (INT64_C(1) << 33)

struct verify {
	struct sql_db *db;
	struct store_checker *checker;
	unsigned char *owned; /* a bit for each body */
	int64_t bodies;       /* numbers below this have one */
};

static bool
verify_is_stopped(const struct verify *verify)
{
	return store_checker_is_stopped(verify->checker);
}

/*
 * The check looks for what cannot be read: note it, and go on with the rest.
 * Any other failure ends the check.
 */
static enum store_status
verify_note_unreadable(
    const struct verify *verify, enum store_status status, const char *what)
{
	if (verify_is_stopped(verify))
		return STORE_CLOSED;
	if (status != STORE_DAMAGED && status != STORE_IO)
		return status;
	store_checker_problem(verify->checker, "%s cannot be read: %s", what,
	    sql_words(verify->db));
	return STORE_OK;
}

/* ---- SQLite's own structure ---- */

static enum store_status
verify_structure(struct verify *verify)
{
	struct sql_statement use;

	/* An interrupt before its first step would be lost. */
	sqlite_prepare_check(&use, verify->db);
	while (!verify_is_stopped(verify) && sql_step(&use)) {
		const char *text = sql_column_text(&use, 0);

		if (text != NULL && strcmp(text, "ok") != 0)
			store_checker_problem(
			    verify->checker, "the file: %s", text);
	}
	return sql_end(&use);
}

/* ---- what the rows say of each other ---- */

static enum store_status
verify_counters(struct verify *verify)
{
	static const char sql[] =
	    "SELECT account.name, account.messages,"
	    " account.octets,"
	    " coalesce(counted.messages, 0), coalesce(counted.octets, 0)"
	    " FROM account LEFT JOIN (SELECT account,"
	    "  count(*) AS messages, sum(octets) AS octets FROM message"
	    "  GROUP BY account) AS counted ON counted.account = account.id";
	struct sql_statement use;

	sql_prepare_once(&use, verify->db, sql);
	while (sql_step(&use)) {
		struct sql_statement *row = &use;
		int64_t messages = sql_column_int(row, 1);
		int64_t octets = sql_column_int(row, 2);

		if (messages == sql_column_int(row, 3) &&
		    octets == sql_column_int(row, 4))
			continue;
		store_checker_problem(verify->checker,
		    "account %s: %" PRId64 " messages with %" PRId64
		    " bytes exist, its row says %" PRId64 " and %" PRId64,
		    sql_column_text(row, 0), sql_column_int(row, 3),
		    sql_column_int(row, 4), messages, octets);
	}
	return sql_end(&use);
}

#define SHOWN_ID 64

/* As text where it is printable, else its octets; cut where it is long. */
static const char *
verify_show_id(struct sql_statement *use, int column, char id_r[SHOWN_ID + 1])
{
	size_t length, i;
	const unsigned char *id = sql_column_blob(use, column, &length);

	for (i = 0; i < length && id[i] >= ' ' && id[i] <= '~'; i++)
		;
	if (i == length)
		snprintf(id_r, SHOWN_ID + 1, "%.*s",
		    (int)(length < SHOWN_ID ? length : SHOWN_ID),
		    id != NULL ? (const char *)id : "");
	else
		evpop_hex_encode(
		    id, length < SHOWN_ID / 2 ? length : SHOWN_ID / 2, id_r);
	return id_r;
}

static enum store_status
verify_unique_ids(struct verify *verify)
{
	static const char sql[] =
	    "SELECT coalesce(account.name, '?'), uid.unique_id,"
	    " uid.state, uid.message"
	    " FROM uid LEFT JOIN account ON account.id = uid.account"
	    " LEFT JOIN message ON message.id = uid.message"
	    "  AND message.account = uid.account"
	    " LEFT JOIN tombstone ON tombstone.id = uid.message"
	    "  AND tombstone.account = uid.account"
	    " WHERE message.id IS NULL AND tombstone.id IS NULL"
	    "  AND (uid.message IS NOT NULL"
	    "  OR uid.state IN (0, 1, 4)) OR uid.state NOT BETWEEN 0 AND 6";
	struct sql_statement use;
	char id[SHOWN_ID + 1];

	_Static_assert(STORE_UID_STORED == 0 && STORE_UID_DELETE == 1 &&
			   STORE_UID_GONE == 4 && STORE_UID_WAITING == 6,
	    "the statement knows the states by number");
	sql_prepare_once(&use, verify->db, sql);
	while (sql_step(&use))
		store_checker_problem(verify->checker,
		    "account %s: unique-id %s (state %" PRId64
		    ") refers to message %" PRId64 ", which does not exist",
		    sql_column_text(&use, 0), verify_show_id(&use, 1, id),
		    sql_column_int(&use, 2), sql_column_int(&use, 3));
	return sql_end(&use);
}

/* ---- what was deleted ---- */

/* A message that was deleted is one no more, and has a tombstone. */
static enum store_status
verify_tombstones(struct verify *verify)
{
	static const char both[] = "SELECT tombstone.id FROM tombstone"
				   " JOIN message ON message.id = tombstone.id";
	static const char lost[] =
	    "SELECT removal.message FROM removal LEFT JOIN tombstone"
	    " ON tombstone.id = removal.message WHERE tombstone.id IS NULL";
	static const char held[] =
	    "SELECT hold.message FROM hold LEFT JOIN message"
	    " ON message.id = hold.message WHERE message.id IS NULL";
	static const char sealed[] =
	    "SELECT sealed.message FROM sealed LEFT JOIN message"
	    " ON message.id = sealed.message WHERE message.id IS NULL";
	static const struct {
		const char *sql, *wrong;
	} looks[] = {
		{ both, "is stored and has a tombstone" },
		{ lost, "is being removed and has no tombstone" },
		{ held, "is held and not stored" },
		{ sealed, "is sealed and not stored" },
	};
	enum store_status status = STORE_OK;

	for (size_t i = 0;
	     status == STORE_OK && i < sizeof(looks) / sizeof(looks[0]); i++) {
		struct sql_statement use;

		sql_prepare_once(&use, verify->db, looks[i].sql);
		while (sql_step(&use))
			store_checker_problem(verify->checker,
			    "message %" PRId64 " %s", sql_column_int(&use, 0),
			    looks[i].wrong);
		status = sql_end(&use);
	}
	return status;
}

static enum store_status
verify_outbox(struct verify *verify)
{
	return store_verify_outbox(verify->db, verify->checker);
}

/* ---- pieces that nothing owns ---- */

static bool
verify_is_owned(const struct verify *verify, int64_t body)
{
	return body > 0 && body < verify->bodies &&
	       (verify->owned[body / 8] >> (body % 8) & 1) != 0;
}

static enum store_status
verify_mark_owned(const struct verify *verify)
{
	static const char sql[] =
	    "SELECT body FROM message UNION ALL SELECT body FROM quarantine"
	    " UNION ALL SELECT body FROM unfinished"
	    " UNION ALL SELECT body FROM removal";
	struct sql_statement use;

	sql_prepare_once(&use, verify->db, sql);
	while (sql_step(&use)) {
		int64_t body = sql_column_int(&use, 0);

		if (body > 0 && body < verify->bodies)
			verify->owned[body / 8] |=
			    (unsigned char)(1 << (body % 8));
	}
	return sql_end(&use);
}

/* The first body at or above `body` that has pieces; 0: there is none. */
static enum store_status
verify_next_body(const struct verify *verify, int64_t body, int64_t *body_r)
{
	static const char sql[] = "SELECT coalesce(min(id), 0) FROM chunk"
				  " WHERE id >= ?1";
	struct sql_statement use;

	*body_r = 0;
	if (body > INT64_MAX >> STORE_CHUNK_SEQUENCE_BITS)
		return STORE_OK;
	sql_prepare(&use, verify->db, sql);
	sql_bind_int(&use, 1, store_chunk_id(body, 0));
	if (sql_step(&use))
		*body_r = sql_column_int(&use, 0) >> STORE_CHUNK_SEQUENCE_BITS;
	return sql_end(&use);
}

static enum store_status
verify_look_for_strays(const struct verify *verify)
{
	int64_t body = 0;
	enum store_status status;

	for (;;) {
		status = verify_next_body(verify, body + 1, &body);
		if (status != STORE_OK || body == 0)
			return status;
		if (!verify_is_owned(verify, body))
			store_checker_problem(verify->checker,
			    "the pieces of body %" PRId64
			    " belong to no message",
			    body);
		if (verify_is_stopped(verify))
			return STORE_CLOSED;
	}
}

/* In one snapshot, since bodies come and become messages all the time. */
static enum store_status
verify_pieces(struct verify *verify)
{
	int64_t last;
	enum store_status status = sql_begin(verify->db, SQL_READ);

	if (status != STORE_OK)
		return status;
	status = sql_integer(
	    verify->db, "SELECT coalesce(max(id), 0) FROM chunk", &last);
	verify->bodies = (last >> STORE_CHUNK_SEQUENCE_BITS) + 1;
	if (verify->bodies > BODIES_MAX)
		verify->bodies = BODIES_MAX;
	verify->owned = calloc(1, (size_t)verify->bodies / 8 + 1);
	if (status == STORE_OK && verify->owned == NULL)
		status = STORE_MEMORY;
	if (status == STORE_OK)
		status = verify_mark_owned(verify);
	if (status == STORE_OK)
		status = verify_look_for_strays(verify);
	free(verify->owned);
	verify->owned = NULL;
	sql_rollback(verify->db);
	return status;
}

/* ---- bodies ---- */

struct body {
	int64_t owner, number;
	uint64_t octets;
	bool has_digest, is_sealed;
	unsigned char digest[STORE_DIGEST_SIZE];
};

/* The findings about one body. */
struct found {
	struct store_digest *digest;
	uint64_t octets;
	uint32_t pieces;
	bool in_order;
	bool has_offsets;           /* none that is noted is wrong */
	bool is_uneven;             /* a piece is sealed, or is not */
	bool is_packed;             /* one is longer than it says */
	enum store_status unpacked; /* or why not */
};

/* The problem with the pieces, in words; NULL: none. */
static const char *
verify_compare(const struct verify *verify, const struct body *body,
    const struct found *pieces)
{
	unsigned char found[STORE_DIGEST_SIZE];

	if (pieces->unpacked != STORE_OK)
		return sql_words(verify->db);
	if (!pieces->in_order)
		return "a piece of it is missing";
	if (pieces->pieces == 0 && body->number != 0)
		return "its bytes are missing";
	if (pieces->is_uneven)
		return body->is_sealed ? "a piece of it is not sealed"
				       : "it is sealed, and its key is missing";
	if (!pieces->is_packed && pieces->octets != body->octets)
		return "its size differs from that in its row";
	/* What is in it only the holder of the secret key can tell. */
	if (body->is_sealed)
		return pieces->has_offsets
			   ? NULL
			   : "where its pieces begin is noted wrongly";
	store_digest_final(pieces->digest, found);
	store_digest_apply_key(store_db_digest_key(verify->db), found);
	if (body->has_digest &&
	    memcmp(found, body->digest, STORE_DIGEST_SIZE) != 0)
		return "its bytes have changed: the digest differs";
	if (!pieces->has_offsets)
		return "where its pieces begin is noted wrongly";
	return NULL;
}

/* Of the plain bytes, where it can be told. */
static size_t
verify_sealed_length(struct sql_statement *use, struct found *found)
{
	int64_t encoding;
	const void *bytes;
	size_t length;

	found->unpacked =
	    store_chunk_take_as_is(use, 1, &encoding, &bytes, &length);
	found->is_uneven |= encoding != STORE_CHUNK_SEALED &&
			    encoding != STORE_CHUNK_SEALED_ZSTD;
	found->is_packed |= encoding != STORE_CHUNK_SEALED;
	if (encoding != STORE_CHUNK_SEALED || length < STORE_SEALED_EXTRA)
		return length;
	return length - STORE_SEALED_EXTRA;
}

static void
verify_read_piece(const struct verify *verify, struct sql_statement *use,
    const struct body *body, struct found *found)
{
	int64_t id = sql_column_int(use, 0);
	const void *bytes = NULL;
	size_t length;
	bool is_right = true;

	if (body->is_sealed)
		length = verify_sealed_length(use, found);
	else
		found->unpacked =
		    store_chunk_take(verify->db, use, 1, &bytes, &length);
	if (found->unpacked == STORE_SEALED) {
		found->is_uneven = true;
		found->unpacked = STORE_OK;
	}
	if (found->unpacked != STORE_OK)
		return;
	if (found->pieces > 0 && !found->is_packed)
		found->unpacked = store_offset_compare(
		    verify->db, id, found->octets, &is_right);
	if (found->unpacked != STORE_OK)
		return;
	found->has_offsets = found->has_offsets && is_right;
	if (id != store_chunk_id(body->number, found->pieces++))
		found->in_order = false;
	if (length > 0 && bytes != NULL)
		store_digest_update(found->digest, bytes, length);
	found->octets += length;
}

/* A damaged piece is reported as a problem; a lack of memory ends the check. */
static enum store_status
verify_read_pieces(
    const struct verify *verify, const struct body *body, struct found *found)
{
	struct sql_statement use;
	enum store_status status;

	store_chunk_use_all(&use, verify->db, body->number);
	while (found->unpacked == STORE_OK && sql_step(&use))
		verify_read_piece(verify, &use, body, found);
	status = sql_end(&use);
	if (status != STORE_OK || found->unpacked == STORE_DAMAGED)
		return status;
	return found->unpacked;
}

static enum store_status
verify_body(
    const struct verify *verify, const struct body *body, const char *kind)
{
	struct found found = { .digest = store_digest_new(),
		.in_order = true,
		.has_offsets = true };
	enum store_status status;
	const char *wrong;
	char what[64];

	if (found.digest == NULL)
		return STORE_MEMORY;
	snprintf(what, sizeof(what), "%s %" PRId64, kind, body->owner);
	status = verify_read_pieces(verify, body, &found);
	wrong =
	    status == STORE_OK ? verify_compare(verify, body, &found) : NULL;
	if (status != STORE_OK)
		status = verify_note_unreadable(verify, status, what);
	else if (wrong != NULL)
		store_checker_problem(verify->checker, "%s: %s", what, wrong);
	store_digest_free(found.digest);
	if (body->has_digest)
		store_checker_advance(verify->checker, found.octets);
	return status;
}

static enum store_status
verify_next_owner(const struct verify *verify, const char *sql, int64_t above,
    int64_t last, struct body *body_r)
{
	struct sql_statement use;

	memset(body_r, 0, sizeof(*body_r));
	sql_prepare(&use, verify->db, sql);
	sql_bind_int(&use, 1, above);
	sql_bind_int(&use, 2, last);
	if (sql_step(&use)) {
		struct sql_statement *row = &use;

		body_r->owner = sql_column_int(row, 0);
		body_r->number = sql_column_int(row, 1);
		body_r->octets = (uint64_t)sql_column_int(row, 2);
		body_r->has_digest = !sql_column_is_null(row, 3);
		/* A digest of another size is like none: it matches nothing. */
		(void)sql_column_bytes(
		    row, 3, body_r->digest, sizeof(body_r->digest));
		body_r->is_sealed = sql_column_int(row, 4) != 0;
	}
	return sql_end(&use);
}

/*
 * Each in a snapshot of its own: a long one would keep the log of the writer
 * from starting over.
 */
static enum store_status
verify_bodies(const struct verify *verify, const char *sql, int64_t last,
    const char *kind)
{
	struct body body = { .owner = 0 };

	for (;;) {
		enum store_status status;
		int64_t above = body.owner;

		if (verify_is_stopped(verify))
			return STORE_CLOSED;
		status = sql_begin(verify->db, SQL_READ);
		if (status != STORE_OK)
			return status;
		status = verify_next_owner(verify, sql, above, last, &body);
		if (status == STORE_OK && body.owner != 0)
			status = verify_body(verify, &body, kind);
		sql_rollback(verify->db);
		if (status != STORE_OK || body.owner == 0)
			return status;
	}
}

static enum store_status
verify_messages(struct verify *verify)
{
	static const char sql[] =
	    "SELECT id, body, octets, digest, EXISTS(SELECT 1 FROM sealed"
	    " WHERE sealed.message = message.id) FROM message"
	    " WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1";
	int64_t count, last;
	enum store_status status = sql_integer(
	    verify->db, "SELECT coalesce(max(id), 0) FROM message", &last);

	if (status == STORE_OK)
		status = sql_integer(
		    verify->db, "SELECT count(*) FROM message", &count);
	if (status != STORE_OK)
		return status;
	store_checker_expect(verify->checker, (uint64_t)count);
	return verify_bodies(verify, sql, last, "message");
}

static enum store_status
verify_quarantine(struct verify *verify)
{
	static const char sql[] =
	    "SELECT id, body, octets, NULL, EXISTS(SELECT 1"
	    " FROM sealed_quarantine WHERE quarantine = quarantine.id)"
	    " FROM quarantine"
	    " WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1";

	return verify_bodies(verify, sql, INT64_MAX, "quarantined message");
}

struct stage {
	enum store_status (*check)(struct verify *);
	const char *what;
};

enum store_status
store_verify(struct sql_db *db, struct store_checker *checker)
{
	static const struct stage stages[] = {
		{ verify_structure, "the file" },
		{ verify_counters, "the accounts' counters" },
		{ verify_unique_ids, "what is known of unique-ids" },
		{ verify_tombstones, "what was deleted" },
		{ verify_outbox, "the outbox" },
		{ verify_pieces, "the bodies' pieces" },
		{ verify_messages, "a message's row" },
		{ verify_quarantine, "a quarantined message's row" },
	};
	struct verify verify = { .db = db, .checker = checker };
	enum store_status status = STORE_OK;

	for (size_t i = 0; status == STORE_OK && !verify_is_stopped(&verify) &&
			   i < sizeof(stages) / sizeof(stages[0]);
	     i++) {
		status = stages[i].check(&verify);
		if (status != STORE_OK)
			status = verify_note_unreadable(
			    &verify, status, stages[i].what);
	}
	return status;
}
