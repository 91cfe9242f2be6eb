#include "lib/session/action.h"

#include <assert.h>

#include "lib/base/name.h"

static const char *const action_names[] = {
	[EVPOP_ACTION_NONE] = "none",
	[EVPOP_ACTION_FETCH] = "fetch",
	[EVPOP_ACTION_FETCH_DELETE] = "fetch and delete",
	[EVPOP_ACTION_DELETE] = "delete",
	[EVPOP_ACTION_TOO_LARGE] = "too large",
	[EVPOP_ACTION_LATER] = "later",
	[EVPOP_ACTION_UNIDENTIFIED] = "no unique-id",
	[EVPOP_ACTION_SEEN] = "seen",
	[EVPOP_ACTION_ADOPT] = "adopt",
	[EVPOP_ACTION_HELD] = "held",
	[EVPOP_ACTION_WAIT] = "wait",
};
EVPOP_NAMES_MATCH(action_names, EVPOP_ACTION_COUNT);

const char *
evpop_action_name(enum evpop_action action)
{
	assert(action < EVPOP_ACTION_COUNT);
	return action_names[action];
}

static enum evpop_action
action_of_nameless(bool is_garbled, const struct evpop_policy *policy)
{
	bool fetch =
	    policy->keep == EVPOP_KEEP_NONE || policy->fetch_unidentified;

	if (policy->baseline || is_garbled || policy->fetch_after_ms > 0 ||
	    !fetch)
		return EVPOP_ACTION_UNIDENTIFIED;
	return policy->keep == EVPOP_KEEP_NONE ? EVPOP_ACTION_FETCH_DELETE
					       : EVPOP_ACTION_FETCH;
}

enum evpop_action
evpop_action_of_unknown(const struct evpop_entry *entry, bool is_garbled,
    bool has_waited, const struct evpop_policy *policy)
{
	bool waits = policy->fetch_after_ms > 0 && !has_waited;
	bool delete = policy->keep == EVPOP_KEEP_NONE ||
		      (policy->delete_above_octets > 0 &&
			  entry->octets > policy->delete_above_octets);

	/* Its size may not be known before it is to be fetched. */
	if (waits && !policy->baseline && entry->unique_id != NULL)
		return EVPOP_ACTION_WAIT;
	if (policy->max_message_octets > 0 && !policy->baseline &&
	    entry->octets > policy->max_message_octets)
		return EVPOP_ACTION_TOO_LARGE;
	if (entry->unique_id == NULL)
		return action_of_nameless(is_garbled, policy);
	if (policy->baseline)
		return EVPOP_ACTION_SEEN;
	return delete ? EVPOP_ACTION_FETCH_DELETE : EVPOP_ACTION_FETCH;
}

static enum evpop_action
action_of_stored(const struct evpop_known *known,
    const struct evpop_policy *policy, int64_t now_ms)
{
	bool due = known->state == EVPOP_KNOWN_DELETE ||
		   policy->keep == EVPOP_KEEP_NONE ||
		   (policy->keep == EVPOP_KEEP_AGE &&
		       now_ms - known->stored_ms >= policy->keep_ms);

	if (policy->delete_above_octets > 0 &&
	    known->octets > policy->delete_above_octets)
		return EVPOP_ACTION_DELETE;
	/* "Forever" deletes nothing, whatever was owed before. */
	if (policy->keep == EVPOP_KEEP_FOREVER)
		return EVPOP_ACTION_NONE;
	return due ? EVPOP_ACTION_DELETE : EVPOP_ACTION_NONE;
}

enum evpop_action
evpop_action_of_known(const struct evpop_known *known,
    const struct evpop_policy *policy, int64_t now_ms)
{
	return known->state == EVPOP_KNOWN_SEEN
		   ? EVPOP_ACTION_NONE
		   : action_of_stored(known, policy, now_ms);
}
