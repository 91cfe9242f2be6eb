/*
 * Whether a target works, by what comes of its messages, and who is told.
 */
#ifndef DELIVER_OUTAGE_H
#define DELIVER_OUTAGE_H

#include <stdbool.h>

#include "daemon/deliver/condition.h"
#include "daemon/deliver/standing.h"

/*
 * A result is news: of a row (0: a probe), by a target whose `working` other
 * carriers go on; config NULL: it is one no more.  Returns whether it works.
 */
bool outage_learn(struct condition *, struct standing *,
    const struct config_target *, const struct carried_result *, int64_t row,
    unsigned working);

uint32_t outage_random(void);

#endif
