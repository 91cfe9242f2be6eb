/* Whether a file that holds a secret has changed, without reading it. */
#ifndef SECRET_MARK_H
#define SECRET_MARK_H

#include <stdint.h>

#include "daemon/secret/secret.h"

/*
 * A number that is another one once the source's file is changed, replaced,
 * made readable or removed; 0 where it is missing, or the source is no file.
 */
uint32_t secret_mark(const struct secret_source *);

#endif
