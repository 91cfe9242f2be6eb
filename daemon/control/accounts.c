#include <stdlib.h>
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/limits.h"
#include "lib/base/glob.h"

/* Until the account's first poll, the store's memory of a failure holds. */
static int64_t
account_failing_since_ms(const struct poller_account_status *status,
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
	int64_t success_ms = status->last_success_ms;

	field_text(json, "account", status->name);
	field_text(json, "host", status->host);
	field_value(json, "port",
	    status->port != 0 ? json_integer(status->port) : json_null());
	field_text(json, "tls", status->tls);
	field_text(json, "user", status->user);
	field_text(
	    json, "state", poller_shown_state(status->state, status->health));
	field_time(json, "next", status->next_ms);
	field_count(
	    json, "interval_seconds", (uint64_t)status->interval_ms / 1000);
	field_time(json, "paused_since", status->paused_ms);
	field_text(json, "paused_by", status->paused_by);
	field_time(json, "last_started", status->last_started_ms);
	field_time(json, "last_finished", status->last_finished_ms);
	/* The store also knows polls of earlier daemons. */
	if (row != NULL && row->last_success_ms > success_ms)
		success_ms = row->last_success_ms;
	field_time(json, "last_success", success_ms);
	field_time(
	    json, "failing_since", account_failing_since_ms(status, row));
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
		field_count(part, "bytes", (uint64_t)row->octets);
		field_count(part, "quarantined", (uint64_t)row->quarantined);
		field_time(part, "last_error_at", row->last_error_ms);
		field_text(part, "last_error", row->last_error);
	}
	field_value(json, "stored", part != NULL ? part : json_null());
	return json;
}

/* ---- GET /v1/accounts?name=&state= ---- */

/* So many are looked at for a page, which may be short then. */
#define PAGE_LOOKS 5000

struct accounts_filter {
	const char *name;  /* a pattern; NULL: any */
	const char *state; /* NULL: any */
};

/* Accounts from one place in the poller on, which sorts them by name. */
struct accounts_page {
	struct accounts_filter filter;
	size_t first, limit;
};

/* What waits for an answer of the store's: its last account. */
struct accounts_waiting {
	char *last;
};

static bool
accounts_fit(const struct accounts_filter *filter,
    const struct poller_account_status *status)
{
	if (filter->name != NULL && strcmp(filter->name, status->name) != 0 &&
	    !evpop_glob_matches(filter->name, status->name))
		return false;
	if (filter->state == NULL)
		return true;
	/* Also while they are polled once more. */
	if (strcmp(filter->state, "failing") == 0)
		return status->health != POLLER_WELL;
	if (strcmp(filter->state, "paused") == 0)
		return status->is_paused;
	return strcmp(filter->state,
		   poller_shown_state(status->state, status->health)) == 0;
}

static bool
accounts_know_state(const char *state, struct problem *problem_r)
{
	static const char *const states[] = { "failing", "refused", "waiting",
		"queued", "polling", "paused", "disabled" };

	if (state == NULL)
		return true;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(state, states[i]) == 0)
			return true;
	problem_set(problem_r,
	    "known are failing, refused, waiting, queued, polling, paused, "
	    "disabled",
	    "invalid state \"%.64s\"", state);
	return false;
}

size_t
accounts_place_behind(const struct poller *poller, const char *name)
{
	struct poller_account_status status;
	struct poller_status all;
	size_t low = 0, high, middle;

	poller_status(poller, &all);
	for (high = all.accounts; name != NULL && low < high;) {
		middle = low + (high - low) / 2;
		if (poller_account_status_at(poller, middle, &status) &&
		    strcmp(status.name, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
accounts_page(const struct exchange *exchange, struct accounts_page *page_r,
    struct problem *problem_r)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	int64_t limit = LIMITS_PAGE_DEFAULT;

	page_r->filter = (struct accounts_filter){
		.name = parameters_text(parameters, "name"),
		.state = parameters_text(parameters, "state"),
	};
	if (!accounts_know_state(page_r->filter.state, problem_r) ||
	    !parameters_number(
		parameters, "limit", 1, STORE_PAGE_MAX, &limit, problem_r))
		return false;
	page_r->limit = (size_t)limit;
	page_r->first =
	    accounts_place_behind(exchange_context(exchange)->poller,
		parameters_text(parameters, "cursor"));
	return true;
}

/*
 * The place behind the last account of the page, and how many are on it.  An
 * account that begins to fit while the store is asked has to be among those
 * that were looked at.
 */
static size_t
accounts_page_end(const struct poller *poller, const struct accounts_page *page,
    const char *last, size_t *count_r)
{
	struct poller_account_status status;
	size_t at = page->first;

	*count_r = 0;
	while (*count_r < page->limit && at - page->first < PAGE_LOOKS &&
	       poller_account_status_at(poller, at, &status)) {
		if (last != NULL && strcmp(status.name, last) > 0)
			break;
		*count_r += accounts_fit(&page->filter, &status);
		at++;
	}
	return at;
}

/*
 * Rows and accounts are sorted by name.  If the store fails there are no rows,
 * and the accounts are shown without them.
 */
static void
accounts_answer(struct exchange *exchange, const struct store_account_row *rows,
    size_t row_count)
{
	const struct poller *poller = exchange_context(exchange)->poller;
	const struct accounts_waiting *waiting = exchange_state(exchange);
	struct poller_account_status status = { .name = NULL }, next;
	json_t *list = json_array(), *json = json_object();
	struct accounts_page page = { { NULL, NULL }, 0, 0 };
	struct problem problem;
	size_t end, count;

	/* The parameters were checked when the request came. */
	(void)accounts_page(exchange, &page, &problem);
	end = accounts_page_end(
	    poller, &page, waiting != NULL ? waiting->last : NULL, &count);
	for (size_t i = page.first, row = 0; i < end; i++) {
		const struct store_account_row *found = NULL;

		if (!poller_account_status_at(poller, i, &status))
			break;
		while (
		    row < row_count && strcmp(rows[row].name, status.name) < 0)
			row++;
		if (row < row_count && strcmp(rows[row].name, status.name) == 0)
			found = &rows[row];
		if (accounts_fit(&page.filter, &status))
			(void)json_array_append_new(
			    list, account_json(&status, found));
	}
	field_value(json, "accounts", list);
	if (status.name != NULL && poller_account_status_at(poller, end, &next))
		field_text(json, "next_cursor", status.name);
	exchange_answer(exchange, response_json(200, json));
}

static void
accounts_rows(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	struct exchange *exchange = arg;

	if (exchange_resume(exchange))
		accounts_answer(exchange, rows, status == STORE_OK ? count : 0);
}

static void
accounts_waiting_free(void *state)
{
	struct accounts_waiting *waiting = state;

	free(waiting->last);
	free(waiting);
}

/* False without memory. */
static bool
accounts_wait(struct exchange *exchange, const char *last)
{
	struct accounts_waiting *waiting = calloc(1, sizeof(*waiting));

	if (waiting == NULL)
		return false;
	exchange_set_state(exchange, waiting, accounts_waiting_free);
	waiting->last = strdup(last);
	return waiting->last != NULL;
}

void
accounts_list(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	struct poller_account_status first, last;
	struct accounts_page page;
	struct problem problem;
	size_t end, count;

	if (!accounts_page(exchange, &page, &problem)) {
		exchange_answer_problem(exchange, &problem);
		return;
	}
	end = accounts_page_end(context->poller, &page, NULL, &count);
	if (count == 0 ||
	    !poller_account_status_at(context->poller, page.first, &first) ||
	    !poller_account_status_at(context->poller, end - 1, &last)) {
		accounts_answer(exchange, NULL, 0);
		return;
	}
	if (!accounts_wait(exchange, last.name)) {
		exchange_answer(exchange, response_no_memory());
		return;
	}
	exchange_wait(exchange);
	store_accounts(
	    context->store, first.name, last.name, accounts_rows, exchange);
}

/* ---- POST /v1/accounts/NAME/poll?mode=, pause, resume ---- */

static struct response
accounts_action_answer(const struct exchange *exchange,
    enum poller_answer answer, int done_status, const char *already)
{
	const char *name = exchange_name(exchange);
	struct poller_account_status status;
	json_t *json;

	switch (answer) {
	case POLLER_NO_SUCH_ACCOUNT:
		return response_no_account(name);
	case POLLER_ALREADY:
		return response_already("account", name, already);
	case POLLER_IS_DISABLED:
		return response_disabled("account", name);
	case POLLER_DONE:
		break;
	}
	json = json_object();
	field_text(json, "account", name);
	if (poller_account_status(
		exchange_context(exchange)->poller, name, &status)) {
		field_text(json, "state",
		    poller_shown_state(status.state, status.health));
		field_value(json, "paused", json_boolean(status.is_paused));
	}
	return response_json(done_status, json);
}

static bool
accounts_wish(const struct parameters *parameters, enum poller_wish *wish_r,
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
	    "invalid mode \"%.64s\"", mode);
	return false;
}

void
accounts_poll(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	static const char *const deeds[] = {
		[POLLER_WISH_POLL] = "poll account *",
		[POLLER_WISH_DRY_RUN] = "dry-run account *",
		[POLLER_WISH_BASELINE] = "baseline account *",
		[POLLER_WISH_CONFIRM] = "confirm account *",
	};
	const struct store_error *health = store_health(context->store);
	enum poller_answer answer;
	enum poller_wish wish;
	struct problem problem;

	if (!accounts_wish(exchange_parameters(exchange), &wish, &problem)) {
		exchange_answer_problem(exchange, &problem);
		return;
	}
	/* These decide which mail is deleted, or never fetched. */
	if ((wish == POLLER_WISH_CONFIRM || wish == POLLER_WISH_BASELINE) &&
	    (exchange_user(exchange)->roles & PEER_ADMIN) == 0) {
		exchange_answer(
		    exchange, response_not_allowed(PEER_ADMIN,
				  "confirm deletions or count mail as seen"));
		return;
	}
	/* The poll would fetch nothing: do not answer "queued". */
	if (health->status != STORE_OK) {
		exchange_answer(
		    exchange, response_store(health->status, health->text));
		return;
	}
	exchange_set_deed(exchange, deeds[wish]);
	answer =
	    poller_poll_now(context->poller, exchange_name(exchange), wish);
	/* A poll of another mode follows the current one. */
	if (answer == POLLER_ALREADY && wish != POLLER_WISH_POLL)
		answer = POLLER_DONE;
	exchange_answer(exchange,
	    accounts_action_answer(exchange, answer, 202, "already polling"));
}

/* The store has it, or could not take it. */
static void
accounts_paused(enum store_status status, void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange_resume(exchange))
		return;
	if (status == STORE_OK)
		exchange_answer(exchange,
		    accounts_action_answer(exchange, POLLER_DONE, 200, NULL));
	else
		exchange_answer(exchange, response_store(status, NULL));
}

/* Nothing was asked of the store: answer at once. */
static void
accounts_answer_at_once(
    struct exchange *exchange, enum poller_answer answer, const char *already)
{
	if (answer != POLLER_DONE && exchange_resume(exchange))
		exchange_answer(exchange,
		    accounts_action_answer(exchange, answer, 200, already));
}

void
accounts_pause(struct exchange *exchange)
{
	exchange_wait(exchange);
	accounts_answer_at_once(exchange,
	    poller_pause(exchange_context(exchange)->poller,
		exchange_name(exchange), exchange_user(exchange)->name,
		accounts_paused, exchange),
	    "already paused");
}

void
accounts_resume(struct exchange *exchange)
{
	exchange_wait(exchange);
	accounts_answer_at_once(exchange,
	    poller_resume(exchange_context(exchange)->poller,
		exchange_name(exchange), accounts_paused, exchange),
	    "not paused");
}
