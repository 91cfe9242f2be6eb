#include "lib/session/doubt.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "lib/session/plan.h"
#include "lib/session/same.h"

/* Some servers list an empty message with 1 octet, or with a line end. */
#define LISTED_AS_EMPTY 2

/* A body that waits, and what is known of its message. */
struct doubt_case {
	LIST_ENTRY(doubt_case) link;
	struct evpop_doubt *doubt;
	struct evpop_doubt_body body;
	uint64_t listed;
	uint64_t top_octets;
	bool has_header; /* by TOP */
};

struct evpop_doubt {
	struct evpop_client *client;
	const struct evpop_listing *listing;
	const struct evpop_plan *plan;
	evpop_doubt_cb judged;
	void *arg;
	LIST_HEAD(, doubt_case) cases;
	size_t waiting;
};

struct evpop_doubt *
evpop_doubt_new(struct evpop_client *client,
    const struct evpop_listing *listing, const struct evpop_plan *plan,
    evpop_doubt_cb judged, void *arg)
{
	struct evpop_doubt *doubt;

	doubt = calloc(1, sizeof *doubt);
	if (doubt == NULL)
		return NULL;
	doubt->client = client;
	doubt->listing = listing;
	doubt->plan = plan;
	doubt->judged = judged;
	doubt->arg = arg;
	LIST_INIT(&doubt->cases);
	return doubt;
}

static struct doubt_case *
doubt_open_case(struct evpop_doubt *doubt, const struct evpop_doubt_body *body)
{
	struct doubt_case *one = calloc(1, sizeof *one);

	if (one == NULL)
		return NULL;
	one->doubt = doubt;
	one->body = *body;
	doubt->waiting++;
	LIST_INSERT_HEAD(&doubt->cases, one, link);
	return one;
}

static void
doubt_close_case(struct doubt_case *one)
{
	one->doubt->waiting--;
	LIST_REMOVE(one, link);
	free(one);
}

void
evpop_doubt_free(struct evpop_doubt *doubt)
{
	if (doubt == NULL)
		return;
	while (!LIST_EMPTY(&doubt->cases))
		doubt_close_case(LIST_FIRST(&doubt->cases));
	free(doubt);
}

size_t
evpop_doubt_waiting(const struct evpop_doubt *doubt)
{
	return doubt->waiting;
}

/* ---- verdicts ---- */

static void
doubt_believe(struct evpop_doubt *doubt, const struct evpop_doubt_body *body)
{
	static const struct evpop_result whole = { .error = EVPOP_ERROR_NONE };

	doubt->judged(body, &whole, doubt->arg);
}

static uint32_t
doubt_number(
    const struct evpop_doubt *doubt, const struct evpop_doubt_body *body)
{
	return doubt->listing->entries[body->index].number;
}

static void
doubt_refuse(struct evpop_doubt *doubt, const struct evpop_doubt_body *body,
    const char *instead)
{
	struct evpop_result result;
	char came[64];

	if (body->is_empty)
		snprintf(came, sizeof came, "empty");
	else
		snprintf(came, sizeof came, "with %llu bytes",
		    (unsigned long long)body->octets);
	evpop_result_set(&result, EVPOP_ERROR_INCOMPLETE, EVPOP_PHASE_BODY,
	    "message %lu came %s, but the server %s",
	    (unsigned long)doubt_number(doubt, body), came, instead);
	result.scope = EVPOP_SCOPE_MESSAGE;
	doubt->judged(body, &result, doubt->arg);
}

static void
doubt_judge_size(struct evpop_doubt *doubt, const struct evpop_doubt_body *body,
    uint64_t listed)
{
	bool is_less = body->is_empty
			   ? body->octets < listed
			   : evpop_same_is_short(body->octets, listed);
	char instead[64];

	if (!is_less) {
		doubt_believe(doubt, body);
		return;
	}
	snprintf(instead, sizeof instead, "says that it has %llu",
	    (unsigned long long)listed);
	doubt_refuse(doubt, body, instead);
}

/* ---- what is asked ---- */

/* The session has ended, and no answer comes. */
static void
doubt_give_up(struct evpop_doubt *doubt, const struct evpop_doubt_body *body,
    const struct evpop_result *end)
{
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_CANCELLED, EVPOP_PHASE_BODY,
	    "the session ended before the server had told the size of message "
	    "%lu: %s",
	    (unsigned long)doubt_number(doubt, body), end->text);
	doubt->judged(body, &result, doubt->arg);
}

/* The case is NULL where there was no memory for it. */
static void
doubt_fail_to_ask(struct evpop_doubt *doubt, struct doubt_case *one,
    const struct evpop_doubt_body *body)
{
	struct evpop_result result;

	if (one != NULL)
		doubt_close_case(one);
	evpop_result_set(&result, EVPOP_ERROR_CANCELLED, EVPOP_PHASE_BODY,
	    "the server cannot be asked");
	doubt_give_up(doubt, body, &result);
}

static bool
doubt_is_answer(const struct evpop_result *result)
{
	return result->error == EVPOP_ERROR_NONE ||
	       result->error == EVPOP_ERROR_REFUSED;
}

static enum evpop_flow
doubt_top_data(struct evpop_client *client, const unsigned char *bytes,
    size_t length, void *arg)
{
	struct doubt_case *one = arg;
	size_t i;

	(void)client;
	one->top_octets += length;
	for (i = 0; i < length && !one->has_header; i++)
		one->has_header = bytes[i] != '\r' && bytes[i] != '\n';
	return EVPOP_FLOW_CONTINUE;
}

static void
doubt_top_end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct doubt_case *one = arg, asked = *one;

	(void)client;
	(void)number;
	doubt_close_case(one);
	if (!doubt_is_answer(result))
		doubt_give_up(asked.doubt, &asked.body, result);
	else if (asked.has_header)
		doubt_refuse(asked.doubt, &asked.body, "shows its header");
	else if (asked.listed > asked.body.octets &&
		 asked.top_octets > asked.body.octets)
		doubt_refuse(asked.doubt, &asked.body, "has an empty line");
	else
		doubt_believe(asked.doubt, &asked.body);
}

static const struct evpop_sink doubt_top_sink = {
	.data = doubt_top_data,
	.end = doubt_top_end,
};

static bool
doubt_can_top(const struct evpop_doubt *doubt)
{
	const struct evpop_capabilities *capabilities =
	    evpop_client_capabilities(doubt->client);

	return (!capabilities->known || capabilities->top) &&
	       evpop_client_can_top(doubt->client);
}

static void
doubt_ask_top(struct evpop_doubt *doubt, const struct evpop_doubt_body *body,
    uint64_t listed)
{
	struct doubt_case *one = doubt_open_case(doubt, body);
	enum evpop_error error = EVPOP_ERROR_MEMORY;

	if (one != NULL) {
		one->listed = listed;
		error = evpop_client_top(doubt->client,
		    doubt_number(doubt, body), 0, &doubt_top_sink, one);
	}
	if (error != EVPOP_ERROR_NONE)
		doubt_fail_to_ask(doubt, one, body);
}

static void
doubt_judge_listed(struct evpop_doubt *doubt,
    const struct evpop_doubt_body *body, uint64_t listed)
{
	if (listed > (body->is_empty ? LISTED_AS_EMPTY : 0))
		doubt_judge_size(doubt, body, listed);
	else if (body->is_empty && doubt_can_top(doubt))
		doubt_ask_top(doubt, body, listed);
	else
		doubt_believe(doubt, body);
}

static void
doubt_sized(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct doubt_case *one = arg, asked = *one;
	bool is_told =
	    reply->result.error == EVPOP_ERROR_NONE && reply->octets > 0;

	(void)client;
	doubt_close_case(one);
	if (is_told)
		asked.doubt->listing->entries[asked.body.index].octets =
		    reply->octets;
	if (doubt_is_answer(&reply->result))
		doubt_judge_listed(asked.doubt, &asked.body,
		    is_told ? reply->octets : asked.body.claimed);
	else
		doubt_give_up(asked.doubt, &asked.body, &reply->result);
}

static void
doubt_ask_size(struct evpop_doubt *doubt, const struct evpop_doubt_body *body)
{
	struct doubt_case *one = doubt_open_case(doubt, body);
	enum evpop_error error = EVPOP_ERROR_MEMORY;

	if (one != NULL)
		error = evpop_client_list(doubt->client,
		    doubt_number(doubt, body), NULL, doubt_sized, one);
	if (error != EVPOP_ERROR_NONE)
		doubt_fail_to_ask(doubt, one, body);
}

/* ---- bodies ---- */

void
evpop_doubt_take(
    struct evpop_doubt_body *body, const unsigned char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length && body->is_empty; i++)
		body->is_empty = bytes[i] == '\r' || bytes[i] == '\n';
	body->octets += length;
}

bool
evpop_doubt_suspects(const struct evpop_doubt_body *body)
{
	return body->is_empty ||
	       evpop_same_is_short(body->octets, body->claimed);
}

void
evpop_doubt_judge(
    struct evpop_doubt *doubt, const struct evpop_doubt_body *body)
{
	uint64_t listed = doubt->listing->entries[body->index].octets;

	if (!body->is_empty &&
	    evpop_plan_believes(doubt->plan, body->index, body->octets))
		doubt_believe(doubt, body);
	/* The reply to RETR may tell a size, too, but not a better one. */
	else if (listed != 0)
		doubt_judge_listed(doubt, body, listed);
	else if (evpop_doubt_suspects(body))
		doubt_ask_size(doubt, body);
	else
		doubt_believe(doubt, body);
}
