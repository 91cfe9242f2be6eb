/* What a provider gives, and whether keys of OAuth 2 are complete. */
#ifndef CONFIG_OAUTH2_H
#define CONFIG_OAUTH2_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "daemon/config/provider.h"
#include "daemon/config/report.h"
#include "lib/base/arena.h"

/*
 * Give the keys what the provider, which may be NULL, has for them, decide the
 * flow, and report what is missing or wrong.  `who` begins the messages:
 * "[account a]".
 */
void config_oauth2_complete(struct config_oauth2 *, uint8_t *flow,
    const struct config_provider *, struct evpop_arena *,
    const struct config_report_place *, const char *who);

#endif
