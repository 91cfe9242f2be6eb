/*
 * Text of any origin made fit to store and show: valid UTF-8, no control
 * characters, bounded.
 */
#ifndef STORE_TEXT_H
#define STORE_TEXT_H

#include <stddef.h>

/*
 * A copy of at most `max` octets, cut between characters; runs of white space
 * and control characters become one space, none at the ends.  Bytes that are
 * not UTF-8 become U+FFFD.  The caller's, for free(); NULL without memory.
 */
char *store_text_clean(const char *text, size_t length, size_t max)
    __attribute__((warn_unused_result));

#endif
