/*
 * What the store remembers of itself, by name: how far the index has come, when
 * it was written to last, what is known of the clock.  For the thread whose
 * connection it is.
 */
#ifndef STORE_META_H
#define STORE_META_H

#include "daemon/store/sql/engine.h"

/* 0 where nothing is kept under that key. */
enum store_status store_meta_get(struct sql_db *, const char *key,
    int64_t *value_r) __attribute__((warn_unused_result));
enum store_status store_meta_set(struct sql_db *, const char *key, int64_t)
    __attribute__((warn_unused_result));

/*
 * The same for text.  It is empty where nothing is kept, or more than `size`
 * has room for; *found_r tells whether anything is.
 */
enum store_status store_meta_get_text(
    struct sql_db *, const char *key, char *text_r, size_t size, bool *found_r)
    __attribute__((warn_unused_result));
enum store_status store_meta_set_text(struct sql_db *, const char *key,
    const char *text) __attribute__((warn_unused_result));

#endif
