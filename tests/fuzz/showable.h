/*
 * What text must be before a person or a program sees it.  Written anew, and
 * plainly, to judge what the library and the daemon make of theirs.
 */
#ifndef FUZZ_SHOWABLE_H
#define FUZZ_SHOWABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 (RFC 3629). */
bool fuzz_is_utf8(const void *bytes, size_t length);

/* That, and no control character: C0, DEL, C1. */
bool fuzz_is_showable(const void *bytes, size_t length);

#endif
