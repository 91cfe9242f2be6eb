/*
 * Facts about a message that stand in the full-text index as words of a column
 * of their own, so that those with a frequent word and such a fact are found
 * without a look at all others that have the word.  They begin with a character
 * that nobody writes.
 */
#ifndef STORE_MARKS_H
#define STORE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_MARK "\xee\x80\x80"

/* The words: of every message; of one with attachments; sizes; accounts. */
#define STORE_MARK_ANY        STORE_MARK "m"
#define STORE_MARK_ATTACHMENT STORE_MARK "a"
#define STORE_MARK_SIZE       STORE_MARK "s"
#define STORE_MARK_ACCOUNT    STORE_MARK

#define STORE_MARKS_SIZE 64
struct store_marks {
	char text[STORE_MARKS_SIZE];
};

void store_marks_of(struct store_marks *marks_r, int64_t account,
    int64_t octets, bool has_attachments);

/*
 * Sizes have classes, each four times the one before: of how many there are,
 * which one a size is in.
 */
#define STORE_MARKS_CLASSES 12
unsigned store_marks_class(int64_t octets);

#endif
