#include "daemon/poll/dry_run.h"

#include <stdlib.h>
#include <string.h>

static bool
take_entry(struct poller_plan *copy, const struct evpop_entry *entry,
    enum evpop_action action)
{
	unsigned char *id = NULL;

	if (entry->unique_id != NULL) {
		id = malloc(entry->unique_id_length + 1);
		if (id == NULL)
			return false;
		memcpy(id, entry->unique_id, entry->unique_id_length);
	}
	copy->entries[copy->entry_count++] = (struct poller_plan_entry){
		.number = entry->number,
		.occurrence = entry->occurrence,
		.unique_id = id,
		.unique_id_length = entry->unique_id_length,
		.octets = entry->octets,
		.action = evpop_action_name(action),
	};
	return true;
}

static bool
take_entries(struct poller_plan *copy, const struct evpop_listing *listing,
    const struct evpop_plan *plan)
{
	size_t actions = 0, i;

	for (i = 0; i < listing->count; i++)
		actions += plan->actions[i] != EVPOP_ACTION_NONE;
	copy->cut = actions > POLLER_PLAN_ENTRIES;
	if (copy->cut)
		actions = POLLER_PLAN_ENTRIES;
	copy->entries = calloc(actions + 1, sizeof *copy->entries);
	if (copy->entries == NULL)
		return false;
	for (i = 0; i < listing->count && copy->entry_count < actions; i++)
		if (plan->actions[i] != EVPOP_ACTION_NONE &&
		    !take_entry(copy, &listing->entries[i], plan->actions[i]))
			return false;
	return true;
}

struct poller_plan *
dry_run_new(const struct evpop_listing *listing, const struct evpop_plan *plan,
    int64_t now_ms)
{
	struct poller_plan *copy;

	copy = calloc(1, sizeof *copy);
	if (copy == NULL)
		return NULL;
	*copy = (struct poller_plan){
		.made_ms = now_ms,
		.messages = listing->count,
		.fetches = plan->fetches,
		.deletes = plan->deletes,
		.adopts = plan->adopts,
		.too_large = plan->too_large,
		.later = plan->later,
		.seen = plan->seen,
		.held = plan->held,
		.unidentified = plan->unidentified,
		.fetch_octets = plan->fetch_octets,
	};
	if (!take_entries(copy, listing, plan))
		dry_run_free(&copy);
	return copy;
}

void
dry_run_free(struct poller_plan **plan)
{
	size_t i;

	if (*plan == NULL)
		return;
	for (i = 0; i < (*plan)->entry_count; i++)
		free((unsigned char *)(uintptr_t)(*plan)->entries[i].unique_id);
	free((*plan)->entries);
	free(*plan);
	*plan = NULL;
}
