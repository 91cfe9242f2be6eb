/*
 * One target at work: takes what is due from the outbox, as much at a time as
 * its carriers have room for, hands it out in the order that is wanted and at
 * the rate that is allowed, settles what came of it, and backs off from a
 * target that does not work.
 */
#ifndef DELIVER_TARGET_H
#define DELIVER_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/deliver/deliver.h"
#include "daemon/deliver/world.h"
#include "daemon/store/outbox.h"

struct basis;
struct target;

/* It is idle until target_open() and target_configure().  NULL without
 * memory. */
struct target *target_new(const struct target_world *, const char *name)
    __attribute__((warn_unused_result));

/*
 * Work by this configuration, which has the target or (removed) has not;
 * `octets` is what bodies in memory may take.  What is under way ends as it
 * began.
 */
void target_configure(struct target *, struct basis *, size_t octets);
/* The store knows what goes here, and has told whether it is paused. */
void target_open(struct target *);

const char *target_name(const struct target *);

/* A message for it has been stored. */
void target_stored(struct target *);
/* Look for what is due, at once; also where it is down. */
void target_kick(struct target *);

/* The same, but for one that is down. */
void target_look(struct target *);

/* As the store has it. */
void target_set_figures(struct target *, const struct store_outbox_figures *);
void target_pause(struct target *, int64_t now_ms, const char *who);
void target_resume(struct target *);
bool target_is_paused(const struct target *);
bool target_is_enabled(const struct target *);
/* The store is asked for figures. */
void target_ask(struct target *);
bool target_is_down(const struct target *);
/* Whether nothing has changed since target_set_figures(). */
bool target_is_counted(const struct target *);

/* The store has other figures. */
void target_recount(struct target *);

/* False: it is being probed already, or there is no memory. */
bool target_probe(struct target *, deliver_probe_cb, void *arg)
    __attribute__((warn_unused_result));
void target_probe_forget(struct target *, void *arg);

/* So much waits that its accounts must not fetch. */
bool target_is_full(const struct target *);

/* Nothing is under way; and nothing is due, or nothing can be done about it. */
bool target_is_empty(const struct target *);
bool target_is_idle(const struct target *);
/* Begin nothing more. */
void target_stop(struct target *);

void target_status(const struct target *, struct deliver_status *status_r);

/* Cuts what is under way.  Sets the pointer to NULL; NULL is allowed. */
void target_free(struct target **);

#endif
