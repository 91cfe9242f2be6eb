#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/mail.h"

/* The id is none of this store's. */
static struct response
feed_refusal(const struct store_feed_page *page)
{
	if (page->is_other_epoch)
		return response_error(410, "epoch_over",
		    "another store, or one restored from a backup: ids may "
		    "stand for other messages than before; begin again behind "
		    "a message that both have",
		    "the store's epoch is \"%s\" now", page->epoch);
	return response_error(409, "id_not_given",
	    "another store, or one restored from a backup: begin again behind "
	    "a message that is known to be older",
	    "no message ever had this id; the last one is %lld",
	    (long long)page->newest_id);
}

static void
feed_rows(
    enum store_status status, const struct store_feed_page *page, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json, *list;

	if (status == STORE_NOT_FOUND) {
		if (exchange_resume(exchange))
			exchange_answer(exchange, feed_refusal(page));
		return;
	}
	if (!exchange_resume_rows(exchange, status, page->count))
		return;
	list = json_array();
	for (size_t i = 0; i < page->count; i++)
		(void)json_array_append_new(list, message_json(&page->rows[i]));
	json = json_object();
	field_value(json, "messages", list);
	field_value(json, "next_after_id", json_integer(page->next_id));
	field_text(json, "epoch", page->epoch);
	exchange_answer_page(
	    exchange, json, page->has_more ? page->next_id : 0);
}

/* False where something is asked for that would make gaps. */
static bool
feed_read_parameters(const struct parameters *parameters, int64_t *after_id_r,
    unsigned *limit_r, struct problem *problem_r)
{
	int64_t cursor;

	for (size_t i = 0; i < parameters->count; i++) {
		const char *name = parameters->items[i].name;

		if (strcmp(name, "after_id") == 0 ||
		    strcmp(name, "account") == 0 ||
		    strcmp(name, "epoch") == 0 || strcmp(name, "limit") == 0 ||
		    strcmp(name, "cursor") == 0)
			continue;
		problem_set(problem_r,
		    "leave one of them out: what is searched for is found "
		    "only after a while, and would be missed",
		    "\"after_id\" and \"%.32s\" do not go together", name);
		return false;
	}
	if (!parameters_number(
		parameters, "after_id", 0, INT64_MAX, after_id_r, problem_r) ||
	    !parameters_page(parameters, limit_r, &cursor, problem_r))
		return false;
	/* Of the page before: how far it came. */
	if (cursor > *after_id_r)
		*after_id_r = cursor;
	return true;
}

void
feed_list(struct exchange *exchange)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	struct problem problem;
	int64_t after_id;
	unsigned limit;

	if (!feed_read_parameters(parameters, &after_id, &limit, &problem)) {
		exchange_answer_problem(exchange, &problem);
		return;
	}
	exchange_wait(exchange);
	store_feed(exchange_context(exchange)->store,
	    parameters_text(parameters, "account"),
	    parameters_text(parameters, "epoch"), after_id, limit, feed_rows,
	    exchange);
}
