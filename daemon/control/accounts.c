#include "daemon/control/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/control/exchange.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/page.h"

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Before its first poll, what the store remembers is not over. */
static int64_t
failing_since_ms(const struct poller_account_status *status,
    const struct store_account_row *row)
{
	if (status->last_finished_ms == 0 && row != NULL)
		return row->failing_since_ms;
	return status->failing_since_ms;
}

json_t *
account_json(const struct poller_account_status *status,
    const struct store_account_row *row)
{
	json_t *json = json_object(), *session = json_object(), *part = NULL;

	field_text(json, "name", status->name);
	field_text(json, "host", status->host);
	field_text(json, "user", status->user);
	field_text(
	    json, "state", poller_shown_state(status->state, status->health));
	field_time(json, "next", status->next_ms);
	field_count(
	    json, "interval_seconds", (uint64_t)status->interval_ms / 1000);
	field_time(json, "last_started", status->last_started_ms);
	field_time(json, "last_finished", status->last_finished_ms);
	/* The store remembers polls from before this daemon's start. */
	field_time(json, "last_success",
	    later(status->last_success_ms,
		row != NULL ? row->last_success_ms : 0));
	field_time(json, "failing_since", failing_since_ms(status, row));
	field_text(json, "last_outcome", status->last_outcome);
	field_text(json, "last_text", status->last_text);
	field_count(json, "failures", status->failures);
	field_text(json, "identity", status->identity);
	field_text(json, "resembles", status->former_id);
	field_text(json, "moved", status->moved);
	field_tally(session, &status->tally, TALLY_COUNT);
	field_value(json, "session", session);
	if (row != NULL) {
		part = json_object();
		field_count(part, "messages", (uint64_t)row->messages);
		field_count(part, "octets", (uint64_t)row->octets);
		field_count(part, "quarantined", (uint64_t)row->quarantined);
		field_time(part, "last_error_at", row->last_error_ms);
		field_text(part, "last_error", row->last_error);
	}
	field_value(json, "stored", part != NULL ? part : json_null());
	return json;
}

/* ---- GET /v1/accounts ---- */

struct list_state {
	unsigned limit;
};

/* Where the names after `cursor` begin. */
static size_t
first_after(const struct poller *poller, size_t count, const char *cursor)
{
	size_t low = 0, high = count;

	while (cursor != NULL && low < high) {
		size_t middle = low + (high - low) / 2;
		struct poller_account_status status;

		if (poller_account_status_at(poller, middle, &status) &&
		    strcmp(status.name, cursor) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct listed {
	struct poller_account_status status;
	const struct store_account_row *row;
};

static int
compare_name(const void *name, const void *element)
{
	return strcmp(name, ((const struct listed *)element)->status.name);
}

/* Give each listed account the row of its name. */
static void
join_rows(struct listed *listed, size_t count,
    const struct store_account_row *rows, size_t row_count)
{
	for (size_t i = 0; i < row_count; i++) {
		struct listed *found = bsearch(
		    rows[i].name, listed, count, sizeof(*listed), compare_name);

		if (found != NULL)
			found->row = &rows[i];
	}
}

static struct answer
list_answer(const struct exchange *exchange,
    const struct store_account_row *rows, size_t row_count)
{
	const struct poller *poller = exchange_context(exchange)->poller;
	const struct list_state *state = exchange_state(exchange);
	const char *cursor =
	    parameters_text(exchange_parameters(exchange), "cursor");
	struct poller_status all;
	struct listed *listed;
	size_t first, count = 0;
	json_t *list = json_array(), *json = json_object();

	poller_status(poller, &all);
	first = first_after(poller, all.accounts, cursor);
	listed = calloc(state->limit, sizeof(*listed));
	if (listed == NULL) {
		json_decref(list);
		json_decref(json);
		return answer_error(
		    503, "out_of_memory", NULL, "out of memory");
	}
	while (
	    count < state->limit && poller_account_status_at(poller,
					first + count, &listed[count].status))
		count++;
	join_rows(listed, count, rows, row_count);
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(
		    list, account_json(&listed[i].status, listed[i].row));
	field_value(json, "accounts", list);
	if (count > 0 && first + count < all.accounts)
		field_text(json, "next_cursor", listed[count - 1].status.name);
	free(listed);
	return answer_json(200, json);
}

/* The names that a page begins and ends with; false: there is no account. */
static bool
page_names(const struct exchange *exchange, unsigned limit,
    const char **first_r, const char **last_r)
{
	const struct poller *poller = exchange_context(exchange)->poller;
	const char *cursor =
	    parameters_text(exchange_parameters(exchange), "cursor");
	struct poller_account_status first, last;
	struct poller_status all;
	size_t at, end;

	poller_status(poller, &all);
	at = first_after(poller, all.accounts, cursor);
	end = all.accounts - at > limit ? at + limit : all.accounts;
	if (at == end || !poller_account_status_at(poller, at, &first) ||
	    !poller_account_status_at(poller, end - 1, &last))
		return false;
	*first_r = first.name;
	*last_r = last.name;
	return true;
}

/*
 * A store in trouble does not hide the accounts: that is when somebody wants
 * to see them.
 */
static void
list_rows_came(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	struct exchange *exchange = arg;

	if (exchange_resume(exchange))
		exchange_answer(exchange, list_answer(exchange, rows,
					      status == STORE_OK ? count : 0));
}

void
accounts_list(struct exchange *exchange)
{
	struct list_state *state = calloc(1, sizeof(*state));
	const char *first, *last;
	struct problem problem;

	if (state == NULL) {
		exchange_answer(exchange,
		    answer_error(503, "out_of_memory", NULL, "out of memory"));
		return;
	}
	exchange_set_state(exchange, state, free);
	if (!page_limit(
		exchange_parameters(exchange), &state->limit, &problem)) {
		exchange_answer(exchange, answer_problem(&problem));
		return;
	}
	if (!page_names(exchange, state->limit, &first, &last)) {
		exchange_answer(exchange, list_answer(exchange, NULL, 0));
		return;
	}
	exchange_wait(exchange);
	store_accounts(exchange_context(exchange)->store, first, last,
	    list_rows_came, exchange);
}

/* ---- GET /v1/accounts/NAME ---- */

/* What is told of one account only: what to do where it fails. */
static json_t *
account_with_advice(const struct poller *poller,
    const struct poller_account_status *account,
    const struct store_account_row *row)
{
	json_t *json = account_json(account, row);
	char advice[POLLER_ADVICE_SIZE];

	field_text(json, "advice",
	    poller_account_advice(poller, account->name, advice) ? advice
								 : NULL);
	return json;
}

static void
account_rows_came(enum store_status status,
    const struct store_account_row *rows, size_t count, void *arg)
{
	struct exchange *exchange = arg;
	const struct store_account_row *row =
	    status == STORE_OK && count > 0 ? rows : NULL;
	struct poller_account_status account;
	const struct poller *poller;
	const char *name;

	if (!exchange_resume(exchange))
		return;
	poller = exchange_context(exchange)->poller;
	name = exchange_name(exchange);
	exchange_answer(exchange,
	    poller_account_status(poller, name, &account)
		? answer_json(200, account_with_advice(poller, &account, row))
		: answer_no_account(name));
}

void
accounts_get(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	struct poller_account_status account;

	if (!poller_account_status(
		context->poller, exchange_name(exchange), &account)) {
		exchange_answer(
		    exchange, answer_no_account(exchange_name(exchange)));
		return;
	}
	exchange_wait(exchange);
	store_accounts(context->store, account.name, account.name,
	    account_rows_came, exchange);
}

/* ---- POST /v1/accounts/NAME/poll?mode=, pause, resume ---- */

static struct answer
action_answer(const struct exchange *exchange, enum poller_answer answer,
    int done_status, const char *already)
{
	const char *name = exchange_name(exchange);
	struct poller_account_status status;
	json_t *json;

	switch (answer) {
	case POLLER_NO_SUCH_ACCOUNT:
		return answer_no_account(name);
	case POLLER_ALREADY:
		return answer_error(409, "already", NULL,
		    "account \"%.200s\" is %s already", name, already);
	case POLLER_IS_DISABLED:
		return answer_error(409, "disabled",
		    "set enabled = yes in its section and reload",
		    "account \"%.200s\" is disabled", name);
	case POLLER_DONE:
		break;
	}
	json = json_object();
	field_text(json, "account", name);
	if (poller_account_status(
		exchange_context(exchange)->poller, name, &status))
		field_text(json, "state",
		    poller_shown_state(status.state, status.health));
	return answer_json(done_status, json);
}

/* What "mode" may say; the first is meant where it is not given. */
static bool
wish_of(const struct parameters *parameters, enum poller_wish *wish_r,
    struct problem *problem_r)
{
	static const char *const modes[] = { "poll", "dry-run", "baseline",
		"confirm" };
	const char *mode = parameters_text(parameters, "mode");

	_Static_assert(sizeof(modes) / sizeof(modes[0]) == POLLER_WISH_COUNT,
	    "a mode for each wish");
	*wish_r = POLLER_WISH_POLL;
	if (mode == NULL)
		return true;
	for (int i = 0; i < POLLER_WISH_COUNT; i++) {
		if (strcmp(mode, modes[i]) != 0)
			continue;
		*wish_r = (enum poller_wish)i;
		return true;
	}
	problem_set(problem_r, "known are poll, dry-run, baseline, confirm",
	    "bad value \"%.64s\" of \"mode\"", mode);
	return false;
}

void
accounts_poll(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	const struct store_error *health = store_health(context->store);
	enum poller_answer answer;
	enum poller_wish wish;
	struct problem problem;

	if (!wish_of(exchange_parameters(exchange), &wish, &problem)) {
		exchange_answer(exchange, answer_problem(&problem));
		return;
	}
	/* Polls do not fetch then: saying "queued" would promise too much. */
	if (health->status != STORE_OK) {
		exchange_answer(
		    exchange, answer_store(health->status, health->text));
		return;
	}
	answer =
	    poller_poll_now(context->poller, exchange_name(exchange), wish);
	/* What a poll under way was not asked for comes after it. */
	if (answer == POLLER_ALREADY && wish != POLLER_WISH_POLL)
		answer = POLLER_DONE;
	exchange_answer(
	    exchange, action_answer(exchange, answer, 202, "polling"));
}

void
accounts_pause(struct exchange *exchange)
{
	exchange_answer(
	    exchange, action_answer(exchange,
			  poller_pause(exchange_context(exchange)->poller,
			      exchange_name(exchange)),
			  200, "paused"));
}

void
accounts_resume(struct exchange *exchange)
{
	exchange_answer(
	    exchange, action_answer(exchange,
			  poller_resume(exchange_context(exchange)->poller,
			      exchange_name(exchange)),
			  200, "running"));
}
