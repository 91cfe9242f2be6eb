/*
 * Messages that are asked for before their turn, on connections of their own:
 * while one is written, the daemon reads the next ones.  Memory is bounded;
 * what is too long for it is not asked for.
 */
#ifndef CTL_AHEAD_H
#define CTL_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/ctl/ctl.h"

struct ahead;

/* NULL, where threads or memory are short: then nothing is asked ahead. */
struct ahead *ahead_new(const struct ctl *) __attribute__((warn_unused_result));
/* What is under way is given up; the pointer becomes NULL, which it may be. */
void ahead_free(struct ahead **);

/* Whether another message may be asked for; not without any ahead. */
bool ahead_has_room(const struct ahead *);
/* Ids ascend.  `octets` is how long it will be, about. */
void ahead_ask(struct ahead *, int64_t id, uint64_t octets);

/*
 * Wait for a message.  Its bytes stay until the next is taken.  False where it
 * was not asked for, or did not come, for whatever reason: the caller asks
 * himself, and learns why.  Those with lower ids are forgotten.
 */
bool ahead_take(struct ahead *, int64_t id, const char **bytes_r,
    size_t *length_r) __attribute__((warn_unused_result));

#endif
