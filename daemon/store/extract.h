/*
 * The words of a message's text parts, for the full-text index.
 */
#ifndef STORE_EXTRACT_H
#define STORE_EXTRACT_H

#include <stddef.h>

/*
 * The text of text/plain and text/html parts, as UTF-8, bounded; broken mail
 * gives what it gives.  The caller's, for free(); NULL without memory.
 */
char *store_extract_text(const char *message, size_t length)
    __attribute__((warn_unused_result));

#endif
