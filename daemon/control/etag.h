/* Entity tags (RFC 9110 section 8.8.3), and the lists of them in requests. */
#ifndef CONTROL_ETAG_H
#define CONTROL_ETAG_H

#include <stdbool.h>

/*
 * Whether an If-None-Match names this tag, which is strong and in quotes; "*"
 * names all.  Weak ones count as well (section 13.1.2).
 */
bool etag_is_listed(const char *list, const char *etag);

#endif
