#include "daemon/reporting.h"

#include <stdio.h>

#include "daemon/log/log.h"
#include "daemon/notify/notify.h"

static void
reporting_accounts(struct reload *report, enum reload_change change,
    const struct config_account *const *accounts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		reload_account(report, change, accounts[i]->name);
}

void
reporting_reload(struct notify *notify, struct reload *report,
    const struct config_diff *diff)
{
	char text[512];
	size_t i;

	for (i = 0; i < diff->restart_count; i++) {
		snprintf(text, sizeof text,
		    "%s has changed; it takes effect after a restart",
		    diff->restart[i]);
		log_write(LOG_LEVEL_WARNING, NULL, "%s", text);
		reload_warning(report, text);
	}
	reporting_accounts(
	    report, RELOAD_ADDED, diff->added, diff->added_count);
	reporting_accounts(
	    report, RELOAD_CHANGED, diff->changed, diff->changed_count);
	reporting_accounts(
	    report, RELOAD_REMOVED, diff->removed, diff->removed_count);
	reload_text(report, text, sizeof text);
	log_write(LOG_LEVEL_INFO, NULL, "reloaded: %s", text);
	notify_publish(
	    notify, &(struct notify_event){ .kind = NOTIFY_RELOADED,
			.reload = { diff->added_count, diff->changed_count,
			    diff->removed_count } });
}
