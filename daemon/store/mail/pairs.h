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

#include <stddef.h>

/*
 * The text for the index, of text that is UTF-8.  The caller's, for free();
 * NULL without memory.
 */
char *mail_pairs_index(const char *text) __attribute__((warn_unused_result));

/*
 * A question in the syntax of FTS5: each word of it must occur, none is an
 * operator, and one that ends in a star asks for a beginning.  Empty where
 * there is no word.  The caller's, for free(); NULL without memory.
 */
char *mail_pairs_query(const char *query) __attribute__((warn_unused_result));

#endif
