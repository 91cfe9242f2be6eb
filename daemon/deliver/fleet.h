/* The couriers of one target: how many, and who has room. */
#ifndef DELIVER_FLEET_H
#define DELIVER_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/deliver/courier.h"

struct fleet;

/* Of `options` type, basis and target come later.  NULL without memory. */
struct fleet *fleet_new(const struct courier_options *)
    __attribute__((warn_unused_result));
/* Ends them all.  Sets the pointer to NULL; NULL is allowed. */
void fleet_free(struct fleet **);

/*
 * Couriers of this kind from now on; those that there are end when they have
 * nothing left.  The basis is held; NULL type: there are none any more.
 */
void fleet_set(struct fleet *, const struct carrier_type *, struct basis *,
    const char *target);

/*
 * A place for a parcel with one of at most so many couriers, fuller ones first:
 * a few messages need one connection.  NULL: there is no room, or no memory.
 */
struct courier *fleet_reserve(struct fleet *, unsigned most);
/* Try without a message; false without memory. */
bool fleet_probe(struct fleet *) __attribute__((warn_unused_result));

/* Parcels that they have, and those to whom a place is kept. */
size_t fleet_load(const struct fleet *);
/* Couriers; and those that have parcels and go on, but for this one. */
size_t fleet_count(const struct fleet *);
unsigned fleet_working(const struct fleet *, const struct courier *but);

void fleet_flush(struct fleet *);
/* Free those that are over; says when the next one is (INT64_MAX: never). */
int64_t fleet_sweep(struct fleet *, int64_t now_ms);

#endif
