/*
 * The plan made for a maildrop (trial.h says how an input tells of one),
 * against a planner that is slow and plain.
 */
#include <assert.h>
#include <string.h>

#include "tests/fuzz/target.h"
#include "tests/fuzz/trial.h"

static bool
has_id(const struct evpop_entry *entry, const unsigned char *id, size_t length)
{
	return entry->unique_id != NULL &&
	       trial_same_id(
		   entry->unique_id, entry->unique_id_length, id, length);
}

/* Ascending numbers; equal ids numbered as they come. */
static void
check_listing(const struct trial *trial)
{
	const struct evpop_listing *listing = &trial->builder.listing;
	const struct evpop_entry *entry;
	uint32_t before;
	size_t i, j;

	assert(listing->unique_ids == !trial->no_ids);
	assert(listing->count <=
	       (trial->no_ids ? trial->size_lines : trial->id_lines));
	assert(listing->count + listing->ignored >=
	       (trial->no_ids ? trial->size_lines : trial->id_lines));
	for (i = 0; i < listing->count; i++) {
		entry = &listing->entries[i];
		assert(entry->number > 0);
		assert(i == 0 || entry->number > entry[-1].number);
		assert((entry->unique_id == NULL) ==
		       (entry->unique_id_length == 0));
		for (before = 0, j = 0; j < i && entry->unique_id != NULL; j++)
			before += has_id(&listing->entries[j], entry->unique_id,
			    entry->unique_id_length);
		assert(entry->occurrence == before);
	}
}

/* What is known of an entry; NULL where it is nothing. */
static const struct evpop_known *
find_known(const struct trial *trial, const struct evpop_entry *entry)
{
	const struct evpop_known *known;
	size_t i;

	for (i = 0; i < trial->known_count; i++) {
		known = &trial->known[i];
		if (known->occurrence == entry->occurrence &&
		    has_id(entry, known->unique_id, known->unique_id_length))
			return known;
	}
	return NULL;
}

/* ---- the plain planner ---- */

static bool
is_unknown(const struct trial *trial, const struct evpop_entry *entry)
{
	const struct evpop_known *known = find_known(trial, entry);

	return known == NULL || known->state == EVPOP_KNOWN_DELETED ||
	       known->state == EVPOP_KNOWN_GONE ||
	       known->state == EVPOP_KNOWN_WAITING;
}

static bool
has_to_wait(const struct trial *trial, const struct evpop_entry *entry)
{
	const struct evpop_known *known = find_known(trial, entry);
	int64_t after_ms = trial->policy.fetch_after_ms;

	if (after_ms == 0 || trial->policy.baseline || entry->unique_id == NULL)
		return false;
	return known == NULL || known->state != EVPOP_KNOWN_WAITING ||
	       trial->now_ms < known->stored_ms ||
	       trial->now_ms - known->stored_ms < after_ms;
}

static enum evpop_action
expect_unknown(const struct trial *trial, const struct evpop_entry *entry)
{
	const struct evpop_policy *policy = &trial->policy;
	const struct evpop_listing *listing = &trial->builder.listing;
	bool garbled = listing->unique_ids && listing->ignored > 0;
	bool delete = policy->keep == EVPOP_KEEP_NONE;

	if (has_to_wait(trial, entry))
		return EVPOP_ACTION_WAIT;
	if (!policy->baseline && policy->max_message_octets > 0 &&
	    entry->octets > policy->max_message_octets)
		return EVPOP_ACTION_TOO_LARGE;
	if (entry->unique_id == NULL) {
		if (policy->baseline || garbled || policy->fetch_after_ms > 0 ||
		    !(delete || policy->fetch_unidentified))
			return EVPOP_ACTION_UNIDENTIFIED;
	} else if (policy->baseline)
		return EVPOP_ACTION_SEEN;
	/* What has no name is deleted at once, or known by its bytes. */
	if (entry->unique_id != NULL && policy->delete_above_octets > 0 &&
	    entry->octets > policy->delete_above_octets)
		delete = true;
	return delete ? EVPOP_ACTION_FETCH_DELETE : EVPOP_ACTION_FETCH;
}

/* By its id alone. */
static enum evpop_action
expect_stored(const struct trial *trial, const struct evpop_known *known)
{
	const struct evpop_policy *policy = &trial->policy;

	if (known->state == EVPOP_KNOWN_SEEN)
		return EVPOP_ACTION_NONE;
	if (policy->delete_above_octets > 0 &&
	    known->octets > policy->delete_above_octets)
		return EVPOP_ACTION_DELETE;
	if (policy->keep == EVPOP_KEEP_FOREVER)
		return EVPOP_ACTION_NONE;
	if (policy->keep == EVPOP_KEEP_NONE ||
	    known->state == EVPOP_KNOWN_DELETE ||
	    trial->now_ms - known->stored_ms >= policy->keep_ms)
		return EVPOP_ACTION_DELETE;
	return EVPOP_ACTION_NONE;
}

static bool
is_held(const struct trial *trial)
{
	const struct evpop_listing *listing = &trial->builder.listing;
	size_t i, due = 0;

	for (i = 0; i < listing->count; i++)
		due += !is_unknown(trial, &listing->entries[i]) &&
		       expect_stored(
			   trial, find_known(trial, &listing->entries[i])) ==
			   EVPOP_ACTION_DELETE;
	return trial->policy.max_deletes > 0 && due > trial->policy.max_deletes;
}

static bool
is_waiting(const struct trial *trial, const struct evpop_entry *entry)
{
	const struct evpop_known *known = find_known(trial, entry);

	return known != NULL && known->state == EVPOP_KNOWN_WAITING;
}

static bool
is_mostly_unknown(const struct trial *trial)
{
	const struct evpop_listing *listing = &trial->builder.listing;
	size_t i, unknown = 0;

	for (i = 0; i < listing->count; i++)
		unknown += is_unknown(trial, &listing->entries[i]) &&
			   !is_waiting(trial, &listing->entries[i]);
	return unknown > listing->count / 2;
}

/* A known message that may be listed under another id, if it has this size. */
static bool
is_candidate(const struct trial *trial, const struct evpop_plan *plan,
    size_t index, uint64_t octets)
{
	const struct evpop_known *known = &trial->known[index];

	return known->header_digest != NULL && octets > 0 &&
	       known->octets == octets &&
	       (known->state == EVPOP_KNOWN_GONE ||
		   (plan->gone[index] && known->state == EVPOP_KNOWN_STORED));
}

/* The first one of those that is not adopted yet; known_count: none. */
static size_t
find_adoption(const struct trial *trial, const struct evpop_plan *plan,
    const struct evpop_entry *entry)
{
	const unsigned char *digest = trial_header(trial, entry->number);
	size_t i;

	if (digest == NULL || entry->unique_id == NULL ||
	    !is_unknown(trial, entry) || !trial->mostly_unknown)
		return trial->known_count;
	for (i = 0; i < trial->known_count; i++)
		if (!trial->adopted[i] &&
		    is_candidate(trial, plan, i, entry->octets) &&
		    memcmp(trial->known[i].header_digest, digest,
			EVPOP_HEADER_DIGEST_SIZE) == 0)
			break;
	return i;
}

static void
check_adoption(struct trial *trial, const struct evpop_plan *plan, size_t index,
    size_t expected)
{
	const struct evpop_adoption *adoption =
	    evpop_plan_adoption(plan, index);
	const struct evpop_known *known = &trial->known[expected];

	assert(adoption->known == expected);
	assert(adoption->octets == known->octets);
	assert(adoption->occurrence == known->occurrence);
	assert(trial_same_id(adoption->unique_id, adoption->unique_id_length,
	    known->unique_id, known->unique_id_length));
	trial->adopted[expected] = true;
}

/* `sized`: sizes and headers were told. */
static void
check_action(struct trial *trial, const struct evpop_plan *plan, size_t index,
    bool sized)
{
	const struct evpop_entry *entry =
	    &trial->builder.listing.entries[index];
	const struct evpop_known *known = find_known(trial, entry);
	enum evpop_action action = plan->actions[index], expected;
	size_t adoption =
	    sized ? find_adoption(trial, plan, entry) : trial->known_count;

	assert(action < EVPOP_ACTION_COUNT);
	assert(evpop_action_name(action) != NULL);
	if (adoption < trial->known_count) {
		assert(action == EVPOP_ACTION_ADOPT);
		check_adoption(trial, plan, index, adoption);
		return;
	}
	if (is_unknown(trial, entry))
		expected = expect_unknown(trial, entry);
	else
		expected = expect_stored(trial, known);
	if (expected == EVPOP_ACTION_DELETE && trial->held)
		expected = EVPOP_ACTION_HELD;
	/* The message of that id is another. */
	if (expected == EVPOP_ACTION_DELETE && sized && known->octets != 0 &&
	    known->octets != entry->octets)
		expected = EVPOP_ACTION_FETCH_DELETE;
	assert(action == expected ||
	       (action == EVPOP_ACTION_LATER &&
		   (expected == EVPOP_ACTION_FETCH ||
		       expected == EVPOP_ACTION_FETCH_DELETE)));
}

/* The fetches stand in order, and all that is left for later behind them. */
static void
check_order(const struct trial *trial, const struct evpop_plan *plan)
{
	bool newest = trial->policy.order == EVPOP_ORDER_NEWEST;
	size_t count = trial->builder.listing.count, i, at, next = 0;
	bool later = false;
	uint64_t octets = 0;

	for (i = 0; i < count; i++) {
		at = newest ? count - 1 - i : i;
		if (plan->actions[at] == EVPOP_ACTION_LATER)
			later = true;
		if (plan->actions[at] != EVPOP_ACTION_FETCH &&
		    plan->actions[at] != EVPOP_ACTION_FETCH_DELETE)
			continue;
		assert(!later);
		assert(next < plan->fetches && plan->order[next++] == at);
		octets += trial->builder.listing.entries[at].octets;
	}
	assert(next == plan->fetches && octets == plan->fetch_octets);
	if (trial->policy.max_messages > 0)
		assert(plan->fetches <= trial->policy.max_messages);
	assert(!later || plan->fetches == trial->policy.max_messages);
}

static void
check_counts(const struct trial *trial, const struct evpop_plan *plan)
{
	size_t counts[EVPOP_ACTION_COUNT] = { 0 };
	size_t i;

	for (i = 0; i < trial->builder.listing.count; i++)
		counts[plan->actions[i]]++;
	assert(plan->fetches ==
	       counts[EVPOP_ACTION_FETCH] + counts[EVPOP_ACTION_FETCH_DELETE]);
	assert(plan->deletes == counts[EVPOP_ACTION_DELETE]);
	assert(plan->too_large == counts[EVPOP_ACTION_TOO_LARGE]);
	assert(plan->later == counts[EVPOP_ACTION_LATER]);
	assert(plan->unidentified == counts[EVPOP_ACTION_UNIDENTIFIED]);
	assert(plan->seen == counts[EVPOP_ACTION_SEEN]);
	assert(plan->adopts == counts[EVPOP_ACTION_ADOPT]);
	assert(plan->held == counts[EVPOP_ACTION_HELD]);
	assert(plan->waits == counts[EVPOP_ACTION_WAIT]);
	assert(plan->new_waits <= plan->waits);
}

static bool
names_all(const struct evpop_listing *listing)
{
	bool all =
	    listing->ignored == 0 && (listing->unique_ids || listing->digests);
	size_t i;

	for (i = 0; i < listing->count; i++)
		all &= listing->entries[i].unique_id != NULL;
	return all;
}

/* Gone is what a listing that can be trusted does not have. */
static void
check_gone(const struct trial *trial, const struct evpop_plan *plan)
{
	const struct evpop_listing *listing = &trial->builder.listing;
	size_t i, j, count = 0;
	bool missing;

	for (i = 0; i < trial->known_count; i++) {
		missing = names_all(listing);
		for (j = 0; j < listing->count && missing; j++)
			if (find_known(trial, &listing->entries[j]) ==
			    &trial->known[i])
				missing = false;
		assert(plan->gone[i] == missing);
		count += missing;
	}
	assert(plan->gone_count == count);
}

static struct evpop_plan *
make_plan(const struct trial *trial)
{
	struct evpop_plan *plan;

	assert(evpop_plan_new(&plan, &trial->builder.listing, trial->known,
		   trial->known_count, &trial->policy,
		   trial->now_ms) == EVPOP_ERROR_NONE);
	return plan;
}

static void
check_plan(struct trial *trial, const struct evpop_plan *plan, bool sized)
{
	size_t i;

	memset(trial->adopted, 0, sizeof(trial->adopted));
	trial->held = is_held(trial);
	trial->mostly_unknown = is_mostly_unknown(trial);
	for (i = 0; i < trial->builder.listing.count; i++)
		check_action(trial, plan, i, sized);
	check_order(trial, plan);
	check_counts(trial, plan);
	check_gone(trial, plan);
}

/* Sizes are there: go on to the end with them. */
static void
finish_plan(const struct trial *trial, struct evpop_plan *plan)
{
	const struct evpop_listing *listing = &trial->builder.listing;
	const unsigned char *digest;
	const uint32_t *indices;
	struct evpop_header header;
	size_t i, count;

	evpop_plan_sizes(plan, listing, &trial->policy);
	count = evpop_plan_looks(plan, &indices);
	assert(count <= listing->count);
	for (i = 0; i < count; i++) {
		assert(i == 0 || indices[i] > indices[i - 1]);
		digest =
		    trial_header(trial, listing->entries[indices[i]].number);
		if (digest == NULL)
			continue;
		memset(&header, 0, sizeof header);
		memcpy(header.digest, digest, sizeof header.digest);
		evpop_plan_header(plan, listing, indices[i], &header);
	}
	evpop_plan_settle(plan, listing, &trial->policy);
}

/* In what order things are known, and when sizes are, does not matter. */
static void
check_reversed(
    struct trial *trial, const struct evpop_plan *plan, bool finished)
{
	struct evpop_plan *reversed;
	struct evpop_known swap;
	size_t i, count = trial->known_count;

	for (i = 0; i < count / 2; i++) {
		swap = trial->known[i];
		trial->known[i] = trial->known[count - 1 - i];
		trial->known[count - 1 - i] = swap;
	}
	reversed = make_plan(trial);
	if (finished)
		finish_plan(trial, reversed);
	for (i = 0; i < trial->builder.listing.count; i++)
		assert(reversed->actions[i] == plan->actions[i]);
	for (i = 0; i < count; i++)
		assert(reversed->gone[i] == plan->gone[count - 1 - i]);
	evpop_plan_free(&reversed);
	assert(reversed == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct trial trial;
	struct evpop_plan *plan;
	bool sized;

	trial_read(&trial, input);
	check_listing(&trial);
	plan = make_plan(&trial);
	check_plan(&trial, plan, false);
	sized = evpop_plan_wants_sizes(plan, &trial.policy);
	if (sized) {
		trial_read_sizes(&trial, input);
		finish_plan(&trial, plan);
		check_plan(&trial, plan, true);
	}
	check_reversed(&trial, plan, sized);
	evpop_plan_free(&plan);
	trial_clear(&trial);
	return 0;
}
