/*
 * Makes parcels of a target's rows in the outbox, as many at a time as its
 * couriers have use for, and none of them twice.
 */
#ifndef DELIVER_INTAKE_H
#define DELIVER_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/deliver/world.h"

struct basis;
struct config_target;
struct intake;
struct load;
struct load_item;
struct taking;
struct trips;

/* `wake`: look again.  The name is borrowed.  NULL without memory. */
struct intake *intake_new(const struct target_world *, const char *name,
    struct load *, struct trips *owner, void (*wake)(void *arg), void *arg)
    __attribute__((warn_unused_result));
/* Sets the pointer to NULL; NULL is allowed. */
void intake_free(struct intake **);

/* By this target from now on (NULL: by none); what is queued goes back. */
void intake_configure(struct intake *, struct basis *,
    const struct config_target *, size_t octets);
/* Whether rows are wanted at all. */
void intake_open(struct intake *, bool is_open);

/* Ask for what there is room for; or for one row alone. */
void intake_take(struct intake *, bool one_alone);
/* All that has not begun goes back to the store, which gives it again. */
void intake_drop(struct intake *);
/* One could not go, and goes back; so do those behind it in an order. */
void intake_put_back(struct intake *, struct load_item *);
/* One is settled, durably. */
void intake_settled(struct intake *, struct load_item *);
/* In an order, others may have waited behind what is settled now. */
void intake_look_behind(struct intake *);

/* The store failed: nothing is asked or begun for some seconds. */
void intake_wait_for_store(struct intake *);
int64_t intake_store_again_ms(const struct intake *);
void intake_look(struct intake *);

struct taking *intake_taking(const struct intake *);

#endif
