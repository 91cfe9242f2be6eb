#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"

/* null until the result is known. */
static json_t *
check_sound_json(const struct store_check *check)
{
	if (check->running || check->finished_ms == 0 ||
	    check->status != STORE_OK)
		return json_null();
	return json_boolean(check->problems == 0);
}

static json_t *
check_json(const struct store_check *check)
{
	json_t *json = json_object(), *texts = json_array();

	field_value(json, "running", json_boolean(check->running));
	field_time(json, "started", check->started_ms);
	field_time(json, "finished", check->finished_ms);
	field_count(json, "messages", check->messages);
	field_count(json, "messages_done", check->messages_done);
	field_count(json, "bytes_done", check->octets_done);
	field_text(json, "status", store_status_name(check->status));
	if (check->status != STORE_OK)
		field_text(json, "hint", store_status_hint(check->status));
	field_value(json, "sound", check_sound_json(check));
	field_count(json, "problems", check->problems);
	for (size_t i = 0; i < check->text_count; i++)
		(void)json_array_append_new(texts,
		    json_any_text(check->texts[i], strlen(check->texts[i])));
	field_value(json, "texts", texts);
	return json;
}

static struct response
check_answer(const struct exchange *exchange, int status)
{
	struct store_check check;

	store_check(exchange_context(exchange)->store, &check);
	return response_json(status, check_json(&check));
}

void
check_get(struct exchange *exchange)
{
	exchange_answer(exchange, check_answer(exchange, 200));
}

void
check_start(struct exchange *exchange)
{
	enum store_status status =
	    store_check_start(exchange_context(exchange)->store);

	if (status == STORE_OK)
		exchange_answer(exchange, check_answer(exchange, 202));
	else if (status == STORE_BUSY)
		exchange_answer(exchange,
		    response_error(409, "already",
			"\"evpopctl check --store\" (GET /v1/store/check) "
			"follows it",
			"the store is being checked already"));
	else
		exchange_answer(exchange, response_store(status, NULL));
}
