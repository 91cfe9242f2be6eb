/*
 * A maildrop's listing and the plan made for it.  Lines of text:
 *
 *     p KEEP KEEP_MS OCTETS_MAX MESSAGES_MAX ORDER NOW_MS IGNORED
 *     u NUMBER ID                     a line of UIDL
 *     n                               the server knows no UIDL
 *     s NUMBER OCTETS                 a line of LIST
 *     k OCCURRENCE STATE STORED_MS ID a message that is known
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/reply.h"
#include "lib/session/listing.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"

#define KNOWN_MAX 64

/* Times of a clock, far from the ends of what an int64_t holds. */
#define TIME_MASK (UINT64_MAX >> 4)

struct trial {
	struct evpop_listing_builder builder;
	size_t id_lines, size_lines;
	bool no_ids;
	struct evpop_known known[KNOWN_MAX];
	size_t known_count;
	struct evpop_policy policy;
	int64_t now_ms;
	uint32_t ignored;
};

/* The next number of a line; 0 where there is none. */
static uint64_t
take(struct fuzz_input *line)
{
	uint64_t number;

	return evpop_number_take(&line->at, &line->left, &number) ? number : 0;
}

static void
read_policy(struct trial *trial, struct fuzz_input line)
{
	trial->policy.keep = (enum evpop_keep)(take(&line) % 3);
	trial->policy.keep_ms = (int64_t)(take(&line) & TIME_MASK);
	trial->policy.max_message_octets = take(&line);
	trial->policy.max_messages = (uint32_t)take(&line);
	trial->policy.order = (enum evpop_order)(take(&line) % 2);
	trial->now_ms = (int64_t)(take(&line) & TIME_MASK);
	trial->ignored = (uint32_t)(take(&line) & 0xff);
}

static void
read_id(struct trial *trial, struct fuzz_input line)
{
	struct evpop_listed listed = { .number = 0 };

	if (!evpop_message_number_take(&line.at, &line.left, &listed.number))
		return;
	evpop_trim(&line.at, &line.left);
	listed.unique_id = line.at;
	listed.unique_id_length = line.left;
	assert(evpop_listing_add_id(&trial->builder, &listed));
	trial->id_lines++;
}

static void
read_size(struct trial *trial, struct fuzz_input line)
{
	struct evpop_listed listed = { .number = 0 };

	if (!evpop_message_number_take(&line.at, &line.left, &listed.number))
		return;
	listed.octets = take(&line);
	assert(evpop_listing_add_size(&trial->builder, &listed));
	trial->size_lines++;
}

static bool
same_id(const unsigned char *a, size_t a_length, const unsigned char *b,
    size_t b_length)
{
	return a_length == b_length &&
	       (a_length == 0 || memcmp(a, b, a_length) == 0);
}

/* What is known is a set: each id and occurrence is known once. */
static void
read_known(struct trial *trial, struct fuzz_input line)
{
	struct evpop_known known = { .occurrence = (uint32_t)take(&line) };
	const struct evpop_known *other;
	size_t i;

	known.state = (enum evpop_known_state)(take(&line) % 4);
	known.stored_ms = (int64_t)(take(&line) & TIME_MASK);
	evpop_trim(&line.at, &line.left);
	known.unique_id = line.at;
	known.unique_id_length = line.left;
	for (i = 0; i < trial->known_count; i++) {
		other = &trial->known[i];
		if (other->occurrence == known.occurrence &&
		    same_id(other->unique_id, other->unique_id_length,
			known.unique_id, known.unique_id_length))
			return;
	}
	if (line.left > 0 && trial->known_count < KNOWN_MAX)
		trial->known[trial->known_count++] = known;
}

/* All lines of one kind, in their order. */
static void
read_lines(struct trial *trial, struct fuzz_input input, unsigned char kind,
    void (*read)(struct trial *, struct fuzz_input))
{
	struct fuzz_input line;

	while (input.left > 0) {
		line = fuzz_up_to(&input, '\n');
		if (fuzz_octet(&line) == kind)
			read(trial, line);
	}
}

static void
read_no_ids(struct trial *trial, struct fuzz_input line)
{
	(void)line;
	trial->no_ids = true;
}

static bool
has_id(const struct evpop_entry *entry, const unsigned char *id, size_t length)
{
	return entry->unique_id != NULL &&
	       same_id(entry->unique_id, entry->unique_id_length, id, length);
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

/* What an action demands of its entry. */
static void
check_action(const struct trial *trial, const struct evpop_entry *entry,
    enum evpop_action action)
{
	const struct evpop_policy *policy = &trial->policy;
	const struct evpop_known *known = find_known(trial, entry);
	bool stored = known != NULL && (known->state == EVPOP_KNOWN_STORED ||
					   known->state == EVPOP_KNOWN_DELETE);
	bool wanted = known == NULL || known->state == EVPOP_KNOWN_DELETED;
	bool large = policy->max_message_octets > 0 &&
		     entry->octets > policy->max_message_octets;

	assert(action < EVPOP_ACTION_COUNT);
	assert(evpop_action_name(action) != NULL);
	if (wanted)
		assert(action != EVPOP_ACTION_NONE &&
		       action != EVPOP_ACTION_DELETE);
	else
		assert(action == EVPOP_ACTION_NONE ||
		       action == EVPOP_ACTION_DELETE);
	/* Only what is durable here is deleted, and only where that is asked.
	 */
	if (action == EVPOP_ACTION_DELETE)
		assert(stored && policy->keep != EVPOP_KEEP_FOREVER);
	if (stored && policy->keep == EVPOP_KEEP_NONE)
		assert(action == EVPOP_ACTION_DELETE);
	if (action == EVPOP_ACTION_FETCH_DELETE)
		assert(policy->keep == EVPOP_KEEP_NONE);
	if (action == EVPOP_ACTION_FETCH)
		assert(policy->keep != EVPOP_KEEP_NONE &&
		       entry->unique_id != NULL);
	assert((action == EVPOP_ACTION_TOO_LARGE) == (wanted && large));
	if (action == EVPOP_ACTION_UNIDENTIFIED)
		assert(entry->unique_id == NULL);
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
}

/* Gone is what a listing that can be trusted does not have. */
static void
check_gone(const struct trial *trial, const struct evpop_plan *plan)
{
	const struct evpop_listing *listing = &trial->builder.listing;
	size_t i, j, count = 0;
	bool missing;

	for (i = 0; i < trial->known_count; i++) {
		missing = listing->unique_ids && listing->ignored == 0;
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

/* In what order things are known does not matter. */
static void
check_reversed(struct trial *trial, const struct evpop_plan *plan)
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
	size_t i;

	memset(&trial, 0, sizeof(trial));
	read_lines(&trial, input, 'p', read_policy);
	read_lines(&trial, input, 'n', read_no_ids);
	read_lines(&trial, input, 'k', read_known);
	if (!trial.no_ids) {
		read_lines(&trial, input, 'u', read_id);
		assert(evpop_listing_ids_done(&trial.builder, trial.ignored) ==
		       EVPOP_ERROR_NONE);
	}
	read_lines(&trial, input, 's', read_size);
	evpop_listing_sizes_done(&trial.builder, 0);
	check_listing(&trial);
	plan = make_plan(&trial);
	for (i = 0; i < trial.builder.listing.count; i++)
		check_action(&trial, &trial.builder.listing.entries[i],
		    plan->actions[i]);
	check_order(&trial, plan);
	check_counts(&trial, plan);
	check_gone(&trial, plan);
	check_reversed(&trial, plan);
	evpop_plan_free(&plan);
	evpop_listing_clear(&trial.builder);
	return 0;
}
