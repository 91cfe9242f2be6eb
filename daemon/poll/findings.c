#include "daemon/poll/findings.h"

#include <stdlib.h>
#include <string.h>

/* ---- plans ---- */

/* One that is new waits from now on. */
static int64_t
plan_waits_until(const struct evpop_plan *plan, size_t index,
    int64_t fetch_after_ms, int64_t now_ms)
{
	int64_t since_ms;

	if (plan->actions[index] != EVPOP_ACTION_WAIT)
		return 0;
	since_ms = evpop_plan_waits_since(plan, index);
	return (since_ms != 0 ? since_ms : now_ms) + fetch_after_ms;
}

static bool
plan_take_entry(struct poller_plan *copy, const struct evpop_entry *entry,
    enum evpop_action action, int64_t waits_until_ms)
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
		.waits_until_ms = waits_until_ms,
	};
	return true;
}

static bool
plan_take_entries(struct poller_plan *copy, const struct evpop_listing *listing,
    const struct evpop_plan *plan, int64_t fetch_after_ms)
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
		    !plan_take_entry(copy, &listing->entries[i],
			plan->actions[i],
			plan_waits_until(
			    plan, i, fetch_after_ms, copy->made_ms)))
			return false;
	return true;
}

struct poller_plan *
poller_plan_new(const struct evpop_listing *listing,
    const struct evpop_plan *plan, int64_t fetch_after_ms, int64_t now_ms)
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
		.waits = plan->waits,
		.seen = plan->seen,
		.held = plan->held,
		.unidentified = plan->unidentified,
		.fetch_octets = plan->fetch_octets,
	};
	if (!plan_take_entries(copy, listing, plan, fetch_after_ms))
		poller_plan_free(&copy);
	return copy;
}

void
poller_plan_free(struct poller_plan **plan)
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

/* ---- findings ---- */

struct findings {
	struct poller_plan *plan;
	char *former_id, *moved;
	int64_t paused_ms;
	char *paused_by;
	struct store_refusal refusal;
};

/* Made where it is missing; NULL without memory. */
static struct findings *
findings_get(struct findings **findings)
{
	if (*findings == NULL)
		*findings = calloc(1, sizeof(**findings));
	return *findings;
}

static void
findings_set_text(char **text_p, const char *text)
{
	free(*text_p);
	*text_p = text == NULL ? NULL : strdup(text);
}

void
findings_set_plan(struct findings **findings_p, struct poller_plan *plan)
{
	struct findings *findings = findings_get(findings_p);

	if (findings == NULL) {
		poller_plan_free(&plan);
		return;
	}
	poller_plan_free(&findings->plan);
	findings->plan = plan;
}

const struct poller_plan *
findings_plan(const struct findings *findings)
{
	return findings == NULL ? NULL : findings->plan;
}

void
findings_set_former(struct findings **findings_p, const char *former_id)
{
	if (*findings_p == NULL && former_id == NULL)
		return;
	if (findings_get(findings_p) != NULL)
		findings_set_text(&(*findings_p)->former_id, former_id);
}

const char *
findings_former(const struct findings *findings)
{
	return findings == NULL ? NULL : findings->former_id;
}

void
findings_set_moved(struct findings **findings_p, const char *words)
{
	if (findings_get(findings_p) != NULL)
		findings_set_text(&(*findings_p)->moved, words);
}

const char *
findings_moved(const struct findings *findings)
{
	return findings == NULL ? NULL : findings->moved;
}

void
findings_set_paused(
    struct findings **findings_p, int64_t since_ms, const char *who)
{
	if ((*findings_p == NULL && since_ms == 0) ||
	    findings_get(findings_p) == NULL)
		return;
	(*findings_p)->paused_ms = since_ms;
	findings_set_text(&(*findings_p)->paused_by, who);
}

int64_t
findings_paused_ms(const struct findings *findings)
{
	return findings == NULL ? 0 : findings->paused_ms;
}

const char *
findings_paused_by(const struct findings *findings)
{
	return findings == NULL ? NULL : findings->paused_by;
}

void
findings_set_refusal(
    struct findings **findings_p, const struct store_refusal *refusal)
{
	if (findings_get(findings_p) != NULL)
		(*findings_p)->refusal = *refusal;
}

struct store_refusal
findings_refusal(const struct findings *findings)
{
	return findings == NULL ? (struct store_refusal){ 0 }
				: findings->refusal;
}

void
findings_free(struct findings **findings_p)
{
	struct findings *findings = *findings_p;

	if (findings == NULL)
		return;
	*findings_p = NULL;
	poller_plan_free(&findings->plan);
	free(findings->former_id);
	free(findings->moved);
	free(findings->paused_by);
	free(findings);
}
