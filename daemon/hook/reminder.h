/*
 * What still fails, a day after it was told of.
 */
#ifndef HOOK_REMINDER_H
#define HOOK_REMINDER_H

#include <stdint.h>

#include "daemon/hook/batch.h"

struct deliver;
struct poller;

/* Add the accounts and targets that have failed since before a Unix time. */
void reminder_gather(struct batch *, const struct poller *,
    const struct deliver *, int64_t before_ms);

/* The same of the store, which fails with this text. */
void reminder_gather_store(struct batch *, int64_t failing_since_ms,
    const char *text, int64_t before_ms);

#endif
