/* What to fetch and what to delete: a pure function. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <evpop/sync.h>

#include "lib/base/name.h"
#include "lib/session/details.h"

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
};
EVPOP_NAMES_MATCH(action_names, EVPOP_ACTION_COUNT);

const char *
evpop_action_name(enum evpop_action action)
{
	assert(action < EVPOP_ACTION_COUNT);
	return action_names[action];
}

/* Bytes, the shorter first where one begins the other. */
static int
compare_ids(const unsigned char *a, size_t a_length, const unsigned char *b,
    size_t b_length)
{
	size_t common = a_length < b_length ? a_length : b_length;
	int order = common == 0 ? 0 : memcmp(a, b, common);

	if (order != 0)
		return order;
	return (a_length > b_length) - (a_length < b_length);
}

static int
compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
compare_entries(const void *a, const void *b)
{
	const struct evpop_entry *x = *(const struct evpop_entry *const *)a;
	const struct evpop_entry *y = *(const struct evpop_entry *const *)b;
	int order = compare_ids(x->unique_id, x->unique_id_length, y->unique_id,
	    y->unique_id_length);

	/* Entries of one id stay in the order of the listing. */
	return order != 0 ? order : (x > y) - (x < y);
}

static int
compare_known(const void *a, const void *b)
{
	const struct evpop_known *x = *(const struct evpop_known *const *)a;
	const struct evpop_known *y = *(const struct evpop_known *const *)b;
	int order = compare_ids(x->unique_id, x->unique_id_length, y->unique_id,
	    y->unique_id_length);

	return order != 0 ? order : compare_u32(x->occurrence, y->occurrence);
}

/*
 * Pointers to the entries that have an id, sorted by it; NULL: no memory.  Many
 * servers give ids that ascend: then they are sorted already.
 */
static struct evpop_entry **
sort_entries(const struct evpop_listing *listing, size_t *count_r)
{
	struct evpop_entry **sorted;
	bool in_order = true;
	size_t i, count = 0;

	sorted = calloc(listing->count + 1, sizeof(*sorted));
	if (sorted == NULL)
		return NULL;
	for (i = 0; i < listing->count; i++) {
		if (listing->entries[i].unique_id == NULL)
			continue;
		sorted[count++] = &listing->entries[i];
		if (count > 1 &&
		    compare_entries(&sorted[count - 2], &sorted[count - 1]) > 0)
			in_order = false;
	}
	if (!in_order)
		qsort(sorted, count, sizeof(*sorted), compare_entries);
	*count_r = count;
	return sorted;
}

/* What comes from a sorted index is sorted already, and stays as it is. */
static const struct evpop_known **
sort_known(const struct evpop_known *known, size_t count)
{
	const struct evpop_known **sorted;
	bool in_order = true;
	size_t i;

	sorted = calloc(count + 1, sizeof(*sorted));
	if (sorted == NULL)
		return NULL;
	for (i = 0; i < count; i++) {
		sorted[i] = &known[i];
		if (i > 0 && compare_known(&sorted[i - 1], &sorted[i]) > 0)
			in_order = false;
	}
	if (!in_order)
		qsort(sorted, count, sizeof(*sorted), compare_known);
	return sorted;
}

enum evpop_error
evpop_listing_occurrences(struct evpop_listing *listing)
{
	struct evpop_entry **sorted, *entry, *before;
	size_t count, i;

	sorted = sort_entries(listing, &count);
	if (sorted == NULL)
		return EVPOP_ERROR_MEMORY;
	for (i = 0; i < count; i++) {
		entry = sorted[i];
		before = i > 0 ? sorted[i - 1] : NULL;
		entry->occurrence =
		    before != NULL &&
			    compare_ids(before->unique_id,
				before->unique_id_length, entry->unique_id,
				entry->unique_id_length) == 0
			? before->occurrence + 1
			: 0;
	}
	free(sorted);
	return EVPOP_ERROR_NONE;
}

static enum evpop_action
nameless_action(
    const struct evpop_plan *plan, const struct evpop_policy *policy)
{
	bool fetch =
	    policy->keep == EVPOP_KEEP_NONE || policy->fetch_unidentified;

	if (policy->baseline || plan->details->garbled || !fetch)
		return EVPOP_ACTION_UNIDENTIFIED;
	return policy->keep == EVPOP_KEEP_NONE ? EVPOP_ACTION_FETCH_DELETE
					       : EVPOP_ACTION_FETCH;
}

static enum evpop_action
unknown_action(const struct evpop_plan *plan, const struct evpop_entry *entry,
    const struct evpop_policy *policy)
{
	bool delete = policy->keep == EVPOP_KEEP_NONE ||
		      (policy->delete_above_octets > 0 &&
			  entry->octets > policy->delete_above_octets);

	if (policy->max_message_octets > 0 && !policy->baseline &&
	    entry->octets > policy->max_message_octets)
		return EVPOP_ACTION_TOO_LARGE;
	if (entry->unique_id == NULL)
		return nameless_action(plan, policy);
	if (policy->baseline)
		return EVPOP_ACTION_SEEN;
	return delete ? EVPOP_ACTION_FETCH_DELETE : EVPOP_ACTION_FETCH;
}

static enum evpop_action
stored_action(const struct evpop_known *known,
    const struct evpop_policy *policy, int64_t now_ms)
{
	bool due = known->state == EVPOP_KNOWN_DELETE ||
		   policy->keep == EVPOP_KEEP_NONE ||
		   now_ms - known->stored_ms >= policy->keep_ms;

	if (policy->delete_above_octets > 0 &&
	    known->octets > policy->delete_above_octets)
		return EVPOP_ACTION_DELETE;
	/* Whatever was owed before, "forever" means that nothing is deleted. */
	if (policy->keep == EVPOP_KEEP_FOREVER)
		return EVPOP_ACTION_NONE;
	return due ? EVPOP_ACTION_DELETE : EVPOP_ACTION_NONE;
}

/*
 * What the server has deleted, or did not list for a while, and lists again is
 * a new message, or the server did not keep its word: only the bytes tell.
 */
static bool
is_doubtful(enum evpop_known_state state)
{
	return state == EVPOP_KNOWN_DELETED || state == EVPOP_KNOWN_GONE;
}

static void
note_due(struct evpop_plan *plan, const struct evpop_known *known,
    const struct evpop_policy *policy)
{
	int64_t due_ms;

	if (policy->keep != EVPOP_KEEP_AGE ||
	    __builtin_add_overflow(known->stored_ms, policy->keep_ms, &due_ms))
		return;
	if (plan->due_ms == 0 || due_ms < plan->due_ms)
		plan->due_ms = due_ms;
}

static void
match_known(struct evpop_plan *plan, size_t entry,
    const struct evpop_known *all, size_t index,
    const struct evpop_policy *policy, int64_t now_ms)
{
	const struct evpop_known *known = &all[index];

	if (is_doubtful(known->state))
		return;
	plan->details->unknown[entry] = false;
	plan->details->known[entry] = (uint32_t)index + 1;
	plan->details->expected[entry] = known->octets;
	plan->actions[entry] = EVPOP_ACTION_NONE;
	if (known->state == EVPOP_KNOWN_SEEN)
		return;
	plan->actions[entry] = stored_action(known, policy, now_ms);
	if (plan->actions[entry] == EVPOP_ACTION_NONE)
		note_due(plan, known, policy);
}

/* Walk both sorted lists at once. */
static void
match(struct evpop_plan *plan, const struct evpop_listing *listing,
    struct evpop_entry **entries, size_t entry_count,
    const struct evpop_known *known, const struct evpop_known **sorted,
    size_t known_count, const struct evpop_policy *policy, int64_t now_ms)
{
	size_t e = 0, k = 0;
	int order;

	while (e < entry_count || k < known_count) {
		if (e == entry_count)
			order = 1;
		else if (k == known_count)
			order = -1;
		else
			order = compare_ids(entries[e]->unique_id,
			    entries[e]->unique_id_length, sorted[k]->unique_id,
			    sorted[k]->unique_id_length);
		if (order == 0)
			order = compare_u32(
			    entries[e]->occurrence, sorted[k]->occurrence);
		if (order == 0)
			match_known(plan,
			    (size_t)(entries[e] - listing->entries), known,
			    (size_t)(sorted[k] - known), policy, now_ms);
		else if (order > 0)
			plan->gone[sorted[k] - known] = true;
		e += order <= 0;
		k += order >= 0;
	}
}

/*
 * An id that is missing from a listing with lines nobody could read may stand
 * on one of those; or its message is listed without it.
 */
static bool
names_all(const struct evpop_listing *listing)
{
	size_t i;

	if ((!listing->unique_ids && !listing->digests) || listing->ignored > 0)
		return false;
	for (i = 0; i < listing->count; i++)
		if (listing->entries[i].unique_id == NULL)
			return false;
	return true;
}

static void
count_gone(struct evpop_plan *plan, const struct evpop_listing *listing,
    size_t known_count)
{
	size_t i;

	if (!names_all(listing))
		memset(plan->gone, 0, known_count * sizeof *plan->gone);
	for (i = 0; i < known_count; i++)
		plan->gone_count += plan->gone[i];
}

static bool
is_fetch(enum evpop_action action)
{
	return action == EVPOP_ACTION_FETCH ||
	       action == EVPOP_ACTION_FETCH_DELETE;
}

/* Put the fetches in order, as many as one session may have. */
static void
order_fetches(struct evpop_plan *plan, const struct evpop_listing *listing,
    const struct evpop_policy *policy)
{
	size_t i, at;

	plan->fetches = plan->later = 0;
	plan->fetch_octets = 0;
	for (i = 0; i < listing->count; i++) {
		at = policy->order == EVPOP_ORDER_NEWEST
			 ? listing->count - 1 - i
			 : i;
		if (!is_fetch(plan->actions[at]))
			continue;
		if (policy->max_messages > 0 &&
		    plan->fetches == policy->max_messages) {
			plan->actions[at] = EVPOP_ACTION_LATER;
			plan->later++;
			continue;
		}
		plan->order[plan->fetches++] = at;
		plan->fetch_octets += listing->entries[at].octets;
	}
}

static void
count(struct evpop_plan *plan, size_t entries)
{
	size_t counts[EVPOP_ACTION_COUNT] = { 0 }, i;

	plan->adopt_octets = 0;
	for (i = 0; i < entries; i++) {
		counts[plan->actions[i]]++;
		if (plan->actions[i] == EVPOP_ACTION_ADOPT)
			plan->adopt_octets +=
			    evpop_plan_adoption(plan, i)->octets;
	}
	plan->deletes = counts[EVPOP_ACTION_DELETE];
	plan->too_large = counts[EVPOP_ACTION_TOO_LARGE];
	plan->unidentified = counts[EVPOP_ACTION_UNIDENTIFIED];
	plan->seen = counts[EVPOP_ACTION_SEEN];
	plan->adopts = counts[EVPOP_ACTION_ADOPT];
	plan->held = counts[EVPOP_ACTION_HELD];
}

static void
settle(struct evpop_plan *plan, const struct evpop_listing *listing,
    const struct evpop_policy *policy)
{
	size_t i;

	/* Adoptions have left room among the fetches. */
	for (i = 0; i < listing->count; i++) {
		if (plan->actions[i] != EVPOP_ACTION_LATER)
			continue;
		plan->actions[i] =
		    plan->details->unknown[i]
			? unknown_action(plan, &listing->entries[i], policy)
			: EVPOP_ACTION_FETCH_DELETE;
	}
	order_fetches(plan, listing, policy);
	count(plan, listing->count);
}

void
evpop_plan_settle(struct evpop_plan *plan, const struct evpop_listing *listing,
    const struct evpop_policy *policy)
{
	evpop_details_doubt(plan, true);
	settle(plan, listing, policy);
}

/*
 * More deletions than the policy allows are held.  Those that follow a fetch
 * are not meant: what they delete was not here before.
 */
static void
hold(struct evpop_plan *plan, const struct evpop_listing *listing,
    const struct evpop_policy *policy)
{
	size_t deletes = 0, i;

	for (i = 0; i < listing->count; i++)
		deletes += plan->actions[i] == EVPOP_ACTION_DELETE;
	if (policy->max_deletes == 0 || deletes <= policy->max_deletes)
		return;
	for (i = 0; i < listing->count; i++)
		if (plan->actions[i] == EVPOP_ACTION_DELETE)
			plan->actions[i] = EVPOP_ACTION_HELD;
}

static bool
can_verify(const struct evpop_plan *plan, size_t entries)
{
	size_t i;

	for (i = 0; i < entries; i++)
		if (plan->actions[i] == EVPOP_ACTION_DELETE &&
		    plan->details->expected[i] != 0)
			return true;
	return false;
}

bool
evpop_plan_wants_sizes(
    const struct evpop_plan *plan, const struct evpop_policy *policy)
{
	if (plan->details->verifiable || plan->details->deletion_count > 0 ||
	    plan->details->candidates != NULL)
		return true;
	return plan->fetches > 0 && (policy->max_message_octets > 0 ||
					policy->delete_above_octets > 0);
}

void
evpop_plan_sizes(struct evpop_plan *plan, const struct evpop_listing *listing,
    const struct evpop_policy *policy)
{
	struct evpop_plan_details *details = plan->details;
	size_t i;

	for (i = 0; i < listing->count; i++) {
		if (details->unknown[i])
			plan->actions[i] =
			    unknown_action(plan, &listing->entries[i], policy);
		else if (plan->actions[i] == EVPOP_ACTION_DELETE &&
			 details->expected[i] != 0 &&
			 details->expected[i] != listing->entries[i].octets)
			plan->actions[i] = EVPOP_ACTION_FETCH_DELETE;
	}
	if (policy->verify_deletes)
		evpop_details_doubt(plan, false);
	evpop_details_looks(plan, listing);
	settle(plan, listing, policy);
}

static struct evpop_plan *
allocate(size_t entries, size_t known)
{
	struct evpop_plan *plan;

	plan = calloc(1, sizeof *plan);
	if (plan == NULL)
		return NULL;
	plan->actions = calloc(entries + 1, sizeof *plan->actions);
	plan->order = calloc(entries + 1, sizeof *plan->order);
	plan->gone = calloc(known + 1, sizeof *plan->gone);
	plan->details = evpop_details_new(entries);
	if (plan->actions == NULL || plan->order == NULL ||
	    plan->gone == NULL || plan->details == NULL)
		evpop_plan_free(&plan);
	return plan;
}

enum evpop_error
evpop_plan_new(struct evpop_plan **plan_r, const struct evpop_listing *listing,
    const struct evpop_known *known, size_t known_count,
    const struct evpop_policy *policy, int64_t now_ms)
{
	struct evpop_plan *plan;
	struct evpop_entry **entries;
	const struct evpop_known **sorted;
	size_t entry_count = 0, i;

	*plan_r = NULL;
	plan = allocate(listing->count, known_count);
	entries = sort_entries(listing, &entry_count);
	sorted = sort_known(known, known_count);
	if (plan == NULL || entries == NULL || sorted == NULL) {
		evpop_plan_free(&plan);
		free(entries);
		free(sorted);
		return EVPOP_ERROR_MEMORY;
	}
	plan->details->garbled = listing->top_refused ||
				 (listing->unique_ids && listing->ignored > 0);
	for (i = 0; i < listing->count; i++) {
		plan->details->unknown[i] = true;
		plan->actions[i] =
		    unknown_action(plan, &listing->entries[i], policy);
	}
	match(plan, listing, entries, entry_count, known, sorted, known_count,
	    policy, now_ms);
	free(entries);
	free(sorted);
	count_gone(plan, listing, known_count);
	hold(plan, listing, policy);
	plan->details->verifiable = can_verify(plan, listing->count);
	if (!evpop_details_candidates(plan, listing, known, known_count) ||
	    (policy->verify_deletes &&
		!evpop_details_deletions(plan, listing->count, known))) {
		evpop_plan_free(&plan);
		return EVPOP_ERROR_MEMORY;
	}
	settle(plan, listing, policy);
	*plan_r = plan;
	return EVPOP_ERROR_NONE;
}

void
evpop_plan_free(struct evpop_plan **plan)
{
	if (*plan == NULL)
		return;
	free((*plan)->actions);
	free((*plan)->order);
	free((*plan)->gone);
	evpop_details_free((*plan)->details);
	free(*plan);
	*plan = NULL;
}
