/*
 * Words as the full-text index takes them, of messages and of questions alike.
 *
 * Some scripts have no blanks between words: runs of Han, Kana, Hangul, Thai
 * and their like become overlapping pairs of characters, so that any word is
 * found inside a sentence.  Wide and narrow forms are the same, and marks that
 * people leave out when they ask are left out.
 */
#ifndef STORE_MAIL_PAIRS_H
#define STORE_MAIL_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The text for the index, of text that is UTF-8.  The caller's, for free();
 * NULL without memory.
 */
char *mail_pairs_index(const char *text) __attribute__((warn_unused_result));

/*
 * What a question asks for, of text that a person typed as one: a word or
 * several that follow each other, as a phrase of FTS5, in which nothing is an
 * operator; or what begins with it.  Empty where there is no word in it.  The
 * caller's, for free(); NULL without memory.
 */
char *mail_pairs_phrase(const char *text, size_t length, bool is_beginning)
    __attribute__((warn_unused_result));

#endif
