#include "daemon/store/aside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hex.h"

_Static_assert(STORE_UID_STORED == 0 && STORE_UID_DELETE == 1 &&
		   STORE_UID_SEEN == 2 && STORE_UID_GONE == 4 &&
		   STORE_UID_QUARANTINED == 5,
    "the statements know these states by number");

/* Octets of the digest that stand in an id, as hexadecimal. */
#define DIGEST_OCTETS 8

/*
 * Behind the maildrop stand the state that the id had, a "-" and the id; SQL
 * counts octets from 1.
 */
#define STATE_AT "23"
#define ID_AT    "25"
_Static_assert(STORE_ASIDE_MAILDROP == sizeof(" was--") - 1 + 2 * DIGEST_OCTETS,
    "the statements know it by number");

#define STATES (STORE_UID_QUARANTINED + 1)

/* All ids that are aside with one state begin so. */
#define STATE_PREFIX (STORE_ASIDE_MAILDROP + 2)

static void
aside_state_prefix(
    const struct store_aside *aside, int state, char prefix_r[STATE_PREFIX + 1])
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

	if (length <= STORE_ASIDE_MAILDROP ||
	    memcmp(unique_id, begin, sizeof(begin) - 1) != 0)
		return false;
	state = unique_id[STORE_ASIDE_MAILDROP];
	return state != '0' + STORE_UID_DELETED &&
	       state != '0' + STORE_UID_GONE;
}

bool
store_aside_name(struct store_aside *aside, const char *host, const char *user)
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
 * What is durable here is GONE, where adoption looks for it.  What stands for
 * no message keeps its state.
 */
static enum store_status
aside_put_state(struct sql_db *db, const struct store_aside *aside,
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

enum store_status
store_aside_put(struct sql_db *db, const struct store_aside *aside,
    int64_t account_id, bool trust_seen, uint64_t *count_r, uint64_t *seen_r)
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
    const struct store_aside *aside, int64_t account_id, int state,
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

/* What has the same id now is of the maildrop that is left. */
static enum store_status
aside_return_state(struct sql_db *db, const struct store_aside *aside,
    int64_t account_id, int state)
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

enum store_status
store_aside_return(struct sql_db *db, const struct store_aside *aside,
    int64_t account_id, uint64_t *count_r)
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
store_aside_release(struct sql_db *db, const struct store_unique *unique)
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
