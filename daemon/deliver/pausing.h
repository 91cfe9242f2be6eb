/* Targets are paused and resumed by people: first in the store, then here. */
#ifndef DELIVER_PAUSING_H
#define DELIVER_PAUSING_H

#include <stdbool.h>

#include "daemon/deliver/target_list.h"
#include "daemon/store/store.h"

struct pausing;

/* The store and the list are borrowed.  NULL without memory. */
struct pausing *pausing_new(struct store *, const struct target_list *)
    __attribute__((warn_unused_result));
/* Who asked is still answered.  Sets the pointer to NULL; NULL is allowed. */
void pausing_free(struct pausing **);

/* `done` (or NULL) says how the store took it; `who` may be NULL. */
void pausing_begin(struct pausing *, const char *target, const char *who,
    store_done_cb done, void *arg);
void pausing_end(
    struct pausing *, const char *target, store_done_cb done, void *arg);

#endif
