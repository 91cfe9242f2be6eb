#include "lib/session/comparison.h"

#include <stdlib.h>

#include "lib/session/headers.h"
#include "lib/session/plan.h"

struct evpop_comparison {
	struct evpop_client *client;
	struct evpop_survey *survey;
	const struct evpop_comparison_callbacks *callbacks;
	void *arg;
	struct evpop_policy policy;
	struct evpop_plan *plan;
	struct evpop_headers *headers;
	bool is_matched; /* all that is known was told, or in vain */
	bool is_stopped;
};

struct evpop_comparison *
evpop_comparison_new(struct evpop_client *client, struct evpop_survey *survey,
    const struct evpop_comparison_callbacks *callbacks, void *arg)
{
	struct evpop_comparison *comparison;

	comparison = calloc(1, sizeof *comparison);
	if (comparison == NULL)
		return NULL;
	comparison->client = client;
	comparison->survey = survey;
	comparison->callbacks = callbacks;
	comparison->arg = arg;
	return comparison;
}

void
evpop_comparison_free(struct evpop_comparison *comparison)
{
	if (comparison == NULL)
		return;
	evpop_headers_free(comparison->headers);
	evpop_plan_free(&comparison->plan);
	free(comparison);
}

const struct evpop_plan *
evpop_comparison_plan(const struct evpop_comparison *comparison)
{
	return comparison->plan;
}

void
evpop_comparison_stop(struct evpop_comparison *comparison)
{
	comparison->is_stopped = true;
	evpop_headers_stop(comparison->headers);
}

static const struct evpop_listing *
comparison_listing(const struct evpop_comparison *comparison)
{
	return evpop_survey_listing(comparison->survey);
}

/* ---- by unique-ids ---- */

static void
comparison_tell_gone(const struct evpop_known *known, void *arg)
{
	struct evpop_comparison *comparison = arg;

	comparison->callbacks->gone(known, comparison->arg);
}

static bool
comparison_may_hold(struct evpop_comparison *comparison)
{
	size_t held = evpop_plan_size(comparison_listing(comparison)->count);

	if (comparison->plan != NULL)
		held += evpop_plan_held(comparison->plan);
	return comparison->callbacks->may_hold(held, comparison->arg);
}

static void
comparison_fail(struct evpop_comparison *comparison, enum evpop_error error)
{
	comparison->callbacks->failed(error,
	    error == EVPOP_ERROR_USAGE
		? "what is known does not come in the order of its unique-ids"
		: "no memory for the plan",
	    comparison->arg);
}

static enum evpop_error
comparison_match(struct evpop_comparison *comparison,
    const struct evpop_known *known, size_t count, enum evpop_known_part part,
    const struct evpop_policy *policy, int64_t now_ms)
{
	const struct evpop_listing *listing = comparison_listing(comparison);
	bool is_first = comparison->plan == NULL;
	enum evpop_error error = EVPOP_ERROR_NONE;

	if (is_first)
		error = evpop_plan_begin(&comparison->plan, listing, policy);
	if (error == EVPOP_ERROR_NONE)
		error = (is_first && part == EVPOP_KNOWN_ALL
			     ? evpop_plan_match_all
			     : evpop_plan_match)(comparison->plan, known, count,
		    policy, now_ms, comparison_tell_gone, comparison);
	if (error == EVPOP_ERROR_NONE && part != EVPOP_KNOWN_SOME &&
	    !evpop_plan_make(comparison->plan, listing, policy))
		error = EVPOP_ERROR_MEMORY;
	return error;
}

void
evpop_comparison_known(struct evpop_comparison *comparison,
    const struct evpop_known *known, size_t count, enum evpop_known_part part,
    const struct evpop_policy *policy, int64_t now_ms)
{
	enum evpop_error error;

	if (comparison->is_matched || !comparison_may_hold(comparison))
		return;
	error =
	    comparison_match(comparison, known, count, part, policy, now_ms);
	comparison->is_matched =
	    part != EVPOP_KNOWN_SOME || error != EVPOP_ERROR_NONE;
	if (error != EVPOP_ERROR_NONE)
		comparison_fail(comparison, error);
	else if (comparison_may_hold(comparison) && comparison->is_matched)
		comparison->callbacks->matched(comparison->arg);
}

/* ---- by sizes and headers ---- */

static void
comparison_header(uint32_t index, const struct evpop_header *header, void *arg)
{
	struct evpop_comparison *comparison = arg;

	evpop_plan_header(
	    comparison->plan, comparison_listing(comparison), index, header);
}

static void
comparison_headers_done(enum evpop_headers_end end, void *arg)
{
	struct evpop_comparison *comparison = arg;

	(void)end;
	evpop_headers_free(comparison->headers);
	comparison->headers = NULL;
	evpop_plan_settle(comparison->plan, comparison_listing(comparison),
	    &comparison->policy);
	comparison->callbacks->planned(comparison->arg);
}

static void
comparison_headers_failed(enum evpop_error error, const char *why, void *arg)
{
	struct evpop_comparison *comparison = arg;

	comparison->callbacks->failed(error, why, comparison->arg);
}

static const struct evpop_headers_callbacks headers_callbacks = {
	.seen = comparison_header,
	.done = comparison_headers_done,
	.failed = comparison_headers_failed,
};

void
evpop_comparison_sized(struct evpop_comparison *comparison)
{
	const struct evpop_listing *listing = comparison_listing(comparison);
	const uint32_t *indices;
	size_t count;

	evpop_plan_sizes(comparison->plan, listing, &comparison->policy);
	count = evpop_plan_looks(comparison->plan, &indices);
	if (count == 0) {
		comparison->callbacks->planned(comparison->arg);
		return;
	}
	comparison->headers = evpop_headers_new(comparison->client, listing,
	    indices, count, &headers_callbacks, comparison);
	if (comparison->headers == NULL) {
		comparison_headers_failed(EVPOP_ERROR_MEMORY,
		    "no memory to look at headers", comparison);
		return;
	}
	if (comparison->is_stopped || !evpop_client_can_top(comparison->client))
		evpop_headers_stop(comparison->headers);
	evpop_headers_start(comparison->headers);
}

void
evpop_comparison_settle(
    struct evpop_comparison *comparison, const struct evpop_policy *policy)
{
	comparison->policy = *policy;
	if (evpop_plan_wants_sizes(comparison->plan, policy))
		evpop_survey_sizes(comparison->survey);
	else
		comparison->callbacks->planned(comparison->arg);
}
