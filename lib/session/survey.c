#include "lib/session/survey.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/hex.h"
#include "lib/session/headers.h"
#include "lib/session/listing.h"

#define NAME_FORMAT EVPOP_LISTING_TOP_NAME "%s-%llu"
#define NAME_SIZE \
	(sizeof EVPOP_LISTING_TOP_NAME "-" + 2 * EVPOP_HEADER_DIGEST_SIZE + 20)

struct evpop_survey {
	struct evpop_client *client;
	const struct evpop_survey_callbacks *callbacks;
	void *arg;
	struct evpop_listing_builder listing;
	bool is_flight, wants_names;
	bool is_stopped;
	bool is_listed;
	bool is_sized;      /* or LIST is under way */
	uint32_t *nameless; /* indices, while they get their names */
	struct evpop_headers *headers;
};

struct evpop_survey *
evpop_survey_new(struct evpop_client *client,
    const struct evpop_survey_callbacks *callbacks, void *arg)
{
	struct evpop_survey *survey;

	survey = calloc(1, sizeof *survey);
	if (survey == NULL)
		return NULL;
	survey->client = client;
	survey->callbacks = callbacks;
	survey->arg = arg;
	return survey;
}

static void
survey_drop_names(struct evpop_survey *survey)
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
	survey_drop_names(survey);
	evpop_listing_clear(&survey->listing);
	free(survey);
}

void
evpop_survey_stop_naming(struct evpop_survey *survey)
{
	survey->wants_names = false;
	evpop_headers_stop(survey->headers);
}

void
evpop_survey_stop(struct evpop_survey *survey)
{
	survey->is_stopped = true;
	evpop_survey_stop_naming(survey);
}

const struct evpop_listing *
evpop_survey_listing(struct evpop_survey *survey)
{
	return &survey->listing.listing;
}

size_t
evpop_survey_held(const struct evpop_survey *survey)
{
	return evpop_listing_held(&survey->listing);
}

static void
survey_fail(struct evpop_survey *survey, enum evpop_error error)
{
	survey->callbacks->failed(
	    error, "no memory for the server's listing", survey->arg);
}

static void
survey_listed(struct evpop_survey *survey)
{
	survey->is_listed = true;
	survey->callbacks->listed(survey->arg);
}

/* ---- names, for what has no unique-id ---- */

static bool
survey_can_name(struct evpop_survey *survey)
{
	const struct evpop_capabilities *capabilities =
	    evpop_client_capabilities(survey->client);
	const struct evpop_listing *listing = evpop_survey_listing(survey);

	if (!survey->wants_names || survey->is_flight)
		return false;
	/* Such messages may be known by ids that could not be read. */
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
	int length;

	/* What servers add to the message must not give it another name. */
	evpop_hex_encode(header->digest, EVPOP_HEADER_DIGEST_SIZE, hex);
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

	survey_drop_names(survey);
	if (evpop_listing_names_done(&survey->listing,
		end == EVPOP_HEADERS_REFUSED) == EVPOP_ERROR_NONE)
		survey_listed(survey);
	else
		survey_fail(survey, EVPOP_ERROR_MEMORY);
}

static void
survey_headers_failed(enum evpop_error error, const char *why, void *arg)
{
	struct evpop_survey *survey = arg;

	survey->callbacks->failed(error, why, survey->arg);
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

/* ---- UIDL and LIST ---- */

static void
survey_note_line(struct evpop_survey *survey, bool has_memory)
{
	if (has_memory)
		survey->callbacks->grown(survey->arg);
	else
		survey_fail(survey, EVPOP_ERROR_MEMORY);
}

static void
survey_id(
    struct evpop_client *client, const struct evpop_listed *listed, void *arg)
{
	struct evpop_survey *survey = arg;

	(void)client;
	if (!survey->is_stopped)
		survey_note_line(
		    survey, evpop_listing_add_id(&survey->listing, listed));
}

static void
survey_size(
    struct evpop_client *client, const struct evpop_listed *listed, void *arg)
{
	struct evpop_survey *survey = arg;

	(void)client;
	if (!survey->is_stopped)
		survey_note_line(
		    survey, evpop_listing_add_size(&survey->listing, listed));
}

/* Whatever ends the session is told by its end. */
static void
survey_list_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_survey *survey = arg;
	bool is_refused = reply->result.error == EVPOP_ERROR_REFUSED;

	(void)client;
	if (survey->is_stopped)
		return;
	if (reply->result.error == EVPOP_ERROR_NONE) {
		evpop_listing_note_ignored(
		    &survey->listing, reply->ignored, reply->ignored_line);
		evpop_listing_sizes_done(&survey->listing);
	} else if (!is_refused)
		return;
	/* Once there is a listing, sizes are only hints. */
	if (survey->is_listed)
		survey->callbacks->sized(survey->arg);
	else if (is_refused)
		survey->callbacks->refused(&reply->result, survey->arg);
	else
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

void
evpop_survey_sizes(struct evpop_survey *survey)
{
	if (evpop_survey_listing(survey)->unique_ids)
		survey_list(survey);
	else
		survey->callbacks->sized(survey->arg);
}

void
evpop_survey_sizes_for(
    struct evpop_survey *survey, const struct evpop_plan *plan)
{
	bool is_wanted = false;
	size_t i;

	for (i = 0; i < plan->fetches && !is_wanted; i++)
		is_wanted =
		    plan->actions[plan->order[i]] == EVPOP_ACTION_FETCH_DELETE;
	if (is_wanted && !survey->is_sized)
		survey_list(survey);
}

static void
survey_uidl_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_survey *survey = arg;

	(void)client;
	/* It went out with a log-in that was refused, for example. */
	if (survey->is_stopped)
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

enum evpop_error
evpop_survey_start(
    struct evpop_survey *survey, bool is_flight, bool wants_names)
{
	survey->is_flight = is_flight;
	survey->wants_names = wants_names;
	return evpop_client_uidl(
	    survey->client, 0, survey_id, survey_uidl_done, survey);
}
