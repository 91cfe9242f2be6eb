/*
 * The rows of unique-ids: which message each stands for, and its facts.  For
 * the writer's thread, inside its transaction.
 */
#ifndef STORE_UNIQUE_H
#define STORE_UNIQUE_H

#include "daemon/store/db.h"
#include "daemon/store/digest.h"

struct store_unique {
	int64_t account_id;
	const unsigned char *id; /* borrowed */
	size_t id_length;
	uint32_t occurrence;
};

static inline struct store_unique
store_unique_make(int64_t account_id, const unsigned char *id, size_t id_length,
    uint32_t occurrence)
{
	return (struct store_unique){ account_id, id, id_length, occurrence };
}

struct store_unique_row {
	bool found;
	enum store_uid_state state;
	int64_t message_id; /* also of one that was deleted here; 0: none */
	int64_t stored_ms;
	bool has_header_digest;
	unsigned char header_digest[STORE_HEADER_DIGEST_SIZE];
	/* As in struct store_uid. */
	uint64_t listed_octets, lines, added_octets;
	/* Of its message. */
	uint64_t octets;
	unsigned char digest[STORE_DIGEST_SIZE];
	int64_t message_stored_ms;
};

/* The key of a table with rows of unique-ids: ?1 to ?3 of a statement. */
#define STORE_UNIQUE_WHERE \
	" WHERE account = ?1 AND unique_id = ?2 AND occurrence = ?3"

/* sql_prepare(), and bind the key. */
void store_unique_prepare(struct sql_statement *, struct sql_db *,
    const char *sql, const struct store_unique *);

enum store_status store_unique_look_up(struct sql_db *,
    const struct store_unique *, struct store_unique_row *row_r)
    __attribute__((warn_unused_result));

/* Whether the row stands for a message of these bytes. */
bool store_unique_is(const struct store_unique_row *, uint64_t octets,
    const unsigned char digest[STORE_DIGEST_SIZE]);

/*
 * Make or replace the row.  A message that it stood for and that the server
 * may still have under another id stays known by its digest, as GONE.
 */
enum store_status store_unique_put(struct sql_db *, const struct store_unique *,
    const struct store_unique_row *) __attribute__((warn_unused_result));

/* The same, where `former` is what was looked up since the last change. */
enum store_status store_unique_replace(struct sql_db *,
    const struct store_unique *, const struct store_unique_row *former,
    const struct store_unique_row *) __attribute__((warn_unused_result));

/* Give the row of `from`, as it was looked up, to `to`. */
enum store_status store_unique_move(struct sql_db *,
    const struct store_unique *from, const struct store_unique *to,
    const struct store_unique_row *) __attribute__((warn_unused_result));

/*
 * Set the state, or make a row with that state.  A row without a message is
 * never STORED, DELETE or GONE: such a change is ignored.
 */
enum store_status store_unique_set_state(
    struct sql_db *, const struct store_unique *, enum store_uid_state)
    __attribute__((warn_unused_result));

/* The message is the one it was; its looks are known better. */
enum store_status store_unique_describe(struct sql_db *,
    const struct store_unique *, const struct store_unique_row *)
    __attribute__((warn_unused_result));

enum store_status store_unique_forget(struct sql_db *,
    const struct store_unique *) __attribute__((warn_unused_result));

/*
 * The id of what is known by its digest alone.  No server's begins with a
 * space, RFC 1939 section 7.
 */
#define STORE_UNIQUE_BODY_ID (sizeof(" body-") + STORE_DIGEST_SIZE * 2)
void store_unique_body_id(const unsigned char digest[STORE_DIGEST_SIZE],
    char id_r[STORE_UNIQUE_BODY_ID]);

/* The same for what was imported: it is like those, and kept for ever. */
#define STORE_UNIQUE_IMPORT_ID (sizeof(" body-import-") + STORE_DIGEST_SIZE * 2)
void store_unique_import_id(const unsigned char digest[STORE_DIGEST_SIZE],
    char id_r[STORE_UNIQUE_IMPORT_ID]);
bool store_unique_is_import(const unsigned char *id, size_t length);

#endif
