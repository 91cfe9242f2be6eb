/*
 * The messages of one target on their way: taken from the outbox, judged,
 * handed to couriers, settled.  It does what can be done now; when that is
 * worth another look, the target knows.
 */
#ifndef DELIVER_TRIPS_H
#define DELIVER_TRIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/deliver/carrier.h"
#include "daemon/deliver/condition.h"
#include "daemon/deliver/standing.h"
#include "daemon/deliver/taking.h"
#include "daemon/deliver/world.h"

struct basis;
struct fleet;
struct trips;

/*
 * The name is borrowed.  `wake`: look again, soon; from any call.  `probed`:
 * what came of fleet_probe().  NULL without memory.
 */
struct trips *trips_new(const struct target_world *, const char *name,
    void (*wake)(void *arg),
    void (*probed)(const struct carried_result *, void *arg), void *arg)
    __attribute__((warn_unused_result));
/* Cuts what is under way.  Sets the pointer to NULL; NULL is allowed. */
void trips_free(struct trips **);

/*
 * Work by this configuration, NULL for none, whose bodies in memory may take so
 * many octets.  What is under way ends as it began.
 */
void trips_configure(struct trips *, struct basis *,
    const struct config_target *, size_t octets);
/* Whether others may begin at all. */
void trips_open(struct trips *, bool is_open);

/* Whether others may begin now. */
bool trips_may_begin(const struct trips *, int64_t now_ms);
/* Begin those; returns in how long, in ms, others may (0: that is not known) */
int64_t trips_hand_out(struct trips *, int64_t now_ms);
/* Ask the store for more, where there is room. */
void trips_take(struct trips *);
/* Write what came of others. */
void trips_settle_all(struct trips *, int64_t now_ms);

/* All that has not begun: the store gives it again. */
void trips_drop_queue(struct trips *);
/* Rows may be due anywhere; and the target is tried again at once. */
void trips_look(struct trips *);
void trips_kick(struct trips *);

/* Nothing is in memory, or asked for; and something is about to begin. */
bool trips_is_empty(const struct trips *);
bool trips_have_more(const struct trips *);
/* The store failed: not before then, monotonic; 0 or past: now. */
int64_t trips_store_again_ms(const struct trips *);

struct fleet *trips_fleet(const struct trips *);
struct taking *trips_taking(const struct trips *);
struct standing *trips_standing(const struct trips *);
const struct condition *trips_condition(const struct trips *);

#endif
