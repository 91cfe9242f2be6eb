/*
 * What came of attempts, on its way into the store: what waits while one
 * transaction is under way goes into the next.
 */
#ifndef DELIVER_SETTLING_H
#define DELIVER_SETTLING_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/outbox.h"

struct load_item;
struct settling;

/*
 * It is durable now; from the loop.  Where the store fails nobody is told: it
 * is tried again.
 */
typedef void (*settling_cb)(
    struct load_item *, const struct store_outbox_result *, void *arg);
/* All of one transaction have been told of, or it has failed. */
typedef void (*settling_over_cb)(enum store_status, void *arg);

/* NULL without memory. */
struct settling *settling_new(struct store *, settling_cb, settling_over_cb,
    void *arg) __attribute__((warn_unused_result));
/* What is under way stays under way, and nobody is told. */
void settling_free(struct settling **);

/* Strings are copied.  False without memory. */
bool settling_add(struct settling *, struct load_item *,
    const struct store_outbox_result *) __attribute__((warn_unused_result));
/* Ask the store, unless it has not answered yet. */
void settling_ask(struct settling *);
size_t settling_count(const struct settling *);

#endif
