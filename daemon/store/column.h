/*
 * Columns of a row, copied into the memory of an answer.
 */
#ifndef STORE_COLUMN_H
#define STORE_COLUMN_H

#include <stdbool.h>

#include "daemon/store/db.h"
#include "lib/base/arena.h"

/* NULL stays NULL.  Both return false without memory. */
bool store_column_text(struct evpop_arena *, struct sql_statement *, int column,
    const char **text_r) __attribute__((warn_unused_result));
bool store_column_blob(struct evpop_arena *, struct sql_statement *, int column,
    const unsigned char **bytes_r, size_t *length_r)
    __attribute__((warn_unused_result));

#endif
