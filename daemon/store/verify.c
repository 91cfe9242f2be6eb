#include "daemon/store/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/digest.h"
#include "daemon/store/schema.h"

/*
 * Bodies are told apart by a bit each.  A number beyond this is no count of
 * messages but damage; what is not touched of the bits costs no memory.
 */
#define BODIES_MAX (INT64_C(1) << 33)

struct verify {
	struct store_db *db;
	struct store_checker *checker;
	unsigned char *owned; /* a bit for each body */
	int64_t bodies;       /* numbers below this have one */
};

static bool
is_stopped(const struct verify *verify)
{
	return store_checker_is_stopped(verify->checker);
}

/*
 * What cannot be read is what is looked for: note it, and go on with the rest.
 * Whatever else fails ends the check.
 */
static enum store_status
note_unreadable(
    const struct verify *verify, enum store_status status, const char *what)
{
	if (is_stopped(verify))
		return STORE_CLOSED;
	if (status != STORE_DAMAGED && status != STORE_IO)
		return status;
	store_checker_problem(
	    verify->checker, "%s cannot be read: %s", what, verify->db->words);
	return STORE_OK;
}

/* SQLite may have ended it by itself. */
static enum store_status
end_snapshot(const struct verify *verify)
{
	if (sqlite3_get_autocommit(verify->db->handle))
		return STORE_OK;
	return store_db_exec(verify->db, "ROLLBACK");
}

/* ---- SQLite's own structure ---- */

static enum store_status
check_structure(struct verify *verify)
{
	static const char sql[] = "PRAGMA integrity_check";
	struct store_use use;

	/* An interrupt before its first step would be lost. */
	store_use_once(&use, verify->db, sql);
	while (!is_stopped(verify) && store_next(&use)) {
		const char *text =
		    (const char *)sqlite3_column_text(use.statement, 0);

		if (text != NULL && strcmp(text, "ok") != 0)
			store_checker_problem(
			    verify->checker, "the file: %s", text);
	}
	return store_end(&use);
}

/* ---- what the rows say of each other ---- */

static enum store_status
check_counters(struct verify *verify)
{
	static const char sql[] =
	    "SELECT coalesce(account.name, account.id), account.messages,"
	    " account.octets,"
	    " coalesce(counted.messages, 0), coalesce(counted.octets, 0)"
	    " FROM account LEFT JOIN (SELECT account,"
	    "  count(*) AS messages, sum(octets) AS octets FROM message"
	    "  GROUP BY account) AS counted ON counted.account = account.id";
	struct store_use use;

	store_use_once(&use, verify->db, sql);
	while (store_next(&use)) {
		sqlite3_stmt *row = use.statement;
		int64_t messages = sqlite3_column_int64(row, 1);
		int64_t octets = sqlite3_column_int64(row, 2);

		if (messages == sqlite3_column_int64(row, 3) &&
		    octets == sqlite3_column_int64(row, 4))
			continue;
		store_checker_problem(verify->checker,
		    "account %s: %" PRId64 " messages with %" PRId64
		    " octets are there, its row says %" PRId64 " and %" PRId64,
		    (const char *)sqlite3_column_text(row, 0),
		    (int64_t)sqlite3_column_int64(row, 3),
		    (int64_t)sqlite3_column_int64(row, 4), messages, octets);
	}
	return store_end(&use);
}

static enum store_status
check_unique_ids(struct verify *verify)
{
	static const char sql[] =
	    "SELECT coalesce(account.name, uid.account),"
	    " quote(uid.unique_id), uid.state, uid.message"
	    " FROM uid LEFT JOIN account ON account.id = uid.account"
	    " LEFT JOIN message ON message.id = uid.message"
	    "  AND message.account = uid.account"
	    " WHERE message.id IS NULL AND (uid.message IS NOT NULL"
	    "  OR uid.state IN (0, 1, 4)) OR uid.state NOT BETWEEN 0 AND 5";
	struct store_use use;

	_Static_assert(STORE_UID_STORED == 0 && STORE_UID_DELETE == 1 &&
			   STORE_UID_GONE == 4 && STORE_UID_QUARANTINED == 5,
	    "the statement knows the states by number");
	store_use_once(&use, verify->db, sql);
	while (store_next(&use))
		store_checker_problem(verify->checker,
		    "account %s: unique-id %.64s (state %d) stands for "
		    "message %" PRId64 ", which is not there",
		    (const char *)sqlite3_column_text(use.statement, 0),
		    (const char *)sqlite3_column_text(use.statement, 1),
		    sqlite3_column_int(use.statement, 2),
		    (int64_t)sqlite3_column_int64(use.statement, 3));
	return store_end(&use);
}

/* ---- pieces that nothing owns ---- */

static bool
has_bit(const struct verify *verify, int64_t body)
{
	return body > 0 && body < verify->bodies &&
	       (verify->owned[body / 8] >> (body % 8) & 1) != 0;
}

static enum store_status
mark_owned(const struct verify *verify)
{
	static const char sql[] =
	    "SELECT body FROM message UNION ALL SELECT body FROM quarantine"
	    " UNION ALL SELECT body FROM unfinished";
	struct store_use use;

	store_use_once(&use, verify->db, sql);
	while (store_next(&use)) {
		int64_t body = sqlite3_column_int64(use.statement, 0);

		if (body > 0 && body < verify->bodies)
			verify->owned[body / 8] |=
			    (unsigned char)(1 << (body % 8));
	}
	return store_end(&use);
}

/* The first body at or above `body` that has pieces; 0: there is none. */
static enum store_status
next_body(const struct verify *verify, int64_t body, int64_t *body_r)
{
	static const char sql[] = "SELECT coalesce(min(id), 0) FROM chunk"
				  " WHERE id >= ?1";
	struct store_use use;

	*body_r = 0;
	if (body > INT64_MAX >> STORE_CHUNK_SEQUENCE_BITS)
		return STORE_OK;
	store_use(&use, verify->db, sql);
	store_bind_int(&use, 1, store_chunk_id(body, 0));
	if (store_next(&use))
		*body_r = sqlite3_column_int64(use.statement, 0) >>
			  STORE_CHUNK_SEQUENCE_BITS;
	return store_end(&use);
}

static enum store_status
look_for_strays(const struct verify *verify)
{
	int64_t body = 0;
	enum store_status status;

	for (;;) {
		status = next_body(verify, body + 1, &body);
		if (status != STORE_OK || body == 0)
			return status;
		if (!has_bit(verify, body))
			store_checker_problem(verify->checker,
			    "the pieces of body %" PRId64
			    " belong to no message",
			    body);
		if (is_stopped(verify))
			return STORE_CLOSED;
	}
}

/* In one snapshot, since bodies come and become messages all the time. */
static enum store_status
check_pieces(struct verify *verify)
{
	int64_t last;
	enum store_status status = store_db_exec(verify->db, "BEGIN"), ended;

	if (status != STORE_OK)
		return status;
	status = store_db_integer(
	    verify->db, "SELECT coalesce(max(id), 0) FROM chunk", &last);
	verify->bodies = (last >> STORE_CHUNK_SEQUENCE_BITS) + 1;
	if (verify->bodies > BODIES_MAX)
		verify->bodies = BODIES_MAX;
	verify->owned = calloc(1, (size_t)verify->bodies / 8 + 1);
	if (status == STORE_OK && verify->owned == NULL)
		status = STORE_MEMORY;
	if (status == STORE_OK)
		status = mark_owned(verify);
	if (status == STORE_OK)
		status = look_for_strays(verify);
	free(verify->owned);
	verify->owned = NULL;
	ended = end_snapshot(verify);
	return status != STORE_OK ? status : ended;
}

/* ---- bodies ---- */

struct body {
	int64_t owner, number;
	uint64_t octets;
	bool has_digest;
	unsigned char digest[STORE_DIGEST_SIZE];
};

/* What was found of one. */
struct found {
	struct store_digest *digest;
	uint64_t octets;
	uint32_t pieces;
	bool in_order;
	enum store_status unpacked; /* or why not */
};

/* What is wrong with the pieces, in words; NULL: nothing. */
static const char *
compare(const struct verify *verify, const struct body *body,
    const struct found *pieces)
{
	unsigned char found[STORE_DIGEST_SIZE];

	if (pieces->unpacked != STORE_OK)
		return verify->db->words;
	if (!pieces->in_order)
		return "a piece of it is missing";
	if (pieces->pieces == 0 && body->number != 0)
		return "its bytes are not there";
	if (pieces->octets != body->octets)
		return "its size is not what its row says";
	store_digest_final(pieces->digest, found);
	if (body->has_digest &&
	    memcmp(found, body->digest, STORE_DIGEST_SIZE) != 0)
		return "its bytes have changed: the digest is another";
	return NULL;
}

static void
read_piece(struct store_use *use, const struct body *body, struct found *found)
{
	const void *bytes;
	size_t length;

	found->unpacked = store_chunk_take(use, 1, &bytes, &length);
	if (found->unpacked != STORE_OK)
		return;
	if (sqlite3_column_int64(use->statement, 0) !=
	    store_chunk_id(body->number, found->pieces++))
		found->in_order = false;
	if (length > 0)
		store_digest_update(found->digest, bytes, length);
	found->octets += length;
}

/* A damaged piece is a problem that is told, and memory a reason to end. */
static enum store_status
read_pieces(
    const struct verify *verify, const struct body *body, struct found *found)
{
	struct store_use use;
	enum store_status status;

	store_chunk_use_all(&use, verify->db, body->number);
	while (found->unpacked == STORE_OK && store_next(&use))
		read_piece(&use, body, found);
	status = store_end(&use);
	if (status != STORE_OK || found->unpacked == STORE_DAMAGED)
		return status;
	return found->unpacked;
}

static enum store_status
check_body(
    const struct verify *verify, const struct body *body, const char *kind)
{
	struct found found = { .digest = store_digest_new(), .in_order = true };
	enum store_status status;
	const char *wrong;
	char what[64];

	if (found.digest == NULL)
		return STORE_MEMORY;
	snprintf(what, sizeof(what), "%s %" PRId64, kind, body->owner);
	status = read_pieces(verify, body, &found);
	wrong = status == STORE_OK ? compare(verify, body, &found) : NULL;
	if (status != STORE_OK)
		status = note_unreadable(verify, status, what);
	else if (wrong != NULL)
		store_checker_problem(verify->checker, "%s: %s", what, wrong);
	store_digest_free(found.digest);
	if (body->has_digest)
		store_checker_advance(verify->checker, found.octets);
	return status;
}

static enum store_status
next_owner(const struct verify *verify, const char *sql, int64_t above,
    int64_t last, struct body *body_r)
{
	struct store_use use;

	memset(body_r, 0, sizeof(*body_r));
	store_use(&use, verify->db, sql);
	store_bind_int(&use, 1, above);
	store_bind_int(&use, 2, last);
	if (store_next(&use)) {
		sqlite3_stmt *row = use.statement;

		body_r->owner = sqlite3_column_int64(row, 0);
		body_r->number = sqlite3_column_int64(row, 1);
		body_r->octets = (uint64_t)sqlite3_column_int64(row, 2);
		body_r->has_digest = sqlite3_column_type(row, 3) != SQLITE_NULL;
		/* A digest of another size is like none: it matches nothing. */
		if (sqlite3_column_bytes(row, 3) == STORE_DIGEST_SIZE)
			memcpy(body_r->digest, sqlite3_column_blob(row, 3),
			    STORE_DIGEST_SIZE);
	}
	return store_end(&use);
}

/*
 * Each in a snapshot of its own: a long one would keep the log of the writer
 * from starting over.
 */
static enum store_status
check_bodies(const struct verify *verify, const char *sql, int64_t last,
    const char *kind)
{
	struct body body = { .owner = 0 };

	for (;;) {
		enum store_status status, ended;
		int64_t above = body.owner;

		if (is_stopped(verify))
			return STORE_CLOSED;
		status = store_db_exec(verify->db, "BEGIN");
		if (status != STORE_OK)
			return status;
		status = next_owner(verify, sql, above, last, &body);
		if (status == STORE_OK && body.owner != 0)
			status = check_body(verify, &body, kind);
		ended = end_snapshot(verify);
		if (status == STORE_OK)
			status = ended;
		if (status != STORE_OK || body.owner == 0)
			return status;
	}
}

static enum store_status
check_messages(struct verify *verify)
{
	static const char sql[] =
	    "SELECT id, body, octets, digest FROM message"
	    " WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1";
	int64_t count, last;
	enum store_status status = store_db_integer(
	    verify->db, "SELECT coalesce(max(id), 0) FROM message", &last);

	if (status == STORE_OK)
		status = store_db_integer(
		    verify->db, "SELECT count(*) FROM message", &count);
	if (status != STORE_OK)
		return status;
	store_checker_expect(verify->checker, (uint64_t)count);
	return check_bodies(verify, sql, last, "message");
}

static enum store_status
check_quarantine(struct verify *verify)
{
	static const char sql[] =
	    "SELECT id, body, octets, NULL FROM quarantine"
	    " WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1";

	return check_bodies(verify, sql, INT64_MAX, "quarantined message");
}

struct stage {
	enum store_status (*check)(struct verify *);
	const char *what;
};

enum store_status
store_verify(struct store_db *db, struct store_checker *checker)
{
	static const struct stage stages[] = {
		{ check_structure, "the file" },
		{ check_counters, "the accounts' counters" },
		{ check_unique_ids, "what is known of unique-ids" },
		{ check_pieces, "the bodies' pieces" },
		{ check_messages, "a message's row" },
		{ check_quarantine, "a quarantined message's row" },
	};
	struct verify verify = { .db = db, .checker = checker };
	enum store_status status = STORE_OK;

	for (size_t i = 0; status == STORE_OK && !is_stopped(&verify) &&
			   i < sizeof(stages) / sizeof(stages[0]);
	     i++) {
		status = stages[i].check(&verify);
		if (status != STORE_OK)
			status =
			    note_unreadable(&verify, status, stages[i].what);
	}
	return status;
}
