/*
 * A row of the outbox that goes from one state to another, inside a
 * transaction of the writer.
 */
#ifndef STORE_OUTBOX_ROW_H
#define STORE_OUTBOX_ROW_H

#include <stdint.h>

#include "daemon/store/db.h"
#include "daemon/store/outbox.h"

struct store_writer;

/*
 * The ids of an account and a target; 0 for NULL, and one that nothing has
 * where there is none of that name.
 */
enum store_status store_outbox_names(struct sql_db *, const char *account,
    const char *target, int64_t *account_r, int64_t *target_r)
    __attribute__((warn_unused_result));

/* As it was found; id 0: there is none. */
struct store_outbox_found {
	int64_t id, message, account, target;
	enum store_outbox_state state;
};
enum store_status store_outbox_find(struct sql_db *, int64_t id,
    struct store_outbox_found *found_r) __attribute__((warn_unused_result));

/* It has another state now: count it, and see what that makes owed. */
enum store_status store_outbox_moved(struct store_writer *,
    const struct store_outbox_found *, enum store_outbox_state now)
    __attribute__((warn_unused_result));

#endif
