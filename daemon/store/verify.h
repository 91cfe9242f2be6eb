/*
 * What is verified of a file: SQLite's structure, what the rows say of each
 * other, and each message's bytes.
 */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include "daemon/store/check.h"

/* All of it, as store_verify_fn says. */
enum store_status store_verify(struct store_db *, struct store_checker *)
    __attribute__((warn_unused_result));

#endif
