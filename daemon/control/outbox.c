#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/deliver/deliver.h"
#include "daemon/store/outbox.h"

static const char *const outbox_states[] = {
	[STORE_OUTBOX_WAITING] = "waiting",
	[STORE_OUTBOX_DELIVERED] = "delivered",
	[STORE_OUTBOX_REFUSED] = "refused",
	[STORE_OUTBOX_DROPPED] = "dropped",
};
#define OUTBOX_STATES ((int)(sizeof(outbox_states) / sizeof(outbox_states[0])))

/* What says nothing is null. */
static void
outbox_add_words(json_t *json, const char *name, const char *words)
{
	field_text(json, name, words != NULL && *words != '\0' ? words : NULL);
}

/* Who wrote it about what is mail: for those who may read it. */
static json_t *
outbox_json(
    const struct exchange_user *user, const struct store_outbox_row *row)
{
	json_t *json = json_object();

	field_value(json, "id", json_integer(row->id));
	field_value(json, "message", json_integer(row->message_id));
	field_text(json, "account", row->account);
	field_text(json, "target", row->target);
	field_text(json, "state", outbox_states[row->state]);
	field_count(json, "attempts", row->attempts);
	field_time(json, "queued_at", row->queued_ms);
	field_time(
	    json, "next", row->state == STORE_OUTBOX_WAITING ? row->due_ms : 0);
	field_time(json, "tried_at", row->tried_ms);
	field_time(json, "settled_at", row->settled_ms);
	field_value(json, "may_be_there", json_boolean(row->may_be_there));
	field_count(json, "bytes", row->octets);
	if ((user->roles & PEER_READ) != 0) {
		field_text(json, "sender", row->sender);
		field_text(json, "subject", row->subject);
	}
	outbox_add_words(json, "answer", row->answer);
	outbox_add_words(json, "place", row->place);
	return json;
}

/* ---- what is asked for ---- */

/* "state"; *state_r keeps its value where there is none. */
static bool
outbox_take_state(const struct parameters *parameters, int *state_r,
    struct problem *problem_r)
{
	const char *state = parameters_text(parameters, "state");

	if (state == NULL)
		return true;
	for (int i = 0; i < OUTBOX_STATES; i++) {
		if (strcmp(state, outbox_states[i]) != 0)
			continue;
		*state_r = i;
		return true;
	}
	problem_set(problem_r, "known are waiting, delivered, refused, dropped",
	    "invalid state \"%.64s\"", state);
	return false;
}

/* `state`: where none is given, as an enum or -1.  False after answering. */
static bool
outbox_query(
    struct exchange *exchange, int state, struct store_outbox_query *query_r)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	struct problem problem;
	int64_t message_id = 0, below_id;
	unsigned limit;

	if (!exchange_page(exchange, &limit, &below_id))
		return false;
	if (!parameters_number(
		parameters, "message", 1, INT64_MAX, &message_id, &problem) ||
	    !outbox_take_state(parameters, &state, &problem)) {
		exchange_answer_problem(exchange, &problem);
		return false;
	}
	*query_r = (struct store_outbox_query){
		.account = parameters_text(parameters, "account"),
		.target = parameters_text(parameters, "target"),
		.state = state,
		.message_id = message_id,
		.below_id = below_id > 0 ? below_id : INT64_MAX,
		.limit = limit,
	};
	return true;
}

/*
 * Whether nothing is there for a target that is not configured.  Then the store
 * is asked whether it knows one of that name.
 */
static bool
outbox_asks_for_target(struct exchange *exchange, store_outbox_figures_cb cb)
{
	const struct exchange_context *context = exchange_context(exchange);
	const char *target =
	    parameters_text(exchange_parameters(exchange), "target");
	struct deliver_status status;

	if (target == NULL || context->deliver == NULL ||
	    deliver_status(context->deliver, target, &status))
		return false;
	exchange_wait(exchange);
	store_outbox_figures(context->store, cb, exchange);
	return true;
}

/* Whether it has or had mail; if not, that was answered. */
static bool
outbox_had_target(struct exchange *exchange, enum store_status status,
    const struct store_outbox_figures *figures, size_t count)
{
	const char *target =
	    parameters_text(exchange_parameters(exchange), "target");

	if (!exchange_resume(exchange))
		return false;
	if (status != STORE_OK) {
		exchange_answer(exchange, response_store(status, NULL));
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (strcmp(figures[i].target, target) == 0)
			return true;
	exchange_answer(exchange, response_no_target(target));
	return false;
}

/* ---- GET /v1/outbox ---- */

static void
outbox_no_rows(enum store_status status,
    const struct store_outbox_figures *figures, size_t count, void *arg)
{
	if (outbox_had_target(arg, status, figures, count))
		exchange_answer_rows(arg, "outbox", json_array(), 0);
}

static void
outbox_rows(enum store_status status, const struct store_outbox_row *rows,
    size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	json_t *list;

	if (!exchange_resume_rows(exchange, status, count) ||
	    (count == 0 && outbox_asks_for_target(exchange, outbox_no_rows)))
		return;
	list = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(
		    list, outbox_json(exchange_user(exchange), &rows[i]));
	exchange_answer_rows(exchange, "outbox", list,
	    more && count > 0 ? rows[count - 1].id : 0);
}

void
outbox_list(struct exchange *exchange)
{
	struct store_outbox_query query;

	if (!outbox_query(exchange, -1, &query))
		return;
	exchange_wait(exchange);
	store_outbox_list(
	    exchange_context(exchange)->store, &query, outbox_rows, exchange);
}

/* ---- GET /v1/outbox/ID ---- */

static void
outbox_ask_row(struct exchange *exchange, store_outbox_cb cb)
{
	const int64_t id = exchange_path_id(exchange);
	const struct store_outbox_query query = {
		.state = -1,
		.below_id = id < INT64_MAX ? id + 1 : INT64_MAX,
		.limit = 1,
	};

	exchange_wait(exchange);
	store_outbox_list(
	    exchange_context(exchange)->store, &query, cb, exchange);
}

/* The row of the path; NULL after answering. */
static const struct store_outbox_row *
outbox_resume_row(struct exchange *exchange, enum store_status status,
    const struct store_outbox_row *rows, size_t count)
{
	if (!exchange_resume(exchange))
		return NULL;
	if (status == STORE_OK && count > 0 &&
	    rows[0].id == exchange_path_id(exchange))
		return &rows[0];
	exchange_answer(
	    exchange, status == STORE_OK || status == STORE_NOT_FOUND
			  ? response_no_delivery(exchange_path_id(exchange))
			  : response_store(status, NULL));
	return NULL;
}

static void
outbox_row(enum store_status status, const struct store_outbox_row *rows,
    size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	const struct store_outbox_row *row =
	    outbox_resume_row(exchange, status, rows, count);

	(void)more;
	if (row != NULL)
		exchange_answer(
		    exchange, response_json(200,
				  outbox_json(exchange_user(exchange), row)));
}

void
outbox_get(struct exchange *exchange)
{
	int64_t id;

	if (exchange_id(exchange, &id))
		outbox_ask_row(exchange, outbox_row);
}

/* ---- POST /v1/outbox/ID/retry, DELETE /v1/outbox/ID ---- */

/* Why a row could not be changed: what it is. */
static struct response
outbox_unchanged(const struct store_outbox_row *row)
{
	if (row->state != STORE_OUTBOX_DELIVERED)
		return response_error(409, "already", NULL,
		    "delivery %lld is %s already", (long long)row->id,
		    outbox_states[row->state]);
	return response_error(409, "delivered",
	    "\"evpopctl deliver --to TARGET --again ID\" delivers a message "
	    "once more",
	    "delivery %lld has reached \"%.200s\"", (long long)row->id,
	    row->target);
}

static void
outbox_changed_row(enum store_status status,
    const struct store_outbox_row *rows, size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	const struct store_outbox_row *row =
	    outbox_resume_row(exchange, status, rows, count);
	struct deliver *deliver;

	(void)more;
	if (row == NULL)
		return;
	deliver = exchange_context(exchange)->deliver;
	if (deliver != NULL)
		deliver_kick(deliver, row->target);
	exchange_answer(exchange,
	    response_json(200, outbox_json(exchange_user(exchange), row)));
}

static void
outbox_unchanged_row(enum store_status status,
    const struct store_outbox_row *rows, size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	const struct store_outbox_row *row =
	    outbox_resume_row(exchange, status, rows, count);

	(void)more;
	if (row != NULL)
		exchange_answer(exchange, outbox_unchanged(row));
}

static void
outbox_changed(enum store_status status,
    const struct store_outbox_changed *changed, void *arg)
{
	struct exchange *exchange = arg;
	const bool is_changed = status == STORE_OK && changed->changed > 0;

	if (!exchange_resume(exchange))
		return;
	if (status == STORE_OK || status == STORE_NOT_FOUND)
		outbox_ask_row(exchange,
		    is_changed ? outbox_changed_row : outbox_unchanged_row);
	else
		exchange_answer(exchange, response_store(status, NULL));
}

static void
outbox_change(struct exchange *exchange, enum store_outbox_state state)
{
	int64_t id;

	if (!exchange_id(exchange, &id))
		return;
	exchange_wait(exchange);
	store_outbox_change(exchange_context(exchange)->store, NULL, id, state,
	    outbox_changed, exchange);
}

void
outbox_retry(struct exchange *exchange)
{
	outbox_change(exchange, STORE_OUTBOX_WAITING);
}

void
outbox_drop(struct exchange *exchange)
{
	outbox_change(exchange, STORE_OUTBOX_DROPPED);
}

/* ---- POST /v1/outbox/retry, drop ---- */

static void
outbox_changed_none(enum store_status status,
    const struct store_outbox_figures *figures, size_t count, void *arg)
{
	json_t *json;

	if (!outbox_had_target(arg, status, figures, count))
		return;
	json = json_object();
	field_count(json, "changed", 0);
	exchange_answer_page(arg, json, 0);
}

static void
outbox_changed_all(enum store_status status,
    const struct store_outbox_changed *changed, void *arg)
{
	struct exchange *exchange = arg;
	struct deliver *deliver = exchange_context(exchange)->deliver;
	json_t *json;

	if (!exchange_resume_rows(exchange, status,
		changed != NULL ? (size_t)changed->changed : 0) ||
	    (changed->changed == 0 &&
		outbox_asks_for_target(exchange, outbox_changed_none)))
		return;
	if (deliver != NULL && changed->changed > 0)
		deliver_kick(deliver,
		    parameters_text(exchange_parameters(exchange), "target"));
	json = json_object();
	field_count(json, "changed", changed->changed);
	exchange_answer_page(
	    exchange, json, changed->more ? changed->last_id : 0);
}

static void
outbox_change_all(struct exchange *exchange, enum store_outbox_state state,
    const char *deed_of_target)
{
	struct store_outbox_query query;

	if (!outbox_query(exchange, STORE_OUTBOX_REFUSED, &query))
		return;
	if (query.target != NULL)
		exchange_set_deed_of(exchange, deed_of_target, query.target);
	exchange_wait(exchange);
	store_outbox_change(exchange_context(exchange)->store, &query, 0, state,
	    outbox_changed_all, exchange);
}

void
outbox_retry_all(struct exchange *exchange)
{
	outbox_change_all(
	    exchange, STORE_OUTBOX_WAITING, "retry deliveries to *");
}

void
outbox_drop_all(struct exchange *exchange)
{
	outbox_change_all(
	    exchange, STORE_OUTBOX_DROPPED, "drop deliveries to *");
}
