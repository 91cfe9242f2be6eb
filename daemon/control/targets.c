#include <string.h>

#include "daemon/config/target.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/limits.h"
#include "daemon/deliver/deliver.h"
#include "daemon/store/outbox.h"

/* ---- what is said of one ---- */

static void
targets_add_figures(json_t *json, const struct store_outbox_figures *figures)
{
	static const struct store_outbox_figures none;

	if (figures == NULL)
		figures = &none;
	field_count(json, "waiting", figures->waiting);
	field_count(json, "refused", figures->refused);
	field_count(json, "delivered", figures->delivered);
	field_count(json, "dropped", figures->dropped);
	field_time(json, "oldest_waiting", figures->oldest_waiting_ms);
	field_time(json, "paused_since", figures->paused_ms);
	field_text(json, "paused_by", figures->paused_by);
}

static void
targets_add_status(json_t *json, const struct deliver_status *status)
{
	json_t *part = json_object();

	field_count(json, "under_way", status->under_way);
	field_count(json, "connections", status->connections);
	field_time(json, "next", status->next_ms);
	field_time(json, "last_success", status->last_success_ms);
	field_time(json, "down_since", status->down_since_ms);
	field_text(json, "text", status->text);
	field_text(json, "advice", status->advice);
	field_value(json, "full", json_boolean(status->is_full));
	field_count(part, "attempts", status->attempts);
	field_count(part, "delivered", status->done);
	field_count(part, "bytes", status->octets);
	field_count(part, "put_off", status->put_off);
	field_count(part, "refused", status->refusals);
	field_count(part, "outages", status->outages);
	field_value(json, "since_start", part);
}

/* Either may be NULL; where there is no status, nobody delivers there. */
static json_t *
targets_json(const char *name, const struct deliver_status *status,
    const struct store_outbox_figures *figures)
{
	json_t *json = json_object();

	field_text(json, "target", name);
	field_text(json, "type", status != NULL ? status->type : NULL);
	field_text(json, "where", status != NULL ? status->where : NULL);
	field_text(json, "state",
	    status != NULL ? deliver_state_name(status->state) : NULL);
	targets_add_figures(json, figures);
	if (status != NULL)
		targets_add_status(json, status);
	return json;
}

static void
targets_add_section(json_t *json, const struct config_target *section)
{
	if (section->type == CONFIG_TARGET_LMTP ||
	    section->type == CONFIG_TARGET_PIPE)
		field_text(json, "deliver_to", section->deliver_to);
	field_text(json, "folder", section->folder);
	field_text(json, "order",
	    section->order == CONFIG_TARGET_ORDER_ACCOUNT ? "account" : "any");
	field_count(json, "concurrency", section->concurrency);
	field_count(json, "rate", section->rate);
	field_count(json, "retry_min_seconds", section->retry_min_ms / 1000);
	field_count(json, "retry_max_seconds", section->retry_max_ms / 1000);
	field_count(json, "give_up_after_seconds",
	    (uint64_t)section->give_up_after_ms / 1000);
	field_count(json, "max_waiting", section->max_waiting);
	field_text(json, "rspamd", section->rspamd);
	field_text(json, "rspamd_down",
	    section->rspamd_down == CONFIG_RSPAMD_DOWN_WAIT ? "wait"
							    : "deliver");
	field_text(json, "spam_target", section->spam_target);
}

/* ---- GET /v1/targets ---- */

/* A page of those that are configured, and those that only have rows. */
struct targets_page {
	const char *after; /* "": from the first */
	int64_t limit;
	json_t *list;
	const char *next; /* the last name, where more follow */
};

/* Those before it were on the pages before. */
static bool
targets_page_add(struct targets_page *page, const char *name,
    const struct deliver_status *status,
    const struct store_outbox_figures *figures)
{
	if (strcmp(name, page->after) <= 0)
		return true;
	if (json_array_size(page->list) == (size_t)page->limit)
		return false;
	page->next = name;
	(void)json_array_append_new(
	    page->list, targets_json(name, status, figures));
	return true;
}

static void
targets_page_fill(struct targets_page *page, const struct deliver *deliver,
    const struct store_outbox_figures *figures, size_t count)
{
	struct deliver_status status;
	size_t at = 0, row = 0;

	for (;;) {
		const bool is_configured =
		    deliver != NULL && deliver_status_at(deliver, at, &status);
		const char *stored = row < count ? figures[row].target : NULL;
		const int order = !is_configured ? 1
				  : stored == NULL
				      ? -1
				      : strcmp(status.name, stored);

		if (!is_configured && stored == NULL)
			break;
		if (!targets_page_add(page, order <= 0 ? status.name : stored,
			order <= 0 ? &status : NULL,
			order >= 0 ? &figures[row] : NULL))
			return;
		at += order <= 0;
		row += order >= 0;
	}
	page->next = NULL;
}

static bool
targets_page_take(const struct exchange *exchange, struct targets_page *page_r,
    struct problem *problem_r)
{
	const struct parameters *parameters = exchange_parameters(exchange);

	*page_r = (struct targets_page){ .after = parameters_text(
					     parameters, "cursor"),
		.limit = LIMITS_PAGE_DEFAULT };
	if (page_r->after == NULL)
		page_r->after = "";
	return parameters_number(
	    parameters, "limit", 1, STORE_PAGE_MAX, &page_r->limit, problem_r);
}

static void
targets_figures(enum store_status status,
    const struct store_outbox_figures *figures, size_t count, void *arg)
{
	struct exchange *exchange = arg;
	struct targets_page page;
	struct problem problem;
	json_t *json;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		exchange_answer(exchange, response_store(status, NULL));
		return;
	}
	/* The parameters were checked when the request came. */
	(void)targets_page_take(exchange, &page, &problem);
	page.list = json_array();
	targets_page_fill(
	    &page, exchange_context(exchange)->deliver, figures, count);
	json = json_object();
	field_value(json, "targets", page.list);
	if (page.next != NULL)
		field_text(json, "next_cursor", page.next);
	exchange_answer(exchange, response_json(200, json));
}

void
targets_list(struct exchange *exchange)
{
	struct targets_page page;
	struct problem problem;

	if (!targets_page_take(exchange, &page, &problem)) {
		exchange_answer_problem(exchange, &problem);
		return;
	}
	exchange_wait(exchange);
	store_outbox_figures(
	    exchange_context(exchange)->store, targets_figures, exchange);
}

/* ---- GET /v1/targets/NAME ---- */

static const struct store_outbox_figures *
targets_find(
    const char *name, const struct store_outbox_figures *figures, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(figures[i].target, name) == 0)
			return &figures[i];
	return NULL;
}

static struct response
targets_one(const struct exchange *exchange,
    const struct store_outbox_figures *figures, size_t count)
{
	const struct deliver *deliver = exchange_context(exchange)->deliver;
	const char *name = exchange_name(exchange);
	struct deliver_status status;
	const bool is_configured =
	    deliver != NULL && deliver_status(deliver, name, &status);
	const struct store_outbox_figures *found =
	    targets_find(name, figures, count);
	json_t *json;

	if (!is_configured && found == NULL)
		return response_no_target(name);
	json = targets_json(name, is_configured ? &status : NULL, found);
	if (is_configured) {
		targets_add_section(json, status.section);
		field_value(
		    json, "authorization", authorize_target_json(exchange));
	}
	return response_json(200, json);
}

static void
targets_figures_of_one(enum store_status status,
    const struct store_outbox_figures *figures, size_t count, void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange_resume(exchange))
		return;
	exchange_answer(exchange, status == STORE_OK
				      ? targets_one(exchange, figures, count)
				      : response_store(status, NULL));
}

void
targets_get(struct exchange *exchange)
{
	exchange_wait(exchange);
	store_outbox_figures(exchange_context(exchange)->store,
	    targets_figures_of_one, exchange);
}

/* ---- POST /v1/targets/NAME/pause, resume ---- */

static struct response
targets_action_answer(const struct exchange *exchange,
    enum deliver_answer answer, const char *already)
{
	const char *name = exchange_name(exchange);
	struct deliver_status status;
	json_t *json;

	switch (answer) {
	case DELIVER_NO_SUCH_TARGET:
		return response_no_target(name);
	case DELIVER_ALREADY:
		return response_already("target", name, already);
	case DELIVER_IS_DISABLED:
		return response_disabled("target", name);
	case DELIVER_DONE:
		break;
	}
	json = json_object();
	field_text(json, "target", name);
	if (deliver_status(exchange_context(exchange)->deliver, name, &status))
		field_text(json, "state", deliver_state_name(status.state));
	return response_json(200, json);
}

/* The store has it, or could not take it. */
static void
targets_told(enum store_status status, void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange_resume(exchange))
		return;
	exchange_answer(
	    exchange, status == STORE_OK
			  ? targets_action_answer(exchange, DELIVER_DONE, NULL)
			  : response_store(status, NULL));
}

/* Nothing was asked of the store: answer at once. */
static void
targets_answer_at_once(
    struct exchange *exchange, enum deliver_answer answer, const char *already)
{
	if (answer != DELIVER_DONE && exchange_resume(exchange))
		exchange_answer(
		    exchange, targets_action_answer(exchange, answer, already));
}

void
targets_pause(struct exchange *exchange)
{
	exchange_wait(exchange);
	targets_answer_at_once(exchange,
	    deliver_pause(exchange_context(exchange)->deliver,
		exchange_name(exchange), exchange_user(exchange)->name,
		targets_told, exchange),
	    "already paused");
}

void
targets_resume(struct exchange *exchange)
{
	exchange_wait(exchange);
	targets_answer_at_once(exchange,
	    deliver_resume(exchange_context(exchange)->deliver,
		exchange_name(exchange), targets_told, exchange),
	    "not paused");
}

/* ---- POST /v1/targets/NAME/probe ---- */

static void
targets_probed(bool works, const char *text, void *arg)
{
	struct exchange *exchange = arg;
	struct deliver_status status;
	json_t *json;

	if (!exchange_resume(exchange))
		return;
	json = json_object();
	field_text(json, "target", exchange_name(exchange));
	field_value(json, "works", json_boolean(works));
	field_text(json, "text", text != NULL && *text != '\0' ? text : NULL);
	if (deliver_status(exchange_context(exchange)->deliver,
		exchange_name(exchange), &status)) {
		field_text(json, "state", deliver_state_name(status.state));
		field_text(json, "advice", status.advice);
	}
	exchange_answer(exchange, response_json(200, json));
}

static void
targets_stop_probe(struct exchange *exchange)
{
	deliver_probe_forget(exchange_context(exchange)->deliver, exchange);
}

void
targets_probe(struct exchange *exchange)
{
	exchange_wait_until(exchange, targets_stop_probe);
	targets_answer_at_once(exchange,
	    deliver_probe(exchange_context(exchange)->deliver,
		exchange_name(exchange), targets_probed, exchange),
	    "being tried already");
}
