/*
 * Where the pieces of a body begin, for bodies of several pieces: so that a
 * range is read from its own piece on.  Rows go with their pieces.
 */
#ifndef STORE_OFFSET_H
#define STORE_OFFSET_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/sql/engine.h"

/* A piece begins behind so many octets of its body. */
enum store_status store_offset_insert(struct sql_db *, int64_t chunk,
    uint64_t octets) __attribute__((warn_unused_result));

/*
 * Whether what is noted of a piece is that; so it is where nothing is noted,
 * as in a store of an earlier version.
 */
enum store_status store_offset_compare(struct sql_db *, int64_t chunk,
    uint64_t octets, bool *is_right_r) __attribute__((warn_unused_result));

#endif
