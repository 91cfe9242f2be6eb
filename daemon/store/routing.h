/*
 * Which targets the messages of an account go to, as it is configured: the
 * writer's side of store_outbox_configure().  For the writer's thread.
 */
#ifndef STORE_ROUTING_H
#define STORE_ROUTING_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/db.h"
#include "daemon/store/outbox.h"

struct store_routing;
struct store_targets_counter;

/* Copied.  NULL without memory. */
struct store_routing *store_routing_new(const struct store_delivering *,
    size_t count) __attribute__((warn_unused_result));
void store_routing_free(struct store_routing *);

/* What one has is what the other had. */
void store_routing_swap(struct store_routing *, struct store_routing *);

/* Something was undone: rows that it knows of may be gone. */
void store_routing_undone(struct store_routing *);

/* Have rows of all targets, and of no others that nobody needs. */
enum store_status store_routing_apply(struct store_routing *, struct sql_db *,
    struct store_targets_counter *) __attribute__((warn_unused_result));

/* A message is new: it goes into the outbox, for each target. */
enum store_status store_routing_add(struct store_routing *, struct sql_db *,
    struct store_targets_counter *, int64_t account_id, int64_t message_id)
    __attribute__((warn_unused_result));

/* Whether the account deletes on its server what is delivered. */
enum store_status store_routing_deletes(struct store_routing *, struct sql_db *,
    struct store_targets_counter *, int64_t account_id, bool *deletes_r)
    __attribute__((warn_unused_result));

#endif
