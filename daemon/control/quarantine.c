#include "daemon/control/field.h"
#include "daemon/control/handlers.h"

/* The transcript is long: lists do without. */
static json_t *
quarantine_json(const struct store_quarantine_row *row, bool transcript)
{
	json_t *json = json_object();

	field_value(json, "id", json_integer(row->id));
	field_text(json, "account", row->account);
	field_unique_id(json, row->unique_id, row->unique_id_length);
	field_count(json, "occurrence", row->occurrence);
	field_count(json, "bytes", row->octets);
	field_time(json, "stored_at", row->stored_ms);
	field_text(json, "reason", row->reason);
	field_value(json, "sealed", json_boolean(row->is_sealed));
	if (transcript)
		field_text(json, "transcript", row->transcript);
	return json;
}

/* ---- GET /v1/quarantine ---- */

static void
quarantine_rows(enum store_status status,
    const struct store_quarantine_row *rows, size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	json_t *list;

	if (!exchange_resume_rows(exchange, status, count))
		return;
	list = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(
		    list, quarantine_json(&rows[i], false));
	exchange_answer_rows(exchange, "quarantine", list,
	    more && count > 0 ? rows[count - 1].id : 0);
}

void
quarantine_list(struct exchange *exchange)
{
	unsigned limit;
	int64_t below_id;

	if (!exchange_page(exchange, &limit, &below_id))
		return;
	exchange_wait(exchange);
	store_quarantines(exchange_context(exchange)->store,
	    parameters_text(exchange_parameters(exchange), "account"), below_id,
	    limit, quarantine_rows, exchange);
}

/* ---- GET /v1/quarantine/ID ---- */

static struct response
quarantine_failure(const struct exchange *exchange, enum store_status status)
{
	return status == STORE_NOT_FOUND
		   ? response_not_quarantined(exchange_path_id(exchange))
		   : response_store(status, NULL);
}

static void
quarantine_row(enum store_status status,
    const struct store_quarantine_row *rows, size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;

	(void)more;
	if (!exchange_resume(exchange))
		return;
	exchange_answer(
	    exchange, status == STORE_OK && count > 0
			  ? response_json(200, quarantine_json(&rows[0], true))
			  : quarantine_failure(exchange, status));
}

void
quarantine_get(struct exchange *exchange)
{
	int64_t id;

	if (!exchange_id(exchange, &id))
		return;
	exchange_wait(exchange);
	store_quarantine(
	    exchange_context(exchange)->store, id, quarantine_row, exchange);
}

/* ---- POST /v1/quarantine/ID/retry ---- */

/* Poll the account now; describe it, and say why it cannot be polled. */
static void
quarantine_poll(struct poller *poller, const char *account, json_t *json)
{
	struct poller_account_status status;

	field_text(json, "account", account);
	switch (poller_poll_now(poller, account, POLLER_WISH_POLL)) {
	case POLLER_DONE:
	case POLLER_ALREADY:
		break;
	case POLLER_NO_SUCH_ACCOUNT:
		field_text(json, "hint",
		    "its account is no longer in the configuration");
		break;
	case POLLER_IS_DISABLED:
		field_text(json, "hint",
		    "its account is disabled: set enabled = yes to fetch the "
		    "message");
		break;
	}
	field_text(json, "state",
	    poller_account_status(poller, account, &status)
		? poller_state_name(status.state)
		: NULL);
}

static struct response
quarantine_released_answer(const struct exchange *exchange, const char *account)
{
	json_t *json = json_object();

	field_value(json, "id", json_integer(exchange_path_id(exchange)));
	quarantine_poll(exchange_context(exchange)->poller, account, json);
	return response_json(202, json);
}

static void
quarantine_released(enum store_status status,
    const struct store_released *accounts, size_t count, void *arg)
{
	struct exchange *exchange = arg;

	/* If the client has gone, the next regular poll fetches it. */
	if (!exchange_resume(exchange))
		return;
	exchange_answer(exchange,
	    status == STORE_OK && count > 0
		? quarantine_released_answer(exchange, accounts[0].account)
		: quarantine_failure(exchange, status));
}

void
quarantine_retry(struct exchange *exchange)
{
	int64_t id;

	if (!exchange_id(exchange, &id))
		return;
	exchange_wait(exchange);
	store_quarantine_release(exchange_context(exchange)->store, id,
	    quarantine_released, exchange);
}

/* ---- POST /v1/quarantine/retry ---- */

static void
quarantine_all_released(enum store_status status,
    const struct store_released *accounts, size_t count, void *arg)
{
	struct exchange *exchange = arg;
	uint64_t messages = 0;
	json_t *json, *list;

	if (!exchange_resume_rows(exchange, status, count))
		return;
	list = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *one = json_object();

		quarantine_poll(exchange_context(exchange)->poller,
		    accounts[i].account, one);
		field_count(one, "messages", accounts[i].messages);
		messages += accounts[i].messages;
		(void)json_array_append_new(list, one);
	}
	json = json_object();
	field_count(json, "messages", messages);
	field_value(json, "accounts", list);
	exchange_answer(exchange, response_json(202, json));
}

void
quarantine_retry_all(struct exchange *exchange)
{
	exchange_wait(exchange);
	store_quarantine_release_all(exchange_context(exchange)->store,
	    parameters_text(exchange_parameters(exchange), "account"),
	    quarantine_all_released, exchange);
}
