#include "daemon/control/field.h"
#include "daemon/control/handlers.h"

json_t *
poll_json(const struct store_poll_row *row)
{
	const struct store_poll *poll = &row->poll;
	json_t *json = json_object();

	field_value(json, "id", json_integer(row->id));
	field_text(json, "account", row->account);
	field_time(json, "started", poll->started_ms);
	field_time(json, "finished", poll->finished_ms);
	field_text(json, "outcome", poll->outcome);
	field_text(json, "text", poll->text);
	field_tally(json, &poll->tally, TALLY_KEPT_COUNT);
	return json;
}

static void
polls_rows(enum store_status status, const struct store_poll_row *rows,
    size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	json_t *list;

	if (!exchange_resume_rows(exchange, status, count))
		return;
	list = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, poll_json(&rows[i]));
	exchange_answer_rows(exchange, "polls", list,
	    more && count > 0 ? rows[count - 1].id : 0);
}

void
polls_list(struct exchange *exchange)
{
	unsigned limit;
	int64_t below_id;

	if (!exchange_page(exchange, &limit, &below_id))
		return;
	exchange_wait(exchange);
	store_polls(exchange_context(exchange)->store,
	    parameters_text(exchange_parameters(exchange), "account"), below_id,
	    limit, polls_rows, exchange);
}
