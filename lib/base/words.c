#include "lib/base/words.h"

#include <stdlib.h>
#include <string.h>

static bool
word_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Copies a word without its quotes; false where it is not whole. */
static bool
word_copy(const char **text, char **out)
{
	const char *at = *text;
	char *to = *out, quote = '\0';
	bool is_whole = true;

	for (; *at != '\0' && (quote != '\0' || !word_is_blank(*at)); at++) {
		if (*at == '\\' && quote != '\'') {
			if (at[1] == '\0') {
				is_whole = false;
				continue;
			}
			*to++ = *++at;
		} else if (quote != '\0' && *at == quote) {
			quote = '\0';
		} else if (quote == '\0' && (*at == '"' || *at == '\'')) {
			quote = *at;
		} else {
			*to++ = *at;
		}
	}
	*to++ = '\0';
	*text = at;
	*out = to;
	return is_whole && quote == '\0';
}

/* All of the words, NUL behind each; the number of them. */
static size_t
words_copy(const char *text, char *bytes, char **words, bool *are_whole_r)
{
	size_t count = 0;

	*are_whole_r = true;
	for (;;) {
		while (word_is_blank(*text))
			text++;
		if (*text == '\0')
			return count;
		if (words != NULL)
			words[count] = bytes;
		count++;
		*are_whole_r = word_copy(&text, &bytes) && *are_whole_r;
	}
}

bool
evpop_words_are_whole(const char *text)
{
	char *bytes = malloc(strlen(text) + 1);
	bool are_whole = true;

	if (bytes != NULL)
		(void)words_copy(text, bytes, NULL, &are_whole);
	free(bytes);
	return are_whole;
}

char **
evpop_words_split(const char *text, size_t *count_r)
{
	const size_t length = strlen(text), most = length / 2 + 2;
	char **words = calloc(1, most * sizeof(*words) + length + 1);
	bool are_whole;

	if (words != NULL)
		*count_r =
		    words_copy(text, (char *)(words + most), words, &are_whole);
	return words;
}
