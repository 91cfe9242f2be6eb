#include "daemon/ctl/migrate/tokens.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool
lexeme_is(const struct lexeme *token, const char *word)
{
	return !token->is_quoted && strcasecmp(token->text, word) == 0;
}

/* Blanks, noise and comments. */
static void
tokens_skip(struct tokens *tokens)
{
	for (; *tokens->at != '\0'; tokens->at++) {
		if (*tokens->at == '#')
			tokens->at += strcspn(tokens->at, "\n");
		if (*tokens->at == '\n')
			tokens->line++;
		else if (*tokens->at == '\0' ||
			 (strchr(" \t\r\f", *tokens->at) == NULL &&
			     strchr(tokens->noise, *tokens->at) == NULL))
			return;
	}
}

/* A character by its number; the digits are at `at`. */
static char *
tokens_number(char *at, char *character_r)
{
	int base = *at == 'x' ? 16 : *at == '0' ? 8 : 10;
	size_t count, most = base == 16 ? 2 : 3;
	char digits[4] = "", *end;

	at += base != 10;
	count =
	    strspn(at, base == 16 ? "0123456789abcdefABCDEF" : "0123456789");
	snprintf(digits, sizeof(digits), "%.*s",
	    (int)(count < most ? count : most), at);
	*character_r = (char)strtol(digits, &end, base);
	return at + (end - digits);
}

static char *
tokens_escape(const struct tokens *tokens, char *at, char *character_r)
{
	static const char letters[] = "ntrb", meant[] = "\n\t\r\b";
	const char *letter = strchr(letters, *at);

	if (tokens->has_numbers &&
	    (strchr("0123456789", *at) != NULL || *at == 'x'))
		return tokens_number(at, character_r);
	*character_r = letter != NULL ? meant[letter - letters] : *at;
	return at + 1;
}

/* Behind the quote, to the one that ends it. */
static const char *
tokens_string(struct tokens *tokens, char quote)
{
	char *from = tokens->at, *to = from, *start = from;

	while (*from != '\0' && *from != quote) {
		if (*from == '\n')
			tokens->line++;
		/* In fetchmail's, a quote ends a string in any case. */
		if (from[0] == '\\' && from[1] != '\0' &&
		    !(tokens->has_numbers && from[1] == quote))
			from = tokens_escape(tokens, from + 1, to++);
		else
			*to++ = *from++;
	}
	tokens->at = *from == quote ? from + 1 : from;
	return migration_copy(tokens->migration, start, (size_t)(to - start));
}

bool
tokens_next(struct tokens *tokens, struct lexeme *lexeme_r)
{
	size_t length;

	tokens_skip(tokens);
	lexeme_r->line = tokens->line;
	lexeme_r->is_quoted = false;
	if (*tokens->at == '\0')
		return false;
	if (strchr(tokens->quotes, *tokens->at) != NULL) {
		lexeme_r->is_quoted = true;
		tokens->at++;
		lexeme_r->text = tokens_string(tokens, tokens->at[-1]);
		return true;
	}
	for (length = 0; tokens->at[length] != '\0'; length++)
		if (strchr(" \t\r\n\f", tokens->at[length]) != NULL ||
		    strchr(tokens->noise, tokens->at[length]) != NULL ||
		    strchr(tokens->single, tokens->at[length]) != NULL)
			break;
	length += length == 0; /* a word of its own */
	lexeme_r->text = migration_copy(tokens->migration, tokens->at, length);
	tokens->at += length;
	return true;
}

/* A string is taken apart in place: look at words only. */
bool
tokens_peek(const struct tokens *tokens, struct lexeme *lexeme_r)
{
	struct tokens copy = *tokens;

	tokens_skip(&copy);
	if (*copy.at != '\0' && strchr(copy.quotes, *copy.at) != NULL) {
		*lexeme_r = (struct lexeme){ "", copy.line, true };
		return true;
	}
	return tokens_next(&copy, lexeme_r);
}
