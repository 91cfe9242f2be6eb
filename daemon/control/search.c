#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/mail.h"
#include "daemon/control/when.h"
#include "lib/base/clock.h"

/* ---- what is asked for ---- */

static const char *
search_text(const struct exchange *exchange, const char *name)
{
	return parameters_text(exchange_parameters(exchange), name);
}

/* A parameter does not know this value, or stands without q. */
static bool
search_fail(struct exchange *exchange, const char *name, const char *hint)
{
	struct problem problem;

	if (search_text(exchange, "q") == NULL)
		problem_set(&problem, "q has the words to search for",
		    "%s stands without q", name);
	else
		problem_set(&problem, hint, "invalid %s \"%.64s\"", name,
		    search_text(exchange, name));
	exchange_answer_problem(exchange, &problem);
	return false;
}

static bool
search_read_query(
    struct exchange *exchange, struct store_message_filter *filter)
{
	struct store_query_problem wrong;

	filter->query = search_text(exchange, "q");
	filter->query_time = when_parse;
	if (filter->query == NULL ||
	    store_query_check(filter->query, filter->query_time,
		filter->query_now_ms, &wrong))
		return true;
	exchange_answer(exchange, wrong.position == 0
				      ? response_no_memory()
				      : response_error(400, "bad_query",
					    wrong.hint, "%s", wrong.message));
	return false;
}

/*
 * A ranked page goes on among the same messages: its cursor is the newest of
 * them, and how many of the best were shown.
 */
#define RANKED_PAGES 8192

static void
search_read_cursor(struct store_message_filter *filter)
{
	if (filter->order != STORE_ORDER_RANKED || filter->below_id == 0)
		return;
	filter->skip = (unsigned)(filter->below_id % RANKED_PAGES);
	filter->below_id = filter->below_id / RANKED_PAGES + 1;
}

static bool
search_read_sort(struct exchange *exchange, struct store_message_filter *filter)
{
	const char *sort = search_text(exchange, "sort");

	if (sort == NULL || strcmp(sort, "newest") == 0)
		return true;
	if (filter->query == NULL || strcmp(sort, "rank") != 0)
		return search_fail(exchange, "sort", "expected newest or rank");
	filter->order = STORE_ORDER_RANKED;
	search_read_cursor(filter);
	return true;
}

static bool
search_read_snippet(
    struct exchange *exchange, struct store_message_filter *filter)
{
	const char *snippet = search_text(exchange, "snippet");

	if (snippet == NULL || strcmp(snippet, "0") == 0)
		return true;
	if (filter->query == NULL || strcmp(snippet, "1") != 0)
		return search_fail(exchange, "snippet", "expected 0 or 1");
	filter->wants_snippets = true;
	return true;
}

static bool
search_read_times(
    struct exchange *exchange, struct store_message_filter *filter)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	struct problem problem;

	if (parameters_time(parameters, "since", filter->query_now_ms,
		&filter->has_since, &filter->since_ms, &problem) &&
	    parameters_time(parameters, "before", filter->query_now_ms,
		&filter->has_before, &filter->before_ms, &problem))
		return true;
	exchange_answer_problem(exchange, &problem);
	return false;
}

/* ---- what is found ---- */

static json_t *
search_rows(const struct store_search_page *page)
{
	json_t *list = json_array();

	for (size_t i = 0; i < page->count; i++) {
		json_t *row = message_json(&page->rows[i]);

		if (page->snippets != NULL && page->snippets[i].text != NULL)
			field_value(
			    row, "snippet", snippet_json(&page->snippets[i]));
		(void)json_array_append_new(list, row);
	}
	return list;
}

static int64_t
search_cursor(
    const struct exchange *exchange, const struct store_search_page *page)
{
	struct store_message_filter filter = { .order = STORE_ORDER_RANKED };
	struct problem problem;
	unsigned limit;

	if (!page->more || page->count == 0)
		return 0;
	if (page->ranked_among == 0)
		return page->rows[page->count - 1].id;
	/* It was read before. */
	if (!parameters_page(exchange_parameters(exchange), &limit,
		&filter.below_id, &problem))
		return 0;
	search_read_cursor(&filter);
	return page->top_id * RANKED_PAGES + filter.skip + (int64_t)page->count;
}

/*
 * Whether nothing was found for want of an account; one that has no mail yet is
 * none that is mistyped.
 */
static bool
search_has_mistyped(
    struct exchange *exchange, const struct store_search_page *page)
{
	struct poller_account_status known;
	struct poller *poller = exchange_context(exchange)->poller;

	return page->count == 0 && page->no_account != NULL &&
	       (poller == NULL ||
		   !poller_account_status(poller, page->no_account, &known));
}

static void
search_found(
    enum store_status status, const struct store_search_page *page, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json;
	int64_t cursor;

	if (!exchange_resume_rows(
		exchange, status, page != NULL ? page->count : 0))
		return;
	if (search_has_mistyped(exchange, page)) {
		exchange_answer(
		    exchange, response_no_account(page->no_account));
		return;
	}
	json = json_object();
	field_value(json, "messages", search_rows(page));
	cursor = search_cursor(exchange, page);
	if (cursor != 0)
		field_cursor(json, cursor);
	if (page->ranked_among > 0 || page->is_ranked_all) {
		field_count(json, "ranked_among", page->ranked_among);
		field_value(
		    json, "ranked_all", json_boolean(page->is_ranked_all));
	}
	if (search_text(exchange, "q") != NULL) {
		field_value(
		    json, "index_complete", json_boolean(page->is_complete));
		field_value(
		    json, "beginnings_complete", json_boolean(!page->is_cut));
	}
	if (search_text(exchange, "q") != NULL ||
	    search_text(exchange, "from") != NULL)
		field_value(
		    json, "sealed_left_out", json_boolean(page->has_sealed));
	exchange_answer(exchange, response_json(200, json));
}

void
messages_list(struct exchange *exchange)
{
	struct store_message_filter filter = {
		.account = search_text(exchange, "account"),
		.from = search_text(exchange, "from"),
		.query_now_ms = evpop_clock_unix_ms(),
	};

	if (search_text(exchange, "after_id") != NULL) {
		feed_list(exchange);
		return;
	}
	if (search_text(exchange, "epoch") != NULL) {
		exchange_answer(
		    exchange, response_error(400, "bad_parameter", NULL,
				  "\"epoch\" goes with \"after_id\" alone"));
		return;
	}
	if (!search_read_times(exchange, &filter) ||
	    !exchange_page(exchange, &filter.limit, &filter.below_id) ||
	    !search_read_query(exchange, &filter) ||
	    !search_read_sort(exchange, &filter) ||
	    !search_read_snippet(exchange, &filter))
		return;
	exchange_wait(exchange);
	store_search(
	    exchange_context(exchange)->store, &filter, search_found, exchange);
}

/* ---- GET /v1/messages/ID/thread ---- */

static void
thread_rows(enum store_status status, const struct store_message_row *rows,
    size_t count, bool more, bool is_cut, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json, *list;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		message_fail(exchange, status, exchange_path_id(exchange));
		return;
	}
	json = json_object();
	list = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, message_json(&rows[i]));
	field_value(json, "messages", list);
	if (more && count > 0)
		field_cursor(json, rows[count - 1].id);
	field_value(json, "thread_cut", json_boolean(is_cut));
	exchange_answer(exchange, response_json(200, json));
}

void
messages_get_thread(struct exchange *exchange)
{
	unsigned limit;
	int64_t id, after_id;

	if (!exchange_id(exchange, &id) ||
	    !exchange_page(exchange, &limit, &after_id))
		return;
	exchange_wait(exchange);
	store_conversation(exchange_context(exchange)->store, id, after_id,
	    limit, thread_rows, exchange);
}
