/* What an account takes from its provider, and whether that fits. */
#ifndef CONFIG_PROVIDED_H
#define CONFIG_PROVIDED_H

#include <stdint.h>

#include "daemon/config/config.h"
#include "daemon/config/report.h"
#include "lib/base/arena.h"

/* config_option_bit() of what the account itself gives, and [defaults]. */
struct config_provided_given {
	uint64_t own, defaults;
};

/* Give an account that inherited what its provider has for it. */
void config_provided_take(struct config_account *,
    const struct config_provided_given *, struct evpop_arena *,
    struct config_report *);

/* Report what does not fit to the provider, or to none. */
void config_provided_check(
    const struct config_account *, uint64_t own, struct config_report *);

#endif
