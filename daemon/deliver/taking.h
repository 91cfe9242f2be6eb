/*
 * Takes the rows of one target from the outbox, a batch at a time, in the order
 * of their ids: passes from the first to the last, and further as new ones come
 * in.
 */
#ifndef DELIVER_TAKING_H
#define DELIVER_TAKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/outbox.h"

struct taking;

/* The rows are borrowed until it returns; they may be in memory already. */
typedef void (*taking_cb)(enum store_status, const struct store_outbox_due *,
    size_t count, void *arg);

/* The first pass is wanted.  NULL without memory. */
struct taking *taking_new(struct store *, const char *target, taking_cb,
    void *arg) __attribute__((warn_unused_result));
/* No callback any more.  Sets the pointer to NULL; NULL is allowed. */
void taking_free(struct taking **);

/* New rows have come in, above all others. */
void taking_more(struct taking *);
/* Rows may be due anywhere. */
void taking_anew(struct taking *);
/* A row becomes due then (Unix time). */
void taking_wake_by(struct taking *, int64_t due_ms);

/* How many are worth a question, where so many may be under way. */
size_t taking_batch(size_t slots);

/* When the next pass is wanted; 0: never by itself. */
int64_t taking_wake_ms(const struct taking *);
/* Whether there may be something to take. */
bool taking_wants(struct taking *, int64_t now_ms);
/* Whether an answer is awaited. */
bool taking_is_asked(const struct taking *);
/* Ask, where it wants to and has not asked yet. */
struct taking_bounds {
	int64_t now_ms;
	unsigned limit;
	unsigned taken; /* rows in memory, which come again in a new pass */
	size_t octets;
	bool is_ordered;
};
void taking_ask(struct taking *, const struct taking_bounds *);

#endif
