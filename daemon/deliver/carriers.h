/* Which carrier brings messages to which type of target. */
#ifndef DELIVER_CARRIERS_H
#define DELIVER_CARRIERS_H

#include "daemon/config/target.h"

struct carrier_type;

/* NULL for a type that cannot be delivered to. */
extern const struct carrier_type *const carriers[CONFIG_TARGET_COUNT];

#endif
