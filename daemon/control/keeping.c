#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/mail.h"
#include "daemon/store/keeping.h"
#include "lib/base/clock.h"

/* A line of prose. */
#define REASON_MOST 500

/* The reason; false, after answering, where there is none that will do. */
static bool
keeping_reason(struct exchange *exchange, bool is_needed, const char **reason_r)
{
	const char *reason =
	    parameters_text(exchange_parameters(exchange), "reason");
	struct problem problem;

	*reason_r = reason;
	if (reason == NULL && !is_needed)
		return true;
	if (reason != NULL && reason[strspn(reason, " ")] != '\0' &&
	    strlen(reason) <= REASON_MOST)
		return true;
	problem_set(&problem, "it is kept with the record of who did what",
	    "give a reason, of at most %d bytes", REASON_MOST);
	exchange_answer_problem(exchange, &problem);
	return false;
}

static struct response
keeping_refused(const struct store_kept_answer *answer, bool is_release)
{
	if (answer->kept == STORE_KEPT_LOCKED)
		return response_error(403, "deletion_locked",
		    "messages go when their retain has passed; [store] "
		    "deletion = allowed changes that, which is recorded",
		    "deletion is locked: nobody can delete a message");
	if (answer->kept == STORE_KEPT_HELD)
		return response_error(409, "held",
		    "\"evpopctl release ID\" ends a hold",
		    "the message is held by %.100s: %.300s", answer->hold.who,
		    answer->hold.reason);
	return response_error(409, "already", NULL, "the message is %s",
	    is_release ? "not held" : "held already");
}

/* There is no such account, or no such message. */
static struct response
keeping_not_found(const struct exchange *exchange)
{
	const char *account =
	    parameters_text(exchange_parameters(exchange), "account");

	return account != NULL
		   ? response_no_account(account)
		   : response_no_message(exchange_path_id(exchange));
}

/* True where it was done; else it was answered. */
static bool
keeping_resume(struct exchange *exchange, enum store_status status,
    const struct store_kept_answer *answer, bool is_release)
{
	if (!exchange_resume(exchange))
		return false;
	if (status == STORE_NOT_FOUND)
		exchange_answer(exchange, keeping_not_found(exchange));
	else if (status != STORE_OK)
		exchange_answer(exchange, response_store(status, NULL));
	else if (answer->kept != STORE_KEPT_NOT)
		exchange_answer(exchange, keeping_refused(answer, is_release));
	else
		return true;
	return false;
}

typedef void (*keeping_act)(struct store *, int64_t id, const char *who,
    const char *reason, store_kept_cb, void *arg);

/* Have it done to the message of the path, by the one who asks. */
static void
keeping_ask(struct exchange *exchange, bool needs_reason, keeping_act act,
    store_kept_cb done)
{
	const char *reason;
	int64_t id;

	if (!exchange_id(exchange, &id) ||
	    !keeping_reason(exchange, needs_reason, &reason))
		return;
	exchange_wait(exchange);
	act(exchange_context(exchange)->store, id,
	    exchange_user(exchange)->name, reason, done, exchange);
}

/* ---- POST /v1/messages/ID/hold, release ---- */

static void
hold_done(
    enum store_status status, const struct store_kept_answer *answer, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json;

	if (!keeping_resume(exchange, status, answer, false))
		return;
	json = json_object();
	field_value(json, "id", json_integer(answer->last_id));
	field_value(json, "hold",
	    hold_json(
		answer->hold.since_ms, answer->hold.who, answer->hold.reason));
	exchange_answer(exchange, response_json(200, json));
}

void
message_hold(struct exchange *exchange)
{
	keeping_ask(exchange, true, store_hold, hold_done);
}

static void
release_done(
    enum store_status status, const struct store_kept_answer *answer, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json;

	if (!keeping_resume(exchange, status, answer, true))
		return;
	json = json_object();
	field_value(json, "id", json_integer(answer->last_id));
	field_value(json, "released", json_true());
	exchange_answer(exchange, response_json(200, json));
}

void
message_release(struct exchange *exchange)
{
	keeping_ask(exchange, false, store_release, release_done);
}

/* ---- DELETE /v1/messages/ID ---- */

static void
delete_done(
    enum store_status status, const struct store_kept_answer *answer, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json;

	if (!keeping_resume(exchange, status, answer, false))
		return;
	json = json_object();
	field_count(json, "deleted", answer->deleted);
	exchange_answer(exchange, response_json(200, json));
}

void
message_delete(struct exchange *exchange)
{
	keeping_ask(exchange, true, store_delete, delete_done);
}

/* ---- DELETE /v1/messages?account= ---- */

static void
delete_some_done(
    enum store_status status, const struct store_kept_answer *answer, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json;

	if (!keeping_resume(exchange, status, answer, false))
		return;
	json = json_object();
	field_count(json, "deleted", answer->deleted);
	field_count(json, "held", answer->held);
	field_value(json, "next_after_id",
	    answer->has_more ? json_integer(answer->last_id) : json_null());
	exchange_answer(exchange, response_json(200, json));
}

void
messages_delete(struct exchange *exchange)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	const char *account = parameters_text(parameters, "account"), *reason;
	int64_t after_id = 0, limit = STORE_PAGE_MAX, before_ms = INT64_MAX;
	struct problem problem;

	if (account == NULL) {
		problem_set(&problem, "DELETE /v1/messages/ID deletes one",
		    "say of which account");
		exchange_answer_problem(exchange, &problem);
		return;
	}
	if (!parameters_number(
		parameters, "after_id", 0, INT64_MAX, &after_id, &problem) ||
	    !parameters_number(
		parameters, "limit", 1, STORE_PAGE_MAX, &limit, &problem) ||
	    !parameters_time(parameters, "before", evpop_clock_unix_ms(), NULL,
		&before_ms, &problem)) {
		exchange_answer_problem(exchange, &problem);
		return;
	}
	if (!keeping_reason(exchange, true, &reason))
		return;
	exchange_wait(exchange);
	store_delete_of(exchange_context(exchange)->store,
	    &(struct store_delete_of){
		account, before_ms, after_id, (unsigned)limit },
	    exchange_user(exchange)->name, reason, delete_some_done, exchange);
}

/* ---- GET /v1/store/accounts ---- */

static json_t *
former_json(const struct store_account_row *row)
{
	json_t *json = json_object();

	field_text(json, "account", row->name);
	field_count(json, "messages", (uint64_t)row->messages);
	field_count(json, "bytes", (uint64_t)row->octets);
	field_time(json, "last_success", row->last_success_ms);
	return json;
}

static void
former_rows(enum store_status status, const struct store_account_row *rows,
    size_t count, void *arg)
{
	struct exchange *exchange = arg;
	const struct poller *poller;
	struct poller_account_status account;
	json_t *list, *json;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		exchange_answer(exchange, response_store(status, NULL));
		return;
	}
	poller = exchange_context(exchange)->poller;
	list = json_array();
	for (size_t i = 0; i < count; i++)
		if (rows[i].messages > 0 &&
		    !poller_account_status(poller, rows[i].name, &account))
			(void)json_array_append_new(
			    list, former_json(&rows[i]));
	json = json_object();
	field_value(json, "not_configured", list);
	exchange_answer(exchange, response_json(200, json));
}

/* Accounts that are no longer configured and have mail. */
void
former_list(struct exchange *exchange)
{
	exchange_wait(exchange);
	store_accounts(exchange_context(exchange)->store, "",
	    ACCOUNTS_LAST_NAME, former_rows, exchange);
}
