#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/store/keeping.h"

static json_t *
audit_json(const struct store_deed_row *row)
{
	json_t *json = json_object();

	field_value(json, "id", json_integer(row->id));
	field_time(json, "at", row->at_ms);
	field_text(json, "who", row->deed.who);
	field_text(json, "action", row->deed.action);
	field_text(json, "object", row->deed.object);
	field_text(json, "reason", row->deed.reason);
	return json;
}

static void
audit_rows(enum store_status status, const struct store_deed_row *rows,
    size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	json_t *list;

	if (!exchange_resume_rows(exchange, status, count))
		return;
	list = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, audit_json(&rows[i]));
	exchange_answer_rows(exchange, "audit", list,
	    more && count > 0 ? rows[count - 1].id : 0);
}

void
audit_list(struct exchange *exchange)
{
	const struct parameters *parameters = exchange_parameters(exchange);
	unsigned limit;
	int64_t below_id;

	if (!exchange_page(exchange, &limit, &below_id))
		return;
	exchange_wait(exchange);
	store_deeds(exchange_context(exchange)->store,
	    parameters_text(parameters, "who"),
	    parameters_text(parameters, "action"), below_id, limit, audit_rows,
	    exchange);
}
