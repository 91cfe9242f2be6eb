#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/control/download.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/control/mail.h"
#include "daemon/store/reading.h"
#include "lib/base/hash.h"

void
message_fail(struct exchange *exchange, enum store_status status, int64_t id)
{
	exchange_answer(exchange, status == STORE_NOT_FOUND
				      ? response_no_message(id)
				      : response_store(status, NULL));
}

/* ---- GET /v1/messages/ID ---- */

struct details {
	int64_t id;
	json_t *json; /* NULL: no memory */
};

static void
details_free(void *state)
{
	struct details *details = state;

	json_decref(details->json);
	free(details);
}

static void
details_parts(enum store_status status, const struct store_part_row *rows,
    size_t count, bool is_cut, void *arg)
{
	struct exchange *exchange = arg;
	struct details *details;
	json_t *parts;

	if (!exchange_resume(exchange))
		return;
	details = exchange_state(exchange);
	/*
	 * What is known without its bytes is told even where they are lost, or
	 * sealed.
	 */
	if (status != STORE_OK && status != STORE_DAMAGED &&
	    status != STORE_SEALED) {
		message_fail(exchange, status, details->id);
		return;
	}
	parts = status == STORE_OK ? json_array() : json_null();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(parts, part_json(&rows[i]));
	field_value(details->json, "parts", parts);
	field_value(details->json, "parts_cut", json_boolean(is_cut));
	exchange_answer(
	    exchange, response_json(200, json_incref(details->json)));
}

static void
details_row(
    enum store_status status, const struct store_message_row *row, void *arg)
{
	struct exchange *exchange = arg;
	struct details *details;

	if (!exchange_resume(exchange))
		return;
	details = exchange_state(exchange);
	if (status != STORE_OK) {
		message_fail(exchange, status, details->id);
		return;
	}
	details->json = message_json(row);
	exchange_wait(exchange);
	store_parts(exchange_context(exchange)->store, details->id,
	    details_parts, exchange);
}

void
message_get(struct exchange *exchange)
{
	struct details *details = calloc(1, sizeof(*details));

	if (details == NULL) {
		exchange_answer(exchange, response_no_memory());
		return;
	}
	exchange_set_state(exchange, details, details_free);
	if (!exchange_id(exchange, &details->id))
		return;
	exchange_wait(exchange);
	store_message(exchange_context(exchange)->store, details->id,
	    details_row, exchange);
}

/* ---- GET /v1/messages/ID/headers ---- */

static void
headers_rows(enum store_status status, const struct store_field_row *rows,
    size_t count, bool is_cut, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json, *list;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		message_fail(exchange, status, exchange_path_id(exchange));
		return;
	}
	list = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, header_json(&rows[i]));
	json = json_object();
	field_value(json, "headers", list);
	field_value(json, "cut", json_boolean(is_cut));
	exchange_answer(exchange, response_json(200, json));
}

void
message_get_headers(struct exchange *exchange)
{
	int64_t id;

	if (!exchange_id(exchange, &id))
		return;
	exchange_wait(exchange);
	store_fields(
	    exchange_context(exchange)->store, id, headers_rows, exchange);
}

/* ---- GET /v1/messages/ID/text ---- */

#define TEXT_TAG_SIZE 32

/* Of the text itself: another version may read the same message better. */
static void
text_tag(const char *text, size_t length, char etag_r[TEXT_TAG_SIZE])
{
	snprintf(etag_r, TEXT_TAG_SIZE, "\"text-%016" PRIx64 "\"",
	    evpop_hash_add(EVPOP_HASH_START, text, length));
}

static void
text_lines(enum store_status status, const char *text, size_t length, void *arg)
{
	struct exchange *exchange = arg;
	struct download download;
	char etag[TEXT_TAG_SIZE];

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		message_fail(exchange, status, exchange_path_id(exchange));
		return;
	}
	text_tag(text, length, etag);
	if (!download_choose(exchange, etag, length, &download) ||
	    !download_begin(exchange, "text/plain; charset=utf-8", &download))
		return;
	if (download.range.length == 0)
		exchange_stream_end(exchange);
	else
		exchange_stream_part(exchange, text + download.range.first,
		    download.range.length, exchange_stream_end);
}

void
message_get_text(struct exchange *exchange)
{
	int64_t id;

	if (!exchange_id(exchange, &id))
		return;
	exchange_wait(exchange);
	store_text(exchange_context(exchange)->store, id, text_lines, exchange);
}
