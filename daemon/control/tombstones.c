#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/store/keeping.h"

static json_t *
tombstone_json(const struct store_tombstone_row *row)
{
	json_t *json = json_object();

	field_value(json, "id", json_integer(row->id));
	field_text(json, "account", row->account);
	field_count(json, "bytes", row->octets);
	field_text(json, "digest", row->digest);
	field_time(json, "stored_at", row->stored_ms);
	field_date(json, row->has_date, row->date_ms);
	field_time(json, "deleted_at", row->deleted_ms);
	field_text(json, "deleted_by", row->who);
	field_text(json, "reason", row->reason);
	return json;
}

static void
tombstones_rows(enum store_status status,
    const struct store_tombstone_row *rows, size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	json_t *list;

	if (!exchange_resume_rows(exchange, status, count))
		return;
	list = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, tombstone_json(&rows[i]));
	exchange_answer_rows(exchange, "tombstones", list,
	    more && count > 0 ? rows[count - 1].id : 0);
}

void
tombstones_list(struct exchange *exchange)
{
	unsigned limit;
	int64_t below_id;

	if (!exchange_page(exchange, &limit, &below_id))
		return;
	exchange_wait(exchange);
	store_tombstones(exchange_context(exchange)->store,
	    parameters_text(exchange_parameters(exchange), "account"), below_id,
	    limit, tombstones_rows, exchange);
}
