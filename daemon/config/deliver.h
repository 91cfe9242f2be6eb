/*
 * What `deliver` says: names of targets, and targets in words of its own,
 * "maildir:/home/anna/Maildir".
 */
#ifndef CONFIG_DELIVER_H
#define CONFIG_DELIVER_H

#include <stdbool.h>

#include "lib/base/arena.h"

struct config_target;

/* Whether it describes a target, rather than naming one. */
bool config_deliver_is_description(const char *item);

/*
 * Fill in what an item describes, which config_setting_deliver() has taken.
 * False without memory.
 */
bool config_deliver_describe(const char *item, struct evpop_arena *,
    struct config_target *target_r) __attribute__((warn_unused_result));

#endif
