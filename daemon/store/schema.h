/*
 * The tables, the documented views, and the way from one version of them to
 * the next.  Migrations only run forward, each in a transaction, after a copy
 * of the file was made beside it.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "daemon/store/db.h"

/* Entry N takes a file of version N to version N + 1. */
struct store_migration {
	const char *sql;
};

/*
 * Bring the file to version `count`.  STORE_NEWER if it is beyond,
 * STORE_DAMAGED if it is another program's; *error_r says what to do.
 */
enum store_status store_schema_migrate(struct store_db *, const char *path,
    const struct store_migration *, size_t count, struct store_error *error_r)
    __attribute__((warn_unused_result));

/* Those of this program; *count_r is the version that they lead to. */
const struct store_migration *store_schema_migrations(size_t *count_r);

/* The same with these. */
enum store_status store_schema_open(struct store_db *, const char *path,
    struct store_error *error_r) __attribute__((warn_unused_result));

/*
 * The full-text index.  It keeps no text of its own (content=''): rows of
 * messages that are gone are told by the join with message, whose ids never
 * return.  Marks are of a word (M*), since some scripts have no word without.
 * A file keeps this text as it is here: one that differs, by the number of
 * what words are or by anything else, is of another version, and made anew.
 *
 * A message's account is a word of it, too: the messages of an account that
 * have a frequent word are found without a look at all others that have it.
 * The word begins with a character that nobody writes.
 */
#define STORE_SCHEMA_FULLTEXT                                   \
	"CREATE VIRTUAL TABLE fulltext USING fts5("             \
	" sender, recipients, subject, body, account,"          \
	" content='', tokenize=\"unicode61 remove_diacritics 2" \
	" categories 'L* N* M* Co'\" /* words 4 */)"
#define STORE_SCHEMA_ACCOUNT_WORD "char(57344) || "

/*
 * Who has sent what: each sender once, as messages have it and folded (fold.h),
 * and the messages of each.  What threes of characters are in a sender is known
 * without where, for the sender's text is looked at anyway.
 */
#define STORE_SCHEMA_SENDERS                              \
	"CREATE TABLE sender("                            \
	" id INTEGER PRIMARY KEY,"                        \
	" folded TEXT NOT NULL UNIQUE);"                  \
	"CREATE TABLE sent("                              \
	" sender INTEGER NOT NULL,"                       \
	" message INTEGER NOT NULL,"                      \
	" PRIMARY KEY(sender, message)) WITHOUT ROWID;"   \
	"CREATE VIRTUAL TABLE sender_text USING fts5("    \
	" folded, content='', columnsize=0, detail=none," \
	" tokenize='trigram case_sensitive 1');"

/* Piece `sequence` of body `number`; a body is one range of these. */
#define STORE_CHUNK_SEQUENCE_BITS 20
static inline int64_t
store_chunk_id(int64_t number, uint32_t sequence)
{
	return (int64_t)((uint64_t)number << STORE_CHUNK_SEQUENCE_BITS) |
	       sequence;
}

#endif
