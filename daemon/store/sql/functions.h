/*
 * Functions of the program's own, for statements of SQLite.
 */
#ifndef STORE_SQL_FUNCTIONS_H
#define STORE_SQL_FUNCTIONS_H

#include <stddef.h>

#include "daemon/store/sql/engine.h"

/* A function of two texts, for statements; false where one is NULL. */
enum store_status sqlite_define(struct sql_db *, const char *name,
    bool (*function)(const char *, const char *))
    __attribute__((warn_unused_result));

/*
 * Teach a connection score(table, JOINED, WEIGHT...): how well a row of the
 * full-text index fits a question, a whole number, the larger the better.  It
 * is FTS5's bm25() without a walk over all rows that have a frequent word.
 * JOINED has a character for each phrase of the question: "=" where it counts
 * as the same word as the phrase before, else another; a WEIGHT is a column's.
 */
enum store_status sqlite_define_score(struct sql_db *)
    __attribute__((warn_unused_result));

#define SQLITE_WORD_MAX 256

/* A word as a full-text index has it. */
struct sqlite_word {
	char text[SQLITE_WORD_MAX];
	size_t begin; /* where it stands */
};

/*
 * The last word of a text by FTS5's tokenizer "unicode61" with these options
 * (names and values, then NULL); false: there is none, or it is too long.
 */
bool sqlite_last_word(struct sql_db *, const char *const options[],
    const char *text, size_t length, struct sqlite_word *word_r);

#endif
