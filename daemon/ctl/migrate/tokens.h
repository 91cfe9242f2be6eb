/*
 * Files that are words and strings in quotes, wherever their lines end: those
 * of fetchmail and fdm.
 */
#ifndef CTL_MIGRATE_TOKENS_H
#define CTL_MIGRATE_TOKENS_H

#include <stdbool.h>

#include "daemon/ctl/migrate/migration.h"

struct lexeme {
	const char *text;
	unsigned line;
	bool is_quoted; /* then it is no keyword */
};

struct tokens {
	struct migration *migration;
	char *at;
	unsigned line;
	/* Characters between words that mean nothing, besides blanks. */
	const char *noise;
	/* Characters that are words of their own. */
	const char *single;
	const char *quotes; /* either of these */
	/* \101 is decimal, \0101 octal, \x41 hexadecimal. */
	bool has_numbers;
};

/* The next one; false at the end. */
bool tokens_next(struct tokens *, struct lexeme *lexeme_r);
/* The same, and it is still there then. */
bool tokens_peek(const struct tokens *, struct lexeme *lexeme_r);

bool lexeme_is(const struct lexeme *, const char *word);

#endif
