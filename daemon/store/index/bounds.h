/*
 * Which ids the messages of a time have, so that older or newer ones that have
 * a frequent word are passed over by their ids.  Times go by ids, but for what
 * a clock did that was set: of a few messages that is looked up, and of many a
 * day is left for it.
 */
#ifndef STORE_BOUNDS_H
#define STORE_BOUNDS_H

#include "daemon/store/db.h"

/* No message stored at that time or later has a lower id. */
enum store_status bounds_least_id(struct sql_db *, int64_t since_ms,
    int64_t *id_r) __attribute__((warn_unused_result));
/* No message stored before that time has a higher id. */
enum store_status bounds_most_id(struct sql_db *, int64_t before_ms,
    int64_t *id_r) __attribute__((warn_unused_result));

/*
 * Narrow the bounds to the messages that are there, of all or of an account:
 * the index has words of deleted ones until those are taken out, which takes a
 * while for a million, and a search that walks over them all would, too.
 */
enum store_status bounds_narrow(struct sql_db *, const char *account,
    int64_t *least_id, int64_t *most_id) __attribute__((warn_unused_result));

#endif
