/* All targets, by name. */
#ifndef DELIVER_TARGET_LIST_H
#define DELIVER_TARGET_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/deliver/target.h"

struct config;
struct target_list;

/* The world is borrowed.  NULL without memory. */
struct target_list *target_list_new(const struct target_world *)
    __attribute__((warn_unused_result));
/* With all targets.  Sets the pointer to NULL; NULL is allowed. */
void target_list_free(struct target_list **);

size_t target_list_count(const struct target_list *);
/* NULL beyond the last; and where there is none of that name. */
struct target *target_list_at(const struct target_list *, size_t index);
struct target *target_list_find(const struct target_list *, const char *name);
/* The first of these that takes no more for now; NULL: all do. */
struct config_strings;
const struct target *target_list_find_full(
    const struct target_list *, const struct config_strings *names);

/* Make those that a configuration has and that are not there; false without
 * memory. */
bool target_list_reserve(struct target_list *, const struct config *)
    __attribute__((warn_unused_result));
/* All work by this configuration; those that it has not end. */
void target_list_configure(struct target_list *, struct basis *);
/* Free those that it has not, and that have nothing left. */
void target_list_sweep(struct target_list *, const struct config *);

/*
 * What the store says of each; the first time after a configuration also who is
 * paused, and of whom it knows alone.
 */
void target_list_set_figures(struct target_list *,
    const struct store_outbox_figures *, size_t count, bool is_first);
/* The outbox has changed by hand, for this target or (NULL) for any. */
void target_list_kick(struct target_list *, const char *name);
/* The store is asked for them. */
void target_list_ask(struct target_list *);
/* Whether nothing has changed since then. */
bool target_list_is_counted(const struct target_list *);

void target_list_totals(
    const struct target_list *, struct deliver_totals *totals_r);

#endif
