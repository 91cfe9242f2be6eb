#include "daemon/control/field.h"
#include "daemon/control/handlers.h"

/*
 * Whether the daemon does its work; that it answers shows that its loop turns.
 * Accounts that fail are no reason: restarting it would not help them.
 */
void
health_get(struct exchange *exchange)
{
	const struct store_error *health =
	    store_health(exchange_context(exchange)->store);
	bool is_well = health->status == STORE_OK;
	json_t *json = json_object(), *list = json_array(), *problem;

	if (!is_well) {
		problem = json_object();
		field_text(problem, "code", "store_fails");
		field_text(problem, "text", health->text);
		field_text(problem, "hint", store_status_hint(health->status));
		(void)json_array_append_new(list, problem);
	}
	field_text(json, "status", is_well ? "ok" : "failing");
	field_text(json, "version", EVPOP_VERSION);
	field_value(json, "problems", list);
	exchange_answer(exchange, response_json(is_well ? 200 : 503, json));
}
