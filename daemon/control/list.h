/*
 * The exchanges that list rows of the store: how they ask for a page, and what
 * stands in the way of showing it.
 */
#ifndef CONTROL_LIST_H
#define CONTROL_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/store.h"

struct exchange;

/* Which page is asked for; false, and answered, where that is no page. */
bool list_page(struct exchange *, unsigned *limit_r, int64_t *below_id_r)
    __attribute__((warn_unused_result));

/*
 * First thing when the rows came: false if the exchange is over, as its client
 * has gone, the store has failed, or there are no rows for want of the account
 * that "account" names.
 */
bool list_resume(struct exchange *, enum store_status, size_t count)
    __attribute__((warn_unused_result));

#endif
