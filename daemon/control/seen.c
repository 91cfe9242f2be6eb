#include <evpop/proto.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/store/import.h"
#include "lib/base/clock.h"

/*
 * POST /v1/accounts/NAME/seen: unique-ids, a line each, that another program
 * has fetched.
 */

struct seen_request {
	bool pauses;
	/* They point into the request's body. */
	struct store_seen_id *ids;
	size_t count;
};

static void
seen_free(void *state)
{
	struct seen_request *request = state;

	free(request->ids);
	free(request);
}

/* ---- what was sent ---- */

static bool
seen_take_line(struct seen_request *request, const unsigned char *line,
    size_t length, struct problem *problem_r)
{
	if (length > 0 && line[length - 1] == '\r')
		length--;
	if (length == 0)
		return true;
	/* No server's begins with a space, RFC 1939 section 7. */
	if (length > EVPOP_LIMIT_UNIQUE_ID || line[0] == ' ' ||
	    memchr(line, '\0', length) != NULL) {
		problem_set(problem_r,
		    "at most 255 bytes, of which the first is no space",
		    "line %zu is no unique-id", request->count + 1);
		return false;
	}
	request->ids[request->count++] = (struct store_seen_id){ line, length };
	return true;
}

static bool
seen_take_lines(struct seen_request *request, const unsigned char *bytes,
    size_t length, struct problem *problem_r)
{
	const unsigned char *at = bytes, *end = bytes + length, *line_end;

	while (at < end) {
		line_end = memchr(at, '\n', (size_t)(end - at));
		if (line_end == NULL)
			line_end = end;
		if (!seen_take_line(
			request, at, (size_t)(line_end - at), problem_r))
			return false;
		at = line_end + (line_end < end);
	}
	return true;
}

static size_t
seen_count_lines(const unsigned char *bytes, size_t length)
{
	size_t lines = 1;

	for (size_t i = 0; i < length; i++)
		lines += bytes[i] == '\n';
	return lines;
}

static bool
seen_take_pause(const struct parameters *parameters, bool *pauses_r,
    struct problem *problem_r)
{
	const char *pause = parameters_text(parameters, "pause");

	*pauses_r = pause != NULL && strcmp(pause, "yes") == 0;
	if (pause == NULL || *pauses_r || strcmp(pause, "no") == 0)
		return true;
	problem_set(problem_r, "yes or no", "invalid pause \"%.64s\"", pause);
	return false;
}

/* ---- the account's row ---- */

static void
seen_added(enum store_status status, uint64_t added, void *arg)
{
	struct exchange *exchange = arg;
	const struct seen_request *request;
	json_t *json;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		exchange_answer(exchange, response_store(status, NULL));
		return;
	}
	request = exchange_state(exchange);
	json = json_object();
	field_text(json, "account", exchange_name(exchange));
	field_count(json, "added", added);
	field_count(json, "known", request->count - added);
	exchange_answer(exchange, response_json(200, json));
}

static void
seen_row(
    enum store_status status, const struct store_account *account, void *arg)
{
	struct exchange *exchange = arg;
	const struct seen_request *request;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		exchange_answer(exchange, response_store(status, NULL));
		return;
	}
	request = exchange_state(exchange);
	exchange_wait(exchange);
	store_uids_see(exchange_context(exchange)->store, account->id,
	    request->ids, request->count, seen_added, exchange);
}

/* Its section, where the account is configured. */
static const struct config_account *
seen_section(const struct exchange *exchange)
{
	const struct poller *poller = exchange_context(exchange)->poller;
	struct poller_account_status account;

	return poller != NULL && poller_account_status(
				     poller, exchange_name(exchange), &account)
		   ? account.section
		   : NULL;
}

static void
seen_find_row(struct exchange *exchange)
{
	const struct config_account *section = seen_section(exchange);

	exchange_wait(exchange);
	store_account(exchange_context(exchange)->store,
	    exchange_name(exchange), section != NULL ? section->id : NULL,
	    seen_row, exchange);
}

static void
seen_paused(enum store_status status, void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange_resume(exchange))
		return;
	if (status == STORE_OK)
		seen_find_row(exchange);
	else
		exchange_answer(exchange, response_store(status, NULL));
}

/* Before it is configured nobody but the store has to know. */
static void
seen_pause(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	const char *who = exchange_user(exchange)->name;

	exchange_wait(exchange);
	if (seen_section(exchange) == NULL)
		store_account_pause(context->store, exchange_name(exchange),
		    NULL, evpop_clock_unix_ms(), who, seen_paused, exchange);
	else if (poller_pause(context->poller, exchange_name(exchange), who,
		     seen_paused, exchange) != POLLER_DONE &&
		 exchange_resume(exchange))
		/* It is paused or disabled already. */
		seen_find_row(exchange);
}

void
seen_post(struct exchange *exchange)
{
	struct seen_request *request = calloc(1, sizeof(*request));
	const unsigned char *bytes;
	struct problem problem;
	size_t length = exchange_body(exchange, &bytes);

	if (request != NULL && (length == 0 || bytes != NULL))
		request->ids = calloc(
		    seen_count_lines(bytes, length), sizeof(*request->ids));
	if (request == NULL || request->ids == NULL) {
		free(request);
		exchange_answer(exchange, response_no_memory());
		return;
	}
	exchange_set_state(exchange, request, seen_free);
	if (!seen_take_pause(
		exchange_parameters(exchange), &request->pauses, &problem) ||
	    !seen_take_lines(request, bytes, length, &problem))
		exchange_answer_problem(exchange, &problem);
	else if (request->pauses)
		seen_pause(exchange);
	else if (seen_section(exchange) == NULL)
		exchange_answer(
		    exchange, response_no_account(exchange_name(exchange)));
	else
		seen_find_row(exchange);
}
