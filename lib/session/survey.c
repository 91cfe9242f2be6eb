#include "lib/session/survey.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/hex.h"
#include "lib/session/headers.h"
#include "lib/session/listing.h"
#include "lib/session/plan.h"

#define NAME_FORMAT EVPOP_LISTING_TOP_NAME "%s-%llu"
#define NAME_SIZE \
	(sizeof EVPOP_LISTING_TOP_NAME "-" + 2 * EVPOP_HEADER_DIGEST_SIZE + 20)

enum survey_step {
	SURVEY_LISTING = 0, /* UIDL, LIST, and names by TOP */
	SURVEY_MATCHING,  /* the listing is there, and what is known comes in */
	SURVEY_MATCHED,   /* all of it has come, or it was wrong */
	SURVEY_COMPARING, /* LIST, and then TOP */
	SURVEY_PLANNED
};

enum survey_pace {
	SURVEY_GOES_ON = 0,
	SURVEY_STOPS, /* it asks for no more headers */
	SURVEY_ENDS   /* it tells of nothing more */
};

struct evpop_survey {
	struct evpop_client *client;
	struct evpop_caller *caller;
	const struct evpop_survey_callbacks *callbacks;
	void *arg;
	struct evpop_policy policy;
	bool is_flight;

	enum survey_step step;
	enum survey_pace pace;
	bool is_sized;      /* or LIST is under way */
	uint32_t *nameless; /* entries, while they get their names */
	struct evpop_headers *headers;
	struct evpop_listing_builder listing;
	struct evpop_plan *plan;
};

/* The steps, in their order; each begins the next. */
static void survey_uidl_done(
    struct evpop_client *, const struct evpop_reply *, void *);
static void survey_list(struct evpop_survey *);
static void survey_name(struct evpop_survey *);
static void survey_listed(struct evpop_survey *);
static void survey_compare_sizes(struct evpop_survey *);
static void survey_planned(struct evpop_survey *);

struct evpop_survey *
evpop_survey_new(struct evpop_client *client, struct evpop_caller *caller,
    const struct evpop_survey_callbacks *callbacks, void *arg)
{
	struct evpop_survey *survey;

	survey = calloc(1, sizeof *survey);
	if (survey == NULL)
		return NULL;
	survey->client = client;
	survey->caller = caller;
	survey->callbacks = callbacks;
	survey->arg = arg;
	return survey;
}

static void
survey_drop_headers(struct evpop_survey *survey)
{
	evpop_headers_free(survey->headers);
	free(survey->nameless);
	survey->headers = NULL;
	survey->nameless = NULL;
}

void
evpop_survey_free(struct evpop_survey *survey)
{
	if (survey == NULL)
		return;
	survey_drop_headers(survey);
	evpop_plan_free(&survey->plan);
	evpop_listing_clear(&survey->listing);
	free(survey);
}

void
evpop_survey_stop(struct evpop_survey *survey)
{
	if (survey->pace == SURVEY_GOES_ON)
		survey->pace = SURVEY_STOPS;
	evpop_headers_stop(survey->headers);
}

void
evpop_survey_end(struct evpop_survey *survey)
{
	evpop_survey_stop(survey);
	survey->pace = SURVEY_ENDS;
}

const struct evpop_listing *
evpop_survey_listing(const struct evpop_survey *survey)
{
	return &survey->listing.listing;
}

const struct evpop_plan *
evpop_survey_plan(const struct evpop_survey *survey)
{
	return survey->plan;
}

static void
survey_fail(struct evpop_survey *survey, enum evpop_error error)
{
	survey->callbacks->failed(
	    error, "no memory for the server's listing", survey->arg);
}

static void
survey_headers_failed(enum evpop_error error, const char *why, void *arg)
{
	struct evpop_survey *survey = arg;

	survey->callbacks->failed(error, why, survey->arg);
}

/* Ask the caller for the memory of the listing and the plan. */
static bool
survey_may_hold(struct evpop_survey *survey)
{
	size_t octets = evpop_listing_held(&survey->listing);

	if (survey->step >= SURVEY_MATCHING)
		octets += evpop_plan_size(survey->listing.listing.count);
	if (survey->plan != NULL)
		octets += evpop_plan_held(survey->plan);
	if (evpop_caller_hold(survey->caller, octets))
		return !survey->caller->is_gone;
	survey->callbacks->failed(EVPOP_ERROR_LIMIT,
	    "the listing of the maildrop takes more memory than there is for "
	    "it",
	    survey->arg);
	return false;
}

/* ---- UIDL and LIST ---- */

static void
survey_note_line(struct evpop_survey *survey, bool has_memory)
{
	if (has_memory)
		(void)survey_may_hold(survey);
	else
		survey_fail(survey, EVPOP_ERROR_MEMORY);
}

static void
survey_id(
    struct evpop_client *client, const struct evpop_listed *listed, void *arg)
{
	struct evpop_survey *survey = arg;

	(void)client;
	if (survey->pace != SURVEY_ENDS)
		survey_note_line(
		    survey, evpop_listing_add_id(&survey->listing, listed));
}

enum evpop_error
evpop_survey_start(struct evpop_survey *survey,
    const struct evpop_policy *policy, bool is_flight)
{
	survey->policy = *policy;
	survey->is_flight = is_flight;
	return evpop_client_uidl(
	    survey->client, 0, survey_id, survey_uidl_done, survey);
}

static void
survey_uidl_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_survey *survey = arg;

	(void)client;
	/* The log-in that it went out with may have been refused. */
	if (survey->pace == SURVEY_ENDS)
		return;
	if (reply->result.error == EVPOP_ERROR_REFUSED) {
		if (survey->is_flight)
			survey->callbacks->refused(&reply->result, survey->arg);
		else
			survey_list(survey);
	}
	if (reply->result.error != EVPOP_ERROR_NONE)
		return;
	evpop_listing_note_ignored(
	    &survey->listing, reply->ignored, reply->ignored_line);
	if (evpop_listing_ids_done(&survey->listing) == EVPOP_ERROR_NONE)
		survey_name(survey);
	else
		survey_fail(survey, EVPOP_ERROR_MEMORY);
}

static void
survey_size(
    struct evpop_client *client, const struct evpop_listed *listed, void *arg)
{
	struct evpop_survey *survey = arg;

	(void)client;
	if (survey->pace != SURVEY_ENDS)
		survey_note_line(
		    survey, evpop_listing_add_size(&survey->listing, listed));
}

/* The end of the session tells why it ends. */
static void
survey_list_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_survey *survey = arg;
	bool is_refused = reply->result.error == EVPOP_ERROR_REFUSED;

	(void)client;
	if (survey->pace == SURVEY_ENDS)
		return;
	if (reply->result.error == EVPOP_ERROR_NONE) {
		evpop_listing_note_ignored(
		    &survey->listing, reply->ignored, reply->ignored_line);
		evpop_listing_sizes_done(&survey->listing);
	} else if (!is_refused)
		return;
	/* Once there is a listing, sizes are hints: LIST may be refused. */
	if (survey->step == SURVEY_COMPARING)
		survey_compare_sizes(survey);
	else if (survey->step == SURVEY_LISTING && is_refused)
		survey->callbacks->refused(&reply->result, survey->arg);
	else if (survey->step == SURVEY_LISTING)
		survey_name(survey);
}

static void
survey_list(struct evpop_survey *survey)
{
	enum evpop_error error;

	survey->is_sized = true;
	error = evpop_client_list(
	    survey->client, 0, survey_size, survey_list_done, survey);
	if (error != EVPOP_ERROR_NONE)
		survey_fail(survey, error);
}

/* ---- names, for what has no unique-id ---- */

static bool
survey_can_name(const struct evpop_survey *survey)
{
	const struct evpop_capabilities *capabilities =
	    evpop_client_capabilities(survey->client);
	const struct evpop_listing *listing = evpop_survey_listing(survey);

	if (survey->is_flight || survey->pace != SURVEY_GOES_ON)
		return false;
	/* What is deleted at once needs no name. */
	if (survey->policy.keep == EVPOP_KEEP_NONE &&
	    survey->policy.fetch_after_ms == 0 && !survey->policy.baseline)
		return false;
	/* They may be known by ids on lines that could not be read. */
	if (listing->unique_ids && listing->ignored > 0)
		return false;
	return !capabilities->known || capabilities->top;
}

static void
survey_name_entry(uint32_t index, const struct evpop_header *header, void *arg)
{
	struct evpop_survey *survey = arg;
	const struct evpop_entry *entry =
	    &evpop_survey_listing(survey)->entries[index];
	char hex[2 * EVPOP_HEADER_DIGEST_SIZE + 1], name[NAME_SIZE];
	struct evpop_header kept = *header;
	int length;

	evpop_caller_header(survey->caller, &kept);
	/* The name must not change with the lines that servers add. */
	evpop_hex_encode(kept.digest, EVPOP_HEADER_DIGEST_SIZE, hex);
	length = snprintf(name, sizeof name, NAME_FORMAT, hex,
	    (unsigned long long)entry->octets);
	assert(length > 0 && (size_t)length < sizeof name);
	if (!evpop_listing_set_id(
		&survey->listing, index, name, (size_t)length))
		survey_fail(survey, EVPOP_ERROR_MEMORY);
}

static void
survey_named(enum evpop_headers_end end, void *arg)
{
	struct evpop_survey *survey = arg;

	survey_drop_headers(survey);
	if (evpop_listing_names_done(&survey->listing,
		end == EVPOP_HEADERS_REFUSED) == EVPOP_ERROR_NONE)
		survey_listed(survey);
	else
		survey_fail(survey, EVPOP_ERROR_MEMORY);
}

static const struct evpop_headers_callbacks naming_callbacks = {
	.seen = survey_name_entry,
	.done = survey_named,
	.failed = survey_headers_failed,
};

static void
survey_name(struct evpop_survey *survey)
{
	const struct evpop_listing *listing = evpop_survey_listing(survey);
	size_t count = evpop_listing_nameless(listing), i;

	if (count == 0 || !survey_can_name(survey)) {
		survey_listed(survey);
		return;
	}
	survey->nameless = calloc(count, sizeof survey->nameless[0]);
	if (survey->nameless != NULL)
		survey->headers = evpop_headers_new(survey->client, listing,
		    survey->nameless, count, &naming_callbacks, survey);
	if (survey->headers == NULL) {
		survey_fail(survey, EVPOP_ERROR_MEMORY);
		return;
	}
	for (i = count = 0; i < listing->count; i++)
		if (listing->entries[i].unique_id == NULL)
			survey->nameless[count++] = (uint32_t)i;
	evpop_headers_start(survey->headers);
}

/* ---- by unique-ids ---- */

static void
survey_listed(struct evpop_survey *survey)
{
	survey->step = SURVEY_MATCHING;
	survey->callbacks->listed(&survey->listing.listing, survey->arg);
}

static void
survey_tell_gone(const struct evpop_known *known, void *arg)
{
	struct evpop_survey *survey = arg;

	evpop_caller_gone(survey->caller, known);
}

static enum evpop_error
survey_match(struct evpop_survey *survey, const struct evpop_known *known,
    size_t count, enum evpop_known_part part, int64_t now_ms)
{
	const struct evpop_listing *listing = evpop_survey_listing(survey);
	bool is_first = survey->plan == NULL;
	enum evpop_error error = EVPOP_ERROR_NONE;

	if (is_first)
		error =
		    evpop_plan_begin(&survey->plan, listing, &survey->policy);
	if (error == EVPOP_ERROR_NONE && is_first && part == EVPOP_KNOWN_ALL)
		error = evpop_plan_match_all(survey->plan, known, count,
		    &survey->policy, now_ms, survey_tell_gone, survey);
	else if (error == EVPOP_ERROR_NONE)
		error = evpop_plan_match(survey->plan, known, count,
		    &survey->policy, now_ms, survey_tell_gone, survey);
	if (error == EVPOP_ERROR_NONE && part != EVPOP_KNOWN_SOME &&
	    !evpop_plan_make(survey->plan, listing, &survey->policy))
		error = EVPOP_ERROR_MEMORY;
	return error;
}

void
evpop_survey_known(struct evpop_survey *survey, const struct evpop_known *known,
    size_t count, enum evpop_known_part part, int64_t now_ms)
{
	enum evpop_error error;

	if (survey->step != SURVEY_MATCHING || !survey_may_hold(survey))
		return;
	error = survey_match(survey, known, count, part, now_ms);
	if (part != EVPOP_KNOWN_SOME || error != EVPOP_ERROR_NONE)
		survey->step = SURVEY_MATCHED;
	if (error != EVPOP_ERROR_NONE)
		survey->callbacks->failed(error,
		    error == EVPOP_ERROR_USAGE
			? "what is known does not come in the order of its "
			  "unique-ids"
			: "no memory for the plan",
		    survey->arg);
	else if (survey_may_hold(survey) && survey->step == SURVEY_MATCHED)
		survey->callbacks->matched(survey->plan, survey->arg);
}

/* ---- by sizes and headers, where the plan depends on them ---- */

void
evpop_survey_compare(struct evpop_survey *survey)
{
	if (!evpop_plan_wants_sizes(survey->plan, &survey->policy)) {
		survey_planned(survey);
		return;
	}
	survey->step = SURVEY_COMPARING;
	/* Without UIDL, sizes are there. */
	if (evpop_survey_listing(survey)->unique_ids)
		survey_list(survey);
	else
		survey_compare_sizes(survey);
}

static void
survey_compare_header(
    uint32_t index, const struct evpop_header *header, void *arg)
{
	struct evpop_survey *survey = arg;
	struct evpop_header kept = *header;

	evpop_caller_header(survey->caller, &kept);
	evpop_plan_header(
	    survey->plan, evpop_survey_listing(survey), index, &kept);
}

static void
survey_compared(enum evpop_headers_end end, void *arg)
{
	struct evpop_survey *survey = arg;

	(void)end;
	survey_drop_headers(survey);
	evpop_plan_settle(
	    survey->plan, evpop_survey_listing(survey), &survey->policy);
	survey_planned(survey);
}

static const struct evpop_headers_callbacks comparing_callbacks = {
	.seen = survey_compare_header,
	.done = survey_compared,
	.failed = survey_headers_failed,
};

static void
survey_compare_sizes(struct evpop_survey *survey)
{
	const struct evpop_listing *listing = evpop_survey_listing(survey);
	const uint32_t *indices;
	size_t count;

	evpop_plan_sizes(survey->plan, listing, &survey->policy);
	count = evpop_plan_looks(survey->plan, &indices);
	if (count == 0) {
		survey_planned(survey);
		return;
	}
	survey->headers = evpop_headers_new(survey->client, listing, indices,
	    count, &comparing_callbacks, survey);
	if (survey->headers == NULL) {
		survey_headers_failed(
		    EVPOP_ERROR_MEMORY, "no memory to look at headers", survey);
		return;
	}
	if (survey->pace != SURVEY_GOES_ON ||
	    !evpop_client_can_top(survey->client))
		evpop_headers_stop(survey->headers);
	evpop_headers_start(survey->headers);
}

static void
survey_planned(struct evpop_survey *survey)
{
	survey->step = SURVEY_PLANNED;
	survey->callbacks->planned(survey->plan, survey->arg);
}

void
evpop_survey_size_bodies(struct evpop_survey *survey)
{
	const struct evpop_plan *plan = survey->plan;
	bool is_wanted = false;
	size_t i;

	for (i = 0; i < plan->fetches && !is_wanted; i++)
		is_wanted =
		    plan->actions[plan->order[i]] == EVPOP_ACTION_FETCH_DELETE;
	if (is_wanted && !survey->is_sized)
		survey_list(survey);
}
