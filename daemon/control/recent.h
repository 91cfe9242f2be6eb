/*
 * The newest events, each as the text that goes to its readers: a ring that is
 * bounded in number and in bytes.  Ids grow by one.  Pure.
 */
#ifndef CONTROL_RECENT_H
#define CONTROL_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent;

/*
 * At most `count` texts, which have at most `octets` together; the first one
 * gets the id `first_id`, which is above 0.  NULL without memory.
 */
struct recent *recent_new(size_t count, size_t octets, uint64_t first_id)
    __attribute__((warn_unused_result));
void recent_free(struct recent **);

/* The id that the next text gets. */
uint64_t recent_next_id(const struct recent *);

/* The id of the oldest one that is kept; the next one's if none is. */
uint64_t recent_oldest_id(const struct recent *);

/* The id that the ring began with. */
uint64_t recent_first_id(const struct recent *);

/*
 * Add a text, which is freed when the ring forgets it; the oldest ones make
 * room.  NULL, or a text longer than the ring takes, uses up an id all the
 * same: its readers see the gap.
 */
void recent_add(struct recent *, char *text, size_t length);

/* A text that is kept; NULL: there was no memory for it. */
const char *recent_text(const struct recent *, uint64_t id, size_t *length_r);

#endif
