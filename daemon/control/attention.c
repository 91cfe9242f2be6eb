#include <inttypes.h>
#include <stdio.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/deliver/deliver.h"
#include "daemon/hook/hook.h"

/* Longer than a store's error. */
#define ATTENTION_TEXT_SIZE 1024

/* `code` is for programs. */
static void
attention_add(
    json_t *list, const char *code, const char *text, const char *hint)
{
	json_t *json = json_object();

	field_text(json, "code", code);
	field_text(json, "text", text);
	field_text(json, "hint", hint);
	(void)json_array_append_new(list, json);
}

static void
attention_add_store(json_t *list, const struct store_error *health,
    const struct store_check *check, const struct store_stats *stats)
{
	char text[ATTENTION_TEXT_SIZE];

	if (health->status != STORE_OK) {
		snprintf(text, sizeof(text),
		    "the store cannot take mail (%s): %s",
		    store_status_name(health->status), health->text);
		attention_add(list, "store_fails", text,
		    store_status_hint(health->status));
	}
	if (check->problems > 0) {
		snprintf(text, sizeof(text),
		    "the last check of the store found %" PRIu64 " problem%s",
		    check->problems, check->problems == 1 ? "" : "s");
		attention_add(list, "store_damaged", text,
		    "\"evpopctl check --store\" checks again, and prints them");
	}
	if (stats->quarantined > 0) {
		snprintf(text, sizeof(text),
		    "%" PRIu64 " message%s in quarantine", stats->quarantined,
		    stats->quarantined == 1 ? " is" : "s are");
		attention_add(list, "quarantine", text,
		    "\"evpopctl quarantine\" shows why; \"evpopctl quarantine "
		    "retry --all\" fetches again");
	}
}

static void
attention_add_accounts(json_t *list, const struct poller_status *poller)
{
	char text[ATTENTION_TEXT_SIZE];

	if (poller->failing > 0) {
		snprintf(text, sizeof(text), "%zu of %zu account%s fail%s",
		    poller->failing, poller->accounts,
		    poller->accounts == 1 ? "" : "s",
		    poller->failing == 1 ? "s" : "");
		attention_add(list, "accounts_fail", text,
		    "\"evpopctl accounts --failing\" shows which; \"evpopctl "
		    "account NAME\" says what to do");
	}
	if (poller->held_deletions > 0) {
		snprintf(text, sizeof(text),
		    "%" PRIu64 " deletion%s held back, far more than usual",
		    poller->held_deletions,
		    poller->held_deletions == 1 ? " is" : "s are");
		attention_add(list, "deletions_held", text,
		    "\"evpopctl accounts\" shows where; \"evpopctl poll "
		    "--confirm NAME\" carries them out");
	}
}

json_t *
attention_json(const struct poller_status *poller,
    const struct store_error *health, const struct store_clock *clock,
    const struct store_stats *stats, const struct store_check *check)
{
	json_t *list = json_array();
	char text[ATTENTION_TEXT_SIZE];

	attention_add_store(list, health, check, stats);
	if (clock->is_behind) {
		store_clock_behind_text(clock, text, sizeof(text));
		attention_add(list, "clock_behind", text, store_clock_hint());
	}
	attention_add_accounts(list, poller);
	return list;
}

void
attention_add_hooks(json_t *list, const struct hook *hook)
{
	char text[ATTENTION_TEXT_SIZE];
	struct hook_status status;

	if (hook == NULL)
		return;
	for (unsigned kind = 0; kind < HOOK_KIND_COUNT; kind++) {
		hook_status(hook, (enum hook_kind)kind, &status);
		if (status.failed_text == NULL)
			continue;
		snprintf(text, sizeof(text), "%s failed: %s",
		    hook_kind_name((enum hook_kind)kind), status.failed_text);
		attention_add(list, "hook_fails", text,
		    "correct the command in [hook]; it runs again at the next "
		    "event");
	}
}

void
attention_add_deliveries(json_t *list, const struct deliver *deliver)
{
	struct deliver_totals totals;
	char text[ATTENTION_TEXT_SIZE];
	size_t failing;

	if (deliver == NULL)
		return;
	deliver_totals(deliver, &totals);
	failing = totals.down + totals.refused;
	if (failing > 0) {
		snprintf(text, sizeof(text),
		    "%zu of %zu target%s take%s no mail", failing,
		    totals.targets, totals.targets == 1 ? "" : "s",
		    failing == 1 ? "s" : "");
		attention_add(list, "targets_fail", text,
		    "\"evpopctl targets\" shows why; \"evpopctl doctor NAME\" "
		    "tries one");
	}
	if (totals.stranded > 0) {
		snprintf(text, sizeof(text),
		    "%" PRIu64 " message%s for targets that are not "
		    "configured",
		    totals.stranded,
		    totals.stranded == 1 ? " waits" : "s wait");
		attention_add(list, "deliveries_stranded", text,
		    "\"evpopctl targets\" shows which; \"evpopctl targets "
		    "show NAME\" says what to do");
	}
	if (totals.refused_messages > 0) {
		snprintf(text, sizeof(text),
		    "targets have refused %" PRIu64 " message%s for good",
		    totals.refused_messages,
		    totals.refused_messages == 1 ? "" : "s");
		attention_add(list, "deliveries_refused", text,
		    "\"evpopctl outbox --state refused\" shows why; \"evpopctl "
		    "outbox retry --all\" tries again, \"evpopctl outbox drop "
		    "--all\" gives up");
	}
}
