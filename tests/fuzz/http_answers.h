/*
 * What a server has sent to one client, taken apart: it must be HTTP answers
 * to its last octet, and JSON where an answer says so.
 */
#ifndef FUZZ_HTTP_ANSWERS_H
#define FUZZ_HTTP_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Asserts it; the number of whole answers.  `is_whole`: the last one is not
 * cut.  The bytes are followed by a NUL.
 */
size_t http_answers_check(const char *bytes, size_t length, bool is_whole);

#endif
