/*
 * The newest events: a ring that is bounded in number and in bytes.  Ids grow
 * by one.  An event becomes text, which goes to its readers, when the first of
 * them asks for it, and only once: where nobody reads, keeping it costs little.
 */
#ifndef CONTROL_RECENT_H
#define CONTROL_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent;

/* The text of what was kept, for free(); NULL without memory. */
typedef char *(*recent_render)(uint64_t id, const void *kept, size_t *length_r);

/*
 * At most `count` events, which have at most `octets` together, but for what
 * their texts are longer; the first one gets the id `first_id`, which is above
 * 0.  NULL without memory.
 */
struct recent *recent_new(size_t count, size_t octets, uint64_t first_id,
    recent_render) __attribute__((warn_unused_result));
void recent_free(struct recent **);

/* The id that the next event gets. */
uint64_t recent_next_id(const struct recent *);

/* The id of the oldest one that is kept; the next one's if none is. */
uint64_t recent_oldest_id(const struct recent *);

/* The id that the ring began with. */
uint64_t recent_first_id(const struct recent *);

/*
 * Add an event, whose memory is freed when it is rendered or forgotten; the
 * oldest ones make room.  NULL, or more than the ring takes, uses up an id all
 * the same: its readers see the gap.
 */
void recent_add(struct recent *, void *kept, size_t size);

/* The text of one that is kept; NULL: there was no memory for it. */
const char *recent_text(struct recent *, uint64_t id, size_t *length_r);

#endif
