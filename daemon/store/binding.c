#include "daemon/store/binding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/store/attempts.h"
#include "daemon/store/owed.h"
#include "daemon/store/private.h"
#include "daemon/store/unique.h"
#include "daemon/store/writer.h"
#include "lib/base/hex.h"

/* ---- unique-ids of another maildrop ---- */

/* How ids that are aside begin: " was-", a digest of the maildrop, "-". */
#define ASIDE_MAILDROP 22
struct aside {
	char prefix[ASIDE_MAILDROP + 1];
};

_Static_assert(STORE_UID_STORED == 0 && STORE_UID_DELETE == 1 &&
		   STORE_UID_SEEN == 2 && STORE_UID_GONE == 4 &&
		   STORE_UID_QUARANTINED == 5 && STORE_UID_WAITING == 6,
    "the statements know these states by number");

/* Octets of the digest that stand in an id, as hexadecimal. */
#define DIGEST_OCTETS 8

/*
 * After the maildrop come the state that the id had, a "-" and the id.  SQL
 * counts octets from 1.
 */
#define STATE_AT "23"
#define ID_AT    "25"
_Static_assert(ASIDE_MAILDROP == sizeof(" was--") - 1 + 2 * DIGEST_OCTETS,
    "the statements know it by number");

#define STATES (STORE_UID_QUARANTINED + 1)

/* All ids that are aside with one state begin so. */
#define STATE_PREFIX (ASIDE_MAILDROP + 2)

static void
aside_state_prefix(
    const struct aside *aside, int state, char prefix_r[STATE_PREFIX + 1])
{
	snprintf(
	    prefix_r, STATE_PREFIX + 1, "%s%c-", aside->prefix, '0' + state);
}

/* An id of so many octets tells of its server, and of a time or a number. */
#define LONG_ID "16"

/* From the first id that begins so to the one behind the last. */
#define IS_ASIDE                                  \
	" unique_id >= CAST(' was-' AS BLOB) AND" \
	" unique_id < CAST(' was.' AS BLOB)"
#define IS_BODY                                    \
	" unique_id >= CAST(' body-' AS BLOB) AND" \
	" unique_id < CAST(' body.' AS BLOB)"

/* Servers are the same however their names are written. */
static void
aside_lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

bool
store_uid_is_kept(const unsigned char *unique_id, size_t length)
{
	static const char begin[] = " was-";
	unsigned char state;

	if (store_unique_is_import(unique_id, length))
		return true;
	if (length <= ASIDE_MAILDROP ||
	    memcmp(unique_id, begin, sizeof(begin) - 1) != 0)
		return false;
	state = unique_id[ASIDE_MAILDROP];
	return state != '0' + STORE_UID_DELETED &&
	       state != '0' + STORE_UID_GONE;
}

/* False without memory. */
static bool
aside_name(struct aside *aside, const char *host, const char *user)
{
	unsigned char digest[STORE_DIGEST_SHA256_SIZE];
	size_t host_size = strlen(host) + 1, user_size = strlen(user) + 1;
	char *both = malloc(host_size + user_size), *at = aside->prefix;
	bool well;

	if (both == NULL)
		return false;
	memcpy(both, host, host_size);
	aside_lower(both);
	memcpy(both + host_size, user, user_size);
	well = store_digest_sha256(both, host_size + user_size, digest);
	free(both);
	if (!well)
		return false;
	at += sprintf(at, " was-");
	evpop_hex_encode(digest, DIGEST_OCTETS, at);
	at += (size_t)2 * DIGEST_OCTETS;
	(void)sprintf(at, "-");
	return true;
}

static enum store_status
aside_count_seen(struct sql_db *db, int64_t account_id, uint64_t *count_r)
{
	static const char sql[] =
	    "SELECT count(*) FROM uid WHERE account = ?1 AND state = 2"
	    " AND message IS NULL AND length(unique_id) >= " LONG_ID
	    " AND NOT (" IS_ASIDE ")";
	struct sql_statement use;

	sql_prepare_once(&use, db, sql);
	sql_bind_int(&use, 1, account_id);
	if (sql_step(&use))
		*count_r = (uint64_t)sql_column_int(&use, 0);
	return sql_end(&use);
}

/*
 * An id with a stored message becomes GONE, where adoption looks for it.  An id
 * without a message keeps its state.
 */
static enum store_status
aside_put_state(struct sql_db *db, const struct aside *aside,
    int64_t account_id, bool trust_seen, int state)
{
	static const char sql[] =
	    "UPDATE uid SET unique_id = CAST(?2 || unique_id AS BLOB),"
	    " stored_ms = CASE WHEN message IS NULL OR state = 4"
	    "  THEN stored_ms ELSE ?3 END,"
	    " state = CASE WHEN message IS NULL THEN state ELSE 4 END"
	    " WHERE account = ?1 AND state = ?5"
	    " AND NOT (" IS_ASIDE ") AND NOT (" IS_BODY ")"
	    " AND NOT (?4 <> 0 AND state = 2 AND message IS NULL"
	    "  AND length(unique_id) >= " LONG_ID ")";
	char prefix[STATE_PREFIX + 1];
	struct sql_statement use;

	aside_state_prefix(aside, state, prefix);
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, account_id);
	sql_bind_blob(&use, 2, prefix, STATE_PREFIX);
	sql_bind_int(&use, 3, store_db_now_ms(db));
	sql_bind_int(&use, 4, trust_seen);
	sql_bind_int(&use, 5, state);
	return sql_run(&use);
}

/*
 * What waits is listed anew; but one that was here before, and gone, is
 * recognised like the others.
 */
static enum store_status
aside_end_waits(struct sql_db *db, int64_t account_id, uint64_t *count_r)
{
	static const char forget[] =
	    "DELETE FROM uid WHERE account = ?1 AND state = 6"
	    " AND message IS NULL";
	static const char go[] = "UPDATE uid SET state = 4, stored_ms = ?2"
				 " WHERE account = ?1 AND state = 6";
	struct sql_statement use;
	enum store_status status;

	sql_prepare_once(&use, db, forget);
	sql_bind_int(&use, 1, account_id);
	status = sql_run(&use);
	if (status != STORE_OK)
		return status;
	*count_r = (uint64_t)sql_changes(db);
	sql_prepare_once(&use, db, go);
	sql_bind_int(&use, 1, account_id);
	sql_bind_int(&use, 2, store_db_now_ms(db));
	return sql_run(&use);
}

/*
 * Put aside the account's unique-ids of this maildrop; bodies known by their
 * bytes alone stay.  With `trust_seen`, long ids that were counted as seen
 * without a fetch stay too: nothing else could recognise them, and long ids do
 * not meet by chance.
 */
static enum store_status
aside_put(struct sql_db *db, const struct aside *aside, int64_t account_id,
    bool trust_seen, uint64_t *count_r, uint64_t *seen_r)
{
	enum store_status status = STORE_OK;

	*count_r = *seen_r = 0;
	if (trust_seen)
		status = aside_count_seen(db, account_id, seen_r);
	for (int state = 0; status == STORE_OK && state < STATES; state++) {
		status =
		    aside_put_state(db, aside, account_id, trust_seen, state);
		if (status == STORE_OK)
			*count_r += (uint64_t)sql_changes(db);
	}
	return status;
}

static void
aside_use_state(struct sql_statement *use, struct sql_db *db, const char *sql,
    const struct aside *aside, int64_t account_id, int state,
    char from[STATE_PREFIX + 1], char end[STATE_PREFIX + 1])
{
	aside_state_prefix(aside, state, from);
	memcpy(end, from, STATE_PREFIX + 1);
	/* The octet behind "-" is ".": there other ids would begin. */
	end[STATE_PREFIX - 1] = '.';
	sql_prepare(use, db, sql);
	sql_bind_int(use, 1, account_id);
	sql_bind_blob(use, 2, from, STATE_PREFIX);
	sql_bind_blob(use, 3, end, STATE_PREFIX);
}

/* A row that has the same id now belongs to the maildrop that is left. */
static enum store_status
aside_return_state(
    struct sql_db *db, const struct aside *aside, int64_t account_id, int state)
{
	static const char clear[] =
	    "DELETE FROM uid WHERE account = ?1 AND (unique_id, occurrence) IN"
	    " (SELECT substr(unique_id, " ID_AT "), occurrence FROM uid"
	    "  WHERE account = ?1 AND unique_id >= ?2 AND unique_id < ?3)";
	static const char bring[] =
	    "UPDATE uid SET unique_id = substr(unique_id, " ID_AT "),"
	    " state = ?4, stored_ms = CASE WHEN ?5 <> 0"
	    "  THEN coalesce((SELECT message.stored_ms FROM message"
	    "   WHERE message.id = uid.message), stored_ms)"
	    "  ELSE stored_ms END"
	    " WHERE account = ?1 AND unique_id >= ?2 AND unique_id < ?3";
	char from[STATE_PREFIX + 1], end[STATE_PREFIX + 1];
	enum store_status status;
	struct sql_statement use;

	aside_use_state(&use, db, clear, aside, account_id, state, from, end);
	status = sql_run(&use);
	if (status != STORE_OK)
		return status;
	aside_use_state(&use, db, bring, aside, account_id, state, from, end);
	sql_bind_int(&use, 4, state);
	/* When it was stored is when its message was. */
	sql_bind_int(
	    &use, 5, state == STORE_UID_STORED || state == STORE_UID_DELETE);
	return sql_run(&use);
}

/* Bring back what is aside of this maildrop. */
static enum store_status
aside_return(struct sql_db *db, const struct aside *aside, int64_t account_id,
    uint64_t *count_r)
{
	enum store_status status = STORE_OK;

	*count_r = 0;
	for (int state = 0; status == STORE_OK && state < STATES; state++) {
		status = aside_return_state(db, aside, account_id, state);
		if (status == STORE_OK)
			*count_r += (uint64_t)sql_changes(db);
	}
	return status;
}

enum store_status
store_binding_release(struct sql_db *db, const struct store_unique *unique)
{
	static const char sql[] =
	    "DELETE FROM uid WHERE account = ?1 AND" IS_ASIDE
	    " AND substr(unique_id, " ID_AT ") = ?2 AND occurrence = ?3"
	    " AND substr(unique_id, " STATE_AT ", 1) = CAST('5' AS BLOB)";
	struct sql_statement use;

	sql_prepare_once(&use, db, sql);
	sql_bind_int(&use, 1, unique->account_id);
	sql_bind_blob(&use, 2, unique->id, unique->id_length);
	sql_bind_int(&use, 3, unique->occurrence);
	return sql_run(&use);
}

/* ---- the operation ---- */

struct bind_op {
	struct store_op op;
	int64_t account_id;
	store_bound_cb done;
	void *arg;
	struct store_bound bound;
	const char *host, *user;
};

static void
bind_take_former(struct store_op *op, struct sql_statement *from)
{
	struct store_bound *bound = &((struct bind_op *)op)->bound;

	bound->former_host = store_op_column_text(op, from, 0);
	bound->former_user = store_op_column_text(op, from, 1);
}

static enum store_status
bind_read_former(struct sql_db *db, struct bind_op *bind)
{
	static const char sql[] =
	    "SELECT host, login FROM account WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, bind->account_id);
	return store_op_take_row(&bind->op, &use, bind_take_former);
}

static enum store_status
bind_move(struct sql_db *db, struct bind_op *bind)
{
	struct store_bound *bound = &bind->bound;
	struct aside from, to;
	bool same_user = strcmp(bound->former_user, bind->user) == 0;
	enum store_status status;

	if (!aside_name(&from, bound->former_host, bound->former_user) ||
	    !aside_name(&to, bind->host, bind->user))
		return STORE_MEMORY;
	bound->is_moved = true;
	status = aside_end_waits(db, bind->account_id, &bound->waiting);
	if (status == STORE_OK)
		status = aside_put(db, &from, bind->account_id, same_user,
		    &bound->distrusted, &bound->seen);
	if (status == STORE_OK)
		status =
		    aside_return(db, &to, bind->account_id, &bound->restored);
	/* Failures are counted by id. */
	if (status == STORE_OK)
		status = store_attempts_forget_all(db, bind->account_id);
	return status;
}

static enum store_status
bind_set(struct sql_db *db, const struct bind_op *bind)
{
	static const char sql[] =
	    "UPDATE account SET host = ?2, login = ?3 WHERE id = ?1";
	struct sql_statement use;

	sql_prepare_once(&use, db, sql);
	sql_bind_int(&use, 1, bind->account_id);
	sql_bind_text(&use, 2, bind->host);
	sql_bind_text(&use, 3, bind->user);
	return sql_run(&use);
}

/* Rows of earlier versions do not tell whose maildrop they are of. */
static bool
bound_is_known(const struct store_bound *bound)
{
	return bound->former_host != NULL && bound->former_user != NULL;
}

static bool
bind_is_done(const struct bind_op *bind)
{
	const struct store_bound *bound = &bind->bound;

	return bound_is_known(bound) &&
	       strcasecmp(bound->former_host, bind->host) == 0 &&
	       strcmp(bound->former_user, bind->user) == 0;
}

static enum store_status
bind_write(struct store_writer *writer, struct store_op *op)
{
	struct bind_op *bind = (struct bind_op *)op;
	struct sql_db *db = store_writer_db(writer);
	enum store_status status;

	bind->bound = (struct store_bound){ .is_moved = false };
	status = bind_read_former(db, bind);
	if (status == STORE_OK && !bind_is_done(bind)) {
		if (bound_is_known(&bind->bound))
			status = bind_move(db, bind);
		if (status == STORE_OK && bind->bound.restored > 0)
			status = store_owed_restored(writer, bind->account_id);
		if (status == STORE_OK)
			status = bind_set(db, bind);
	}
	if (status == STORE_NOT_FOUND)
		return store_op_fail(op, status);
	return status;
}

static void
bind_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct bind_op *bind = (struct bind_op *)op;

	(void)store;
	bind->done(status, status == STORE_OK ? &bind->bound : NULL, bind->arg);
}

static const struct store_op_type bind_type = {
	.write = bind_write,
	.answer = bind_answer,
};

void
store_account_bind(struct store *store, int64_t account_id, const char *host,
    const char *user, store_bound_cb done, void *arg)
{
	struct bind_op *bind = store_op_new(&bind_type, sizeof(*bind));

	if (bind == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	bind->account_id = account_id;
	bind->host = store_op_text(&bind->op, host);
	bind->user = store_op_text(&bind->op, user);
	bind->done = done;
	bind->arg = arg;
	store_submit(store, &bind->op);
}
