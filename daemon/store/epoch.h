/*
 * A mark of what the file has been through: while it stays, ids mean what they
 * meant before.  It changes where another file has taken the store's place, be
 * it a copy of this one, which may give ids again that were given since.
 */
#ifndef STORE_EPOCH_H
#define STORE_EPOCH_H

#include "daemon/store/sql/engine.h"

/* Hex digits and a NUL. */
#define STORE_EPOCH_SIZE 17

/* By who may write, once it is open: keep the mark, or make another. */
enum store_status store_epoch_begin(struct sql_db *, const char *path)
    __attribute__((warn_unused_result));

/* "" where nobody has made one yet. */
enum store_status store_epoch_get(struct sql_db *,
    char epoch_r[STORE_EPOCH_SIZE]) __attribute__((warn_unused_result));

#endif
