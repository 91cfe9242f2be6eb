#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/limits.h"

/* Two numbers and a point. */
#define CURSOR_SIZE 48

static json_t *
plan_counts_json(const struct poller_plan *plan)
{
	json_t *json = json_object();

	field_count(json, "messages", plan->messages);
	field_count(json, "fetch", plan->fetches);
	field_count(json, "delete", plan->deletes);
	field_count(json, "adopt", plan->adopts);
	field_count(json, "too_large", plan->too_large);
	field_count(json, "later", plan->later);
	field_count(json, "wait", plan->waits);
	field_count(json, "seen", plan->seen);
	field_count(json, "held", plan->held);
	field_count(json, "unidentified", plan->unidentified);
	return json;
}

static json_t *
plan_entry_json(const struct poller_plan_entry *entry, const char *subject)
{
	json_t *json = json_object();

	field_count(json, "number", entry->number);
	field_unique_id(json, entry->unique_id, entry->unique_id_length);
	field_count(json, "occurrence", entry->occurrence);
	if (entry->octets > 0)
		field_count(json, "bytes", entry->octets);
	else
		field_value(json, "bytes", json_null());
	field_text(json, "action", entry->action);
	if (entry->waits_until_ms != 0)
		field_time(json, "waits_until", entry->waits_until_ms);
	field_text(json, "subject", subject);
	return json;
}

/* Which entries of which plan are shown. */
struct plan_page {
	int64_t made_ms;
	size_t first, end;
};

/* The page, "next_cursor" where more follow, and subjects where there are. */
static json_t *
plan_json(const struct poller_plan *plan, const char *account,
    const struct plan_page *page, const char *const *subjects)
{
	json_t *json = json_object(), *list = json_array();
	size_t first = page->first, end = page->end;
	char cursor[CURSOR_SIZE];

	field_text(json, "account", account);
	field_time(json, "made_at", plan->made_ms);
	field_value(json, "counts", plan_counts_json(plan));
	field_count(json, "fetch_bytes", plan->fetch_octets);
	for (size_t i = first; i < end; i++)
		(void)json_array_append_new(
		    list, plan_entry_json(&plan->entries[i],
			      subjects != NULL ? subjects[i - first] : NULL));
	field_value(json, "entries", list);
	field_value(json, "cut", json_boolean(plan->cut));
	if (end < plan->entry_count) {
		snprintf(cursor, sizeof(cursor), "%lld.%zu",
		    (long long)plan->made_ms, end);
		field_text(json, "next_cursor", cursor);
	}
	return json;
}

/*
 * A cursor contains the plan's time and a place in it, because another dry run
 * may replace the plan between two pages.  False if it is invalid.
 */
static bool
plan_parse_cursor(const char *text, int64_t *made_ms_r, int64_t *first_r)
{
	const char *point = strchr(text, '.');
	char made[CURSOR_SIZE];

	if (point == NULL || (size_t)(point - text) >= sizeof(made))
		return false;
	snprintf(made, sizeof(made), "%.*s", (int)(point - text), text);
	return number_parse(made, 1, INT64_MAX, made_ms_r) &&
	       number_parse(point + 1, 1, POLLER_PLAN_ENTRIES, first_r);
}

static void
plan_answer_page(struct exchange *exchange, const struct poller_plan *plan,
    const struct plan_page *page, const char *const *subjects)
{
	if (plan == NULL || page->made_ms != plan->made_ms)
		exchange_answer(
		    exchange, response_error(409, "another_plan",
				  "begin again, without a cursor",
				  "another dry run has replaced the plan"));
	else
		exchange_answer(exchange,
		    response_json(200, plan_json(plan, exchange_name(exchange),
					   page, subjects)));
}

/* Without the store's answer, the plan is shown all the same. */
static void
plan_take_subjects(enum store_status status, const char *const *subjects,
    size_t count, void *arg)
{
	struct exchange *exchange = arg;

	(void)count;
	if (!exchange_resume(exchange))
		return;
	plan_answer_page(exchange,
	    poller_plan(
		exchange_context(exchange)->poller, exchange_name(exchange)),
	    exchange_state(exchange), status == STORE_OK ? subjects : NULL);
}

/* What is to be fetched nobody knows yet. */
static void
plan_ask_subjects(struct exchange *exchange, const struct poller_plan *plan,
    const struct plan_page *page)
{
	size_t count = page->end - page->first;
	struct store_known *known = calloc(count + 1, sizeof(*known));
	struct plan_page *state = malloc(sizeof(*state));

	if (known == NULL || state == NULL) {
		free(known);
		free(state);
		exchange_answer(exchange, response_no_memory());
		return;
	}
	*state = *page;
	exchange_set_state(exchange, state, free);
	for (size_t i = 0; i < count; i++) {
		const struct poller_plan_entry *entry =
		    &plan->entries[page->first + i];

		if (strcmp(entry->action, "fetch") != 0)
			known[i] = (struct store_known){ entry->unique_id,
				entry->unique_id_length, entry->occurrence };
	}
	exchange_wait(exchange);
	store_subjects(exchange_context(exchange)->store,
	    exchange_name(exchange), known, count, plan_take_subjects,
	    exchange);
	free(known);
}

static void
plan_begin_page(struct exchange *exchange, const struct poller_plan *plan)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	const char *cursor = parameters_text(parameters, "cursor");
	int64_t first = 0, limit = LIMITS_PAGE_DEFAULT;
	struct plan_page page = { .made_ms = plan->made_ms };
	struct problem problem;

	if (!parameters_number(
		parameters, "limit", 1, STORE_PAGE_MAX, &limit, &problem)) {
		exchange_answer_problem(exchange, &problem);
		return;
	}
	if (cursor != NULL &&
	    !plan_parse_cursor(cursor, &page.made_ms, &first)) {
		problem_set(&problem, "take the next_cursor of the page before",
		    "invalid cursor \"%.64s\"", cursor);
		exchange_answer_problem(exchange, &problem);
		return;
	}
	if ((size_t)first > plan->entry_count)
		page.made_ms = 0; /* it was another one's */
	page.first = (size_t)first;
	page.end = plan->entry_count;
	if (page.made_ms == plan->made_ms &&
	    (size_t)limit < page.end - page.first)
		page.end = page.first + (size_t)limit;
	/* What mail is about is for those who may read it. */
	if (page.made_ms == plan->made_ms &&
	    (exchange_user(exchange)->roles & PEER_READ) != 0)
		plan_ask_subjects(exchange, plan, &page);
	else
		plan_answer_page(exchange, plan, &page, NULL);
}

void
plan_get(struct exchange *exchange)
{
	const struct poller *poller = exchange_context(exchange)->poller;
	const char *name = exchange_name(exchange);
	const struct poller_plan *plan = poller_plan(poller, name);
	struct poller_account_status status;

	if (plan != NULL)
		plan_begin_page(exchange, plan);
	else if (!poller_account_status(poller, name, &status))
		exchange_answer(exchange, response_no_account(name));
	else
		exchange_answer(exchange,
		    response_error(404, "no_plan",
			"\"evpopctl poll --dry-run\" (POST "
			"/v1/accounts/NAME/poll?mode=dry-run) makes one",
			"account \"%.200s\" has had no dry run", name));
}
