/*
 * Looks at headers by TOP: to give unique-ids to messages on a server that has
 * none, and to recognise those whose ids have changed.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/digest.h"
#include "lib/base/hex.h"
#include "lib/session/header.h"
#include "lib/session/sync.h"

/* It begins with a space, as no server's can: RFC 1939 section 7. */
#define NAME_FORMAT " top-%s-%llu"
#define NAME_SIZE   (sizeof " top--" + 2 * EVPOP_HEADER_DIGEST_SIZE + 20)

/* Refusals in a row, from the first on, by a server that says it knows TOP. */
#define REFUSALS_MAX 8

static void go_on(struct evpop_sync *);

void
evpop_sync_looks_clear(struct evpop_sync *sync)
{
	struct evpop_looks *looks = sync->looks;
	size_t i;

	if (looks == NULL)
		return;
	for (i = 0; i < looks->ahead; i++)
		evpop_header_free(
		    looks->ring[(looks->head + i) % EVPOP_SYNC_AHEAD].header);
	free(looks->named);
	free(looks);
	sync->looks = NULL;
}

/* ---- what a header tells ---- */

static void
name_entry(struct evpop_sync *sync, size_t index, const unsigned char *digest)
{
	const struct evpop_entry *entry = &sync->builder.listing.entries[index];
	char hex[2 * EVPOP_HEADER_DIGEST_SIZE + 1], name[NAME_SIZE];
	int length;

	evpop_hex_encode(digest, EVPOP_HEADER_DIGEST_SIZE, hex);
	length = snprintf(name, sizeof name, NAME_FORMAT, hex,
	    (unsigned long long)entry->octets);
	assert(length > 0 && (size_t)length < sizeof name);
	if (!evpop_listing_set_id(&sync->builder, index, name, (size_t)length))
		evpop_sync_fail(sync, EVPOP_ERROR_MEMORY,
		    "no memory for the server's listing");
}

static void
tell(struct evpop_sync *sync, size_t index, const unsigned char *digest)
{
	if (sync->step == EVPOP_SYNC_NAMING)
		name_entry(sync, index, digest);
	else if (sync->step == EVPOP_SYNC_LOOKING)
		evpop_plan_header(
		    sync->plan, &sync->builder.listing, index, digest);
}

/* ---- TOP ---- */

static enum evpop_flow
top_data(struct evpop_client *client, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct evpop_look *look = arg;

	(void)client;
	evpop_header_feed(look->header, bytes, length);
	return EVPOP_FLOW_CONTINUE;
}

/*
 * TOP is optional (RFC 1939 section 7).  A server that says it has it may
 * refuse it for messages that are damaged.
 */
static void
note_refusal(struct evpop_sync *sync)
{
	struct evpop_looks *looks = sync->looks;

	looks->refusals++;
	if (!looks->answered &&
	    (looks->refusals == REFUSALS_MAX ||
		!evpop_client_capabilities(sync->client)->top))
		looks->refused = true;
}

static void
top_end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct evpop_look look = *(struct evpop_look *)arg;
	struct evpop_sync *sync = look.sync;
	struct evpop_looks *looks = sync->looks;
	unsigned char digest[EVPOP_HEADER_DIGEST_SIZE];

	(void)client;
	(void)number;
	assert(arg == &looks->ring[looks->head]);
	looks->head = (looks->head + 1) % EVPOP_SYNC_AHEAD;
	looks->ahead--;
	if (result->error == EVPOP_ERROR_NONE) {
		looks->answered = true;
		if (evpop_header_finish(look.header, digest))
			tell(sync, look.index, digest);
	} else
		note_refusal(sync);
	evpop_header_free(look.header);
	if (result->error == EVPOP_ERROR_NONE ||
	    result->error == EVPOP_ERROR_REFUSED)
		go_on(sync);
}

static const struct evpop_sink top_sink = {
	.data = top_data,
	.end = top_end,
};

static bool
hand_over_look(struct evpop_sync *sync)
{
	struct evpop_looks *looks = sync->looks;
	size_t most = looks->answered ? EVPOP_SYNC_AHEAD : 1;
	struct evpop_look *look;
	enum evpop_error error;

	if (sync->stopping || looks->refused || looks->next == looks->count ||
	    looks->ahead >= most)
		return false;
	look = &looks->ring[(looks->head + looks->ahead) % EVPOP_SYNC_AHEAD];
	look->sync = sync;
	look->index = looks->indices[looks->next];
	look->header = evpop_header_new();
	if (look->header == NULL) {
		evpop_sync_fail(
		    sync, EVPOP_ERROR_MEMORY, "no memory for a header");
		return false;
	}
	error = evpop_client_top(sync->client,
	    sync->builder.listing.entries[look->index].number, 0, &top_sink,
	    look);
	if (error != EVPOP_ERROR_NONE) {
		evpop_header_free(look->header);
		evpop_sync_not_taken(sync, error);
		return false;
	}
	looks->ahead++;
	looks->next++;
	return true;
}

/* ---- the two purposes ---- */

static void
named(struct evpop_sync *sync, bool top_refused)
{
	struct evpop_listing *listing = &sync->builder.listing;
	enum evpop_error error;
	size_t i;

	listing->top_refused = top_refused;
	listing->digests = !listing->unique_ids;
	for (i = 0; i < listing->count; i++)
		if (listing->entries[i].unique_id == NULL)
			listing->digests = false;
	error = evpop_listing_occurrences(listing);
	if (error == EVPOP_ERROR_NONE)
		evpop_sync_ask(sync);
	else
		evpop_sync_fail(
		    sync, error, "no memory for the server's listing");
}

static void
go_on(struct evpop_sync *sync)
{
	enum evpop_sync_step step = sync->step;
	bool refused;

	if (step != EVPOP_SYNC_NAMING && step != EVPOP_SYNC_LOOKING)
		return;
	while (hand_over_look(sync))
		;
	if (sync->looks->ahead > 0 || sync->step != step)
		return;
	/* It may be in a bad mood: other names than before would double all. */
	refused = !sync->looks->answered &&
		  evpop_client_capabilities(sync->client)->top;
	evpop_sync_looks_clear(sync);
	if (step == EVPOP_SYNC_NAMING) {
		named(sync, refused);
		return;
	}
	evpop_plan_settle(sync->plan, &sync->builder.listing, &sync->policy);
	evpop_sync_carry_out(sync);
}

/* What is deleted at once needs no name. */
static bool
wants_names(const struct evpop_sync *sync)
{
	const struct evpop_capabilities *capabilities =
	    evpop_client_capabilities(sync->client);
	const struct evpop_policy *policy = &sync->policy;

	if (sync->stopping || sync->flight)
		return false;
	/* Such messages may be known by ids that could not be read. */
	if (sync->builder.listing.unique_ids &&
	    sync->builder.listing.ignored > 0)
		return false;
	if (policy->keep == EVPOP_KEEP_NONE && !policy->baseline)
		return false;
	return !capabilities->known || capabilities->top;
}

/* With room for that many indices of its own.  False without memory. */
static bool
begin(struct evpop_sync *sync, size_t room)
{
	struct evpop_looks *looks;

	evpop_sync_looks_clear(sync);
	looks = calloc(1, sizeof *looks);
	if (looks == NULL)
		return false;
	sync->looks = looks;
	looks->named = calloc(room + 1, sizeof *looks->named);
	looks->indices = looks->named;
	return looks->named != NULL;
}

static void
fail(struct evpop_sync *sync)
{
	evpop_sync_fail(
	    sync, EVPOP_ERROR_MEMORY, "no memory to look at headers");
}

void
evpop_sync_name(struct evpop_sync *sync)
{
	const struct evpop_listing *listing = &sync->builder.listing;
	size_t nameless = 0, i;

	for (i = 0; i < listing->count; i++)
		nameless += listing->entries[i].unique_id == NULL;
	if (nameless == 0 || !wants_names(sync)) {
		evpop_sync_ask(sync);
		return;
	}
	if (!begin(sync, nameless)) {
		fail(sync);
		return;
	}
	for (i = 0; i < listing->count; i++)
		if (listing->entries[i].unique_id == NULL)
			sync->looks->named[sync->looks->count++] = i;
	sync->step = EVPOP_SYNC_NAMING;
	go_on(sync);
}

void
evpop_sync_look(struct evpop_sync *sync)
{
	if (!begin(sync, 0)) {
		fail(sync);
		return;
	}
	sync->looks->count =
	    evpop_plan_looks(sync->plan, &sync->looks->indices);
	sync->looks->refused = !evpop_client_can_top(sync->client);
	sync->step = EVPOP_SYNC_LOOKING;
	go_on(sync);
}
