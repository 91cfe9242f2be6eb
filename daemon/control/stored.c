/*
 * Accounts as the store alone knows them, where no daemon runs: their mail, and
 * how their last polls ended.
 */
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/limits.h"
#include "lib/base/glob.h"

static json_t *
stored_json(const struct store_account_row *row)
{
	const struct poller_account_status status = {
		.name = row->name,
		.failing_since_ms = row->failing_since_ms,
	};
	json_t *json = account_json(&status, row);

	/* Nothing is waiting to be polled. */
	field_text(
	    json, "state", row->failing_since_ms != 0 ? "failing" : NULL);
	return json;
}

/* Of all states the store knows one. */
static bool
stored_fits(
    const struct parameters *parameters, const struct store_account_row *row)
{
	const char *name = parameters_text(parameters, "name");
	const char *state = parameters_text(parameters, "state");

	return (name == NULL || strcmp(name, row->name) == 0 ||
		   evpop_glob_matches(name, row->name)) &&
	       (state == NULL || (strcmp(state, "failing") == 0 &&
				     row->failing_since_ms != 0));
}

static void
stored_rows(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	struct exchange *exchange = arg;
	const char *cursor;
	json_t *list, *json;
	int64_t limit = LIMITS_PAGE_DEFAULT;
	struct problem problem;
	size_t shown = 0;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		exchange_answer(exchange, response_store(status, NULL));
		return;
	}
	/* The parameters were checked when the request came. */
	if (!parameters_number(exchange_parameters(exchange), "limit", 1,
		STORE_PAGE_MAX, &limit, &problem))
		limit = LIMITS_PAGE_DEFAULT;
	cursor = parameters_text(exchange_parameters(exchange), "cursor");
	if (count > 0 && cursor != NULL && strcmp(rows[0].name, cursor) == 0) {
		rows++;
		count--;
	}
	list = json_array();
	json = json_object();
	for (; count > 0 && shown < (size_t)limit; rows++, count--) {
		if (!stored_fits(exchange_parameters(exchange), rows))
			continue;
		(void)json_array_append_new(list, stored_json(rows));
		shown++;
	}
	field_value(json, "accounts", list);
	if (count > 0)
		field_text(json, "next_cursor", rows[-1].name);
	exchange_answer(exchange, response_json(200, json));
}

void
stored_accounts_list(struct exchange *exchange)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	const char *cursor = parameters_text(parameters, "cursor");
	struct problem problem;
	int64_t limit;

	if (!parameters_number(
		parameters, "limit", 1, STORE_PAGE_MAX, &limit, &problem)) {
		exchange_answer_problem(exchange, &problem);
		return;
	}
	exchange_wait(exchange);
	store_accounts(exchange_context(exchange)->store,
	    cursor != NULL ? cursor : "", ACCOUNTS_LAST_NAME, stored_rows,
	    exchange);
}

static void
stored_row(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK)
		exchange_answer(exchange, response_store(status, NULL));
	else if (count == 0)
		exchange_answer(
		    exchange, response_no_account(exchange_name(exchange)));
	else
		exchange_answer(
		    exchange, response_json(200, stored_json(&rows[0])));
}

void
stored_accounts_get(struct exchange *exchange)
{
	const char *name = exchange_name(exchange);

	exchange_wait(exchange);
	store_accounts(exchange_context(exchange)->store, name, name,
	    stored_row, exchange);
}
