/* Text as it goes into a URL (RFC 3986 section 2). */
#ifndef EVPOP_BASE_URL_H
#define EVPOP_BASE_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it stands for itself everywhere: section 2.3. */
bool evpop_url_is_plain(char c);

/* A character as it may stand everywhere; without a NUL: 1 or 3 octets. */
size_t evpop_url_quote(char c, char quoted_r[3]);

#endif
