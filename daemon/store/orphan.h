/*
 * Removal of the pieces of bodies that did not become messages.
 */
#ifndef STORE_ORPHAN_H
#define STORE_ORPHAN_H

#include "daemon/store/db.h"

/*
 * Remove some pieces of a body that is noted as unfinished, in a transaction of
 * its own; *gone_r tells that none is left, nor the note of it.
 */
enum store_status store_orphan_step(struct sql_db *, int64_t body, bool *gone_r)
    __attribute__((warn_unused_result));

/* Remove all bodies that an earlier run left unfinished. */
enum store_status store_orphan_sweep(struct sql_db *)
    __attribute__((warn_unused_result));

#endif
