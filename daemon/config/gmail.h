/* What a target with type = gmail needs, and what it has where nothing is said.
 */
#ifndef CONFIG_GMAIL_H
#define CONFIG_GMAIL_H

#include "daemon/config/report.h"
#include "daemon/config/targets.h"
#include "lib/base/arena.h"

/* Complete it, and report what is missing or wrong. */
void config_gmail_check(struct config_report *,
    const struct config_target_draft *, struct evpop_arena *);

#endif
