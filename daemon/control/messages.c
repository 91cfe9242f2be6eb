#include "daemon/control/messages.h"

#include <string.h>

#include "daemon/control/exchange.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/list.h"
#include "daemon/control/page.h"
#include "lib/base/clock.h"

json_t *
message_json(const struct store_message_row *row)
{
	json_t *json = json_object();

	field_value(json, "id", json_integer(row->id));
	field_text(json, "account", row->account);
	field_unique_id(json, row->unique_id, row->unique_id_length);
	field_count(json, "size", row->octets);
	field_text(json, "digest", row->digest);
	field_time(json, "stored_at", row->stored_ms);
	if (row->has_date)
		field_time(json, "date", row->date_ms);
	else
		field_value(json, "date", json_null());
	field_text(json, "sender", row->sender);
	field_text(json, "recipients", row->recipients);
	field_text(json, "cc", row->cc);
	field_text(json, "subject", row->subject);
	field_text(json, "message_id", row->message_header_id);
	field_count(json, "attachments", row->attachments);
	field_value(json, "cut", json_boolean(row->is_cut));
	return json;
}

bool
messages_filter(struct store_message_filter *filter_r,
    const struct parameters *parameters, int64_t now_ms,
    struct problem *problem_r)
{
	memset(filter_r, 0, sizeof(*filter_r));
	filter_r->account = parameters_text(parameters, "account");
	filter_r->from = parameters_text(parameters, "from");
	filter_r->query = parameters_text(parameters, "q");
	return parameters_time(parameters, "since", now_ms,
		   &filter_r->has_since, &filter_r->since_ms, problem_r) &&
	       parameters_time(parameters, "before", now_ms,
		   &filter_r->has_before, &filter_r->before_ms, problem_r) &&
	       page_limit(parameters, &filter_r->limit, problem_r) &&
	       page_below(parameters, &filter_r->below_id, problem_r);
}

static void
rows_came(enum store_status status, const struct store_message_row *rows,
    size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	json_t *list;

	if (!list_resume(exchange, status, count))
		return;
	list = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, message_json(&rows[i]));
	exchange_answer(exchange,
	    answer_json(200, page_json("messages", list,
				 more && count > 0 ? rows[count - 1].id : 0)));
}

void
messages_list(struct exchange *exchange)
{
	struct store_message_filter filter;
	struct problem problem;

	if (!messages_filter(&filter, exchange_parameters(exchange),
		evpop_clock_unix_ms(), &problem)) {
		exchange_answer(exchange, answer_problem(&problem));
		return;
	}
	exchange_wait(exchange);
	store_messages(
	    exchange_context(exchange)->store, &filter, rows_came, exchange);
}

static void
row_came(
    enum store_status status, const struct store_message_row *row, void *arg)
{
	struct exchange *exchange = arg;
	int64_t id = 0;

	if (!exchange_resume(exchange))
		return;
	if (status == STORE_OK)
		exchange_answer(exchange, answer_json(200, message_json(row)));
	else if (status == STORE_NOT_FOUND &&
		 number_parse(exchange_name(exchange), 1, INT64_MAX, &id))
		exchange_answer(exchange, answer_no_message(id));
	else
		exchange_answer(exchange, answer_store(status, NULL));
}

void
messages_get(struct exchange *exchange)
{
	int64_t id;

	if (!exchange_id(exchange, &id))
		return;
	exchange_wait(exchange);
	store_message(
	    exchange_context(exchange)->store, id, row_came, exchange);
}
