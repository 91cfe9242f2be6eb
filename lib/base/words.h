/*
 * The words of a command, for a program that is started without a shell.
 */
#ifndef EVPOP_BASE_WORDS_H
#define EVPOP_BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Words are separated by blanks.  Quotes of either kind keep what is between
 * them together; a backslash takes the next character as it is, but between
 * single quotes it is a character like others.
 */

/* False where a quote is not closed, or nothing follows a backslash. */
bool evpop_words_are_whole(const char *text);

/*
 * The words, then NULL, and their number; all of it is one piece for free().
 * What is not whole ends at the text's end.  NULL without memory.
 */
char **evpop_words_split(const char *text, size_t *count_r)
    __attribute__((__warn_unused_result__));

#endif
