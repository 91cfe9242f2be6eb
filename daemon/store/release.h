/* How many messages are in quarantine; for whoever opens the store. */
#ifndef STORE_RELEASE_H
#define STORE_RELEASE_H

#include "daemon/store/db.h"

enum store_status store_quarantine_count(struct store_db *, uint64_t *count_r)
    __attribute__((warn_unused_result));

#endif
