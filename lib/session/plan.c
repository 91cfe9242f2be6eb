/*
 * What to fetch and what to delete, from a listing, what is known, a policy and
 * the time; and, where these leave something open, from sizes and headers.
 */
#include "lib/session/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/session/action.h"
#include "lib/session/candidates.h"
#include "lib/session/deletions.h"
#include "lib/session/listing.h"
#include "lib/session/order.h"
#include "lib/session/same.h"
#include "lib/session/waits.h"

/* So many messages, if they are one of so many, show a habit of the server. */
#define HABIT_LEAST 3
#define HABIT_SHARE 20

/* What a plan knows beyond its actions. */
struct evpop_plan_details {
	/*
	 * Some line of UIDL could not be read, or TOP is refused that gave
	 * names before: an entry without an id may be a message that is known
	 * by one.
	 */
	bool is_garbled;
	bool knows_top_names;
	bool names_all; /* known messages that are not listed are gone */
	bool *unknown;  /* for each entry: it may have to be fetched */
	struct evpop_waits *waits; /* NULL where the policy lets none wait */
	/* `unknown_count` leaves out those that are known to wait. */
	size_t entry_count, unknown_count, known_count;
	struct evpop_match *match; /* until the plan is made */
	/*
	 * Known messages whose size and listed size are known; and those of
	 * them that have less than half of what was listed.
	 */
	size_t sized_count, short_count;
	struct evpop_deletions *deletions;
	struct evpop_candidates *candidates;
	/* For each entry; NULL where nothing can be adopted. */
	const struct evpop_adoption **adopted;
	uint32_t *looks; /* NULL where the plan depends on no header */
	size_t look_count;
};

/* ---- the parts ---- */

void
evpop_plan_free(struct evpop_plan **plan)
{
	struct evpop_plan_details *details;

	if (*plan == NULL)
		return;
	details = (*plan)->details;
	if (details != NULL) {
		free(details->unknown);
		evpop_waits_free(details->waits);
		evpop_match_free(details->match);
		evpop_deletions_free(details->deletions);
		evpop_candidates_free(details->candidates);
		free(details->adopted);
		free(details->looks);
	}
	free(details);
	free((*plan)->actions);
	free((*plan)->order);
	free((*plan)->gone);
	free(*plan);
	*plan = NULL;
}

static struct evpop_plan *
plan_allocate(
    const struct evpop_listing *listing, const struct evpop_policy *policy)
{
	struct evpop_plan *plan = calloc(1, sizeof *plan);
	struct evpop_plan_details *details = calloc(1, sizeof *details);

	if (plan == NULL || details == NULL) {
		free(plan);
		free(details);
		return NULL;
	}
	plan->details = details;
	plan->actions = calloc(listing->count + 1, sizeof plan->actions[0]);
	plan->order = calloc(listing->count + 1, sizeof plan->order[0]);
	details->entry_count = listing->count;
	details->unknown = calloc(listing->count + 1, sizeof(bool));
	if (policy->fetch_after_ms > 0)
		details->waits = evpop_waits_new(listing->count);
	details->match = evpop_match_new(listing);
	details->deletions = evpop_deletions_new();
	details->candidates = evpop_candidates_new();
	if (plan->actions == NULL || plan->order == NULL ||
	    details->unknown == NULL || details->match == NULL ||
	    (policy->fetch_after_ms > 0 && details->waits == NULL) ||
	    details->deletions == NULL || details->candidates == NULL)
		evpop_plan_free(&plan);
	return plan;
}

size_t
evpop_plan_size(size_t entries)
{
	const struct evpop_plan *plan = NULL;

	return entries * (sizeof plan->actions[0] + sizeof plan->order[0] +
			     sizeof plan->details->unknown[0] +
			     sizeof plan->details->looks[0]);
}

size_t
evpop_plan_held(const struct evpop_plan *plan)
{
	const struct evpop_plan_details *details = plan->details;
	size_t adopted = details->adopted == NULL
			     ? 0
			     : details->entry_count * sizeof(void *);

	return evpop_deletions_held(details->deletions) +
	       evpop_candidates_held(details->candidates) +
	       evpop_waits_held(details->waits) + adopted;
}

/* ---- by unique-ids ---- */

/* The policy decides on an entry that is not known, or known to wait. */
static void
plan_set_unknown(struct evpop_plan *plan, const struct evpop_listing *listing,
    size_t index, const struct evpop_policy *policy)
{
	const struct evpop_plan_details *details = plan->details;

	plan->actions[index] = (uint8_t)evpop_action_of_unknown(
	    &listing->entries[index], details->is_garbled,
	    evpop_waits_are_over(details->waits, index), policy);
}

static void
plan_note_due(
    struct evpop_plan *plan, const struct evpop_known *known, int64_t age_ms)
{
	int64_t due_ms;

	if (__builtin_add_overflow(known->stored_ms, age_ms, &due_ms))
		return;
	if (plan->due_ms == 0 || due_ms < plan->due_ms)
		plan->due_ms = due_ms;
}

/*
 * To look at headers costs a round trip or more, so most ids must have changed.
 */
static bool
plan_is_mostly_unknown(const struct evpop_plan *plan)
{
	const struct evpop_plan_details *details = plan->details;

	return details->unknown_count > details->entry_count / 2;
}

/* The known message is listed under its id. */
static bool
plan_take_listed(struct evpop_plan *plan, uint32_t entry,
    const struct evpop_known *known, const struct evpop_policy *policy,
    int64_t now_ms)
{
	struct evpop_plan_details *details = plan->details;

	/* Its id has not changed; what it is only a fetch can tell. */
	if (known->state == EVPOP_KNOWN_WAITING) {
		details->unknown_count--;
		if (evpop_waits_take(
			details->waits, entry, known, policy, now_ms))
			plan_note_due(plan, known, policy->fetch_after_ms);
		return true;
	}
	/*
	 * It comes back, or its id was given to another: only the bytes tell.
	 */
	if (known->state == EVPOP_KNOWN_DELETED ||
	    known->state == EVPOP_KNOWN_GONE)
		return true;
	details->unknown[entry] = false;
	details->unknown_count--;
	plan->actions[entry] =
	    (uint8_t)evpop_action_of_known(known, policy, now_ms);
	if (plan->actions[entry] == EVPOP_ACTION_DELETE)
		return evpop_deletions_add(details->deletions, entry, known);
	if (known->state != EVPOP_KNOWN_SEEN && policy->keep == EVPOP_KEEP_AGE)
		plan_note_due(plan, known, policy->keep_ms);
	return true;
}

/* Whether a name that TOP gave stands for a message that is here. */
static bool
plan_is_top_name(const struct evpop_known *known)
{
	static const char name[] = EVPOP_LISTING_TOP_NAME;

	return known->state != EVPOP_KNOWN_DELETED &&
	       known->unique_id_length >= sizeof name - 1 &&
	       memcmp(known->unique_id, name, sizeof name - 1) == 0;
}

/* The known message may be listed under another id, if the ids have changed. */
static bool
plan_take_candidate(struct evpop_plan *plan, const struct evpop_known *known,
    size_t index, bool is_gone)
{
	struct evpop_candidates *candidates = plan->details->candidates;
	bool may_be_listed = known->state == EVPOP_KNOWN_GONE ||
			     (known->state == EVPOP_KNOWN_STORED && is_gone);

	if (!may_be_listed || known->header_digest == NULL ||
	    known->octets == 0)
		return true;
	if (plan_is_mostly_unknown(plan))
		return evpop_candidates_add(candidates, known, index);
	/* Too many are listed under their ids: these have not changed. */
	evpop_candidates_drop(candidates);
	return true;
}

static void
plan_note_sizes(
    struct evpop_plan_details *details, const struct evpop_known *known)
{
	if (known->octets == 0 || known->listed_octets == 0)
		return;
	details->sized_count++;
	details->short_count +=
	    evpop_same_is_short(known->octets, known->listed_octets);
}

static enum evpop_error
plan_take(struct evpop_plan *plan, const struct evpop_known *known,
    size_t index, const struct evpop_policy *policy, int64_t now_ms,
    evpop_plan_gone_cb gone, void *arg)
{
	bool is_gone = false, taken = true;
	uint32_t entry;

	plan->details->knows_top_names |= plan_is_top_name(known);
	plan_note_sizes(plan->details, known);
	switch (evpop_match_next(plan->details->match, known, &entry)) {
	case EVPOP_MATCH_DISORDER:
		return EVPOP_ERROR_USAGE;
	case EVPOP_MATCH_LISTED:
		taken = plan_take_listed(plan, entry, known, policy, now_ms);
		break;
	case EVPOP_MATCH_MISSING:
		is_gone = plan->details->names_all;
		break;
	}
	if (!taken || !plan_take_candidate(plan, known, index, is_gone))
		return EVPOP_ERROR_MEMORY;
	if (!is_gone)
		return EVPOP_ERROR_NONE;
	plan->gone_count++;
	if (plan->gone != NULL)
		plan->gone[index] = true;
	if (gone != NULL)
		gone(known, arg);
	return EVPOP_ERROR_NONE;
}

enum evpop_error
evpop_plan_begin(struct evpop_plan **plan_r,
    const struct evpop_listing *listing, const struct evpop_policy *policy)
{
	struct evpop_plan *plan = plan_allocate(listing, policy);
	size_t i;

	*plan_r = plan;
	if (plan == NULL)
		return EVPOP_ERROR_MEMORY;
	/* An unread line may have an id, or its message be listed without. */
	plan->details->names_all = (listing->unique_ids || listing->digests) &&
				   listing->ignored == 0 &&
				   evpop_listing_nameless(listing) == 0;
	plan->details->is_garbled = listing->unique_ids && listing->ignored > 0;
	plan->details->unknown_count = listing->count;
	for (i = 0; i < listing->count; i++) {
		plan->details->unknown[i] = true;
		plan_set_unknown(plan, listing, i, policy);
	}
	return EVPOP_ERROR_NONE;
}

enum evpop_error
evpop_plan_match(struct evpop_plan *plan, const struct evpop_known *known,
    size_t count, const struct evpop_policy *policy, int64_t now_ms,
    evpop_plan_gone_cb gone, void *arg)
{
	enum evpop_error error = EVPOP_ERROR_NONE;
	size_t i;

	for (i = 0; i < count && error == EVPOP_ERROR_NONE; i++)
		error = plan_take(plan, &known[i], plan->details->known_count++,
		    policy, now_ms, gone, arg);
	return error;
}

enum evpop_error
evpop_plan_match_all(struct evpop_plan *plan, const struct evpop_known *known,
    size_t count, const struct evpop_policy *policy, int64_t now_ms,
    evpop_plan_gone_cb gone, void *arg)
{
	const struct evpop_known **sorted =
	    evpop_match_sort_known(known, count);
	enum evpop_error error = EVPOP_ERROR_NONE;
	size_t i;

	plan->gone = calloc(count + 1, sizeof plan->gone[0]);
	if (sorted == NULL || plan->gone == NULL)
		error = EVPOP_ERROR_MEMORY;
	for (i = 0; i < count && error == EVPOP_ERROR_NONE; i++)
		error = plan_take(plan, sorted[i], (size_t)(sorted[i] - known),
		    policy, now_ms, gone, arg);
	free(sorted);
	return error;
}

/* ---- totals ---- */

static void
plan_count(struct evpop_plan *plan)
{
	size_t counts[EVPOP_ACTION_COUNT] = { 0 }, i;

	plan->adopt_octets = 0;
	plan->new_waits = 0;
	for (i = 0; i < plan->details->entry_count; i++) {
		counts[plan->actions[i]]++;
		if (plan->actions[i] == EVPOP_ACTION_WAIT)
			plan->new_waits +=
			    evpop_waits_since(plan->details->waits, i) == 0;
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
	plan->waits = counts[EVPOP_ACTION_WAIT];
}

static void
plan_order_and_count(struct evpop_plan *plan,
    const struct evpop_listing *listing, const struct evpop_policy *policy)
{
	size_t i;

	/* Some have waited; and adoptions have left room among the fetches. */
	for (i = 0; i < listing->count; i++) {
		if (plan->actions[i] != EVPOP_ACTION_LATER &&
		    plan->actions[i] != EVPOP_ACTION_WAIT)
			continue;
		if (plan->details->unknown[i])
			plan_set_unknown(plan, listing, i, policy);
		else
			plan->actions[i] = EVPOP_ACTION_FETCH_DELETE;
	}
	evpop_order_fetches(plan, listing, policy);
	plan_count(plan);
}

/*
 * Other names than before would double everything: wait until TOP works again.
 */
static void
plan_leave_nameless(struct evpop_plan *plan,
    const struct evpop_listing *listing, const struct evpop_policy *policy)
{
	size_t i;

	plan->details->is_garbled = true;
	for (i = 0; i < listing->count; i++)
		if (listing->entries[i].unique_id == NULL)
			plan_set_unknown(plan, listing, i, policy);
}

bool
evpop_plan_make(struct evpop_plan *plan, const struct evpop_listing *listing,
    const struct evpop_policy *policy)
{
	struct evpop_plan_details *details = plan->details;

	evpop_match_free(details->match);
	details->match = NULL;
	if (listing->top_refused && details->knows_top_names)
		plan_leave_nameless(plan, listing, policy);
	/*
	 * Those that follow a fetch do not count: their messages were not here
	 * before.
	 */
	if (policy->max_deletes > 0 &&
	    evpop_deletions_count(details->deletions) > policy->max_deletes)
		evpop_deletions_hold(details->deletions, plan->actions);
	evpop_deletions_sort(details->deletions);
	if (!plan_is_mostly_unknown(plan))
		evpop_candidates_drop(details->candidates);
	if (evpop_candidates_count(details->candidates) > 0) {
		details->adopted =
		    calloc(listing->count + 1, sizeof details->adopted[0]);
		if (details->adopted == NULL ||
		    !evpop_candidates_sort(details->candidates))
			return false;
	}
	if (evpop_deletions_count(details->deletions) > 0 ||
	    details->adopted != NULL) {
		details->looks =
		    calloc(listing->count + 1, sizeof details->looks[0]);
		if (details->looks == NULL)
			return false;
	}
	plan_order_and_count(plan, listing, policy);
	return true;
}

enum evpop_error
evpop_plan_new(struct evpop_plan **plan_r, const struct evpop_listing *listing,
    const struct evpop_known *known, size_t known_count,
    const struct evpop_policy *policy, int64_t now_ms)
{
	enum evpop_error error = evpop_plan_begin(plan_r, listing, policy);

	if (error == EVPOP_ERROR_NONE)
		error = evpop_plan_match_all(
		    *plan_r, known, known_count, policy, now_ms, NULL, NULL);
	if (error == EVPOP_ERROR_NONE &&
	    !evpop_plan_make(*plan_r, listing, policy))
		error = EVPOP_ERROR_MEMORY;
	if (error != EVPOP_ERROR_NONE)
		evpop_plan_free(plan_r);
	return error;
}

/* ---- by sizes and headers ---- */

bool
evpop_plan_wants_sizes(
    const struct evpop_plan *plan, const struct evpop_policy *policy)
{
	const struct evpop_plan_details *details = plan->details;

	if (evpop_deletions_are_sized(details->deletions) ||
	    details->adopted != NULL ||
	    (policy->verify_deletes &&
		evpop_deletions_count(details->deletions) > 0))
		return true;
	return plan->fetches > 0 &&
	       (policy->max_message_octets > 0 || policy->max_octets > 0 ||
		   policy->delete_above_octets > 0);
}

/* List the entries whose headers decide: deletions, and what may be adopted. */
static void
plan_note_looks(struct evpop_plan *plan, const struct evpop_listing *listing)
{
	struct evpop_plan_details *details = plan->details;
	const struct evpop_entry *entry;
	bool may_adopt = details->adopted != NULL, look;
	size_t i;

	details->look_count = 0;
	for (i = 0; details->looks != NULL && i < listing->count; i++) {
		entry = &listing->entries[i];
		if (!details->unknown[i])
			look = evpop_deletions_want_header(
			    details->deletions, (uint32_t)i);
		else
			look = may_adopt && entry->octets > 0 &&
			       entry->unique_id != NULL &&
			       evpop_candidates_have_size(
				   details->candidates, entry->octets);
		if (look)
			details->looks[details->look_count++] = (uint32_t)i;
	}
}

void
evpop_plan_sizes(struct evpop_plan *plan, const struct evpop_listing *listing,
    const struct evpop_policy *policy)
{
	size_t i;

	for (i = 0; i < listing->count; i++)
		if (plan->details->unknown[i])
			plan_set_unknown(plan, listing, i, policy);
	evpop_deletions_compare_sizes(
	    plan->details->deletions, listing, policy->verify_deletes);
	evpop_deletions_doubt(plan->details->deletions, false, plan->actions);
	plan_note_looks(plan, listing);
	plan_order_and_count(plan, listing, policy);
}

bool
evpop_plan_believes(
    const struct evpop_plan *plan, uint32_t index, uint64_t octets)
{
	const struct evpop_plan_details *details = plan->details;
	bool lists_more =
	    details->short_count >= HABIT_LEAST &&
	    details->short_count >= details->sized_count / HABIT_SHARE;

	return lists_more ||
	       evpop_deletions_owe(details->deletions, index, octets);
}

size_t
evpop_plan_looks(const struct evpop_plan *plan, const uint32_t **indices)
{
	*indices = plan->details->looks;
	return plan->details->look_count;
}

void
evpop_plan_header(struct evpop_plan *plan, const struct evpop_listing *listing,
    size_t index, const struct evpop_header *header)
{
	struct evpop_plan_details *details = plan->details;
	const struct evpop_adoption *adoption;

	if (!details->unknown[index]) {
		evpop_deletions_compare_header(
		    details->deletions, listing, (uint32_t)index, header);
		return;
	}
	if (details->adopted == NULL)
		return;
	adoption = evpop_candidates_adopt(
	    details->candidates, listing->entries[index].octets, header);
	if (adoption == NULL)
		return;
	details->adopted[index] = adoption;
	plan->actions[index] = EVPOP_ACTION_ADOPT;
}

void
evpop_plan_settle(struct evpop_plan *plan, const struct evpop_listing *listing,
    const struct evpop_policy *policy)
{
	evpop_deletions_doubt(plan->details->deletions, true, plan->actions);
	plan_order_and_count(plan, listing, policy);
}

int64_t
evpop_plan_waits_since(const struct evpop_plan *plan, size_t index)
{
	assert(plan->actions[index] == EVPOP_ACTION_WAIT);
	return evpop_waits_since(plan->details->waits, index);
}

const struct evpop_adoption *
evpop_plan_adoption(const struct evpop_plan *plan, size_t index)
{
	assert(plan->actions[index] == EVPOP_ACTION_ADOPT);
	return plan->details->adopted[index];
}
