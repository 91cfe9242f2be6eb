#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/etag.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"
#include "daemon/store/reading.h"

/* A name of 1 KiB may need three octets for each of its own. */
#define DISPOSITION_SIZE 4096
#define TYPE_SIZE        320
#define ETAG_SIZE        80

json_t *
message_json(const struct store_message_row *row)
{
	json_t *json = json_object();

	field_value(json, "id", json_integer(row->id));
	field_text(json, "account", row->account);
	field_unique_id(json, row->unique_id, row->unique_id_length);
	field_count(json, "bytes", row->octets);
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
	field_value(json, "hold",
	    row->held_since_ms != 0
		? hold_json(row->held_since_ms, row->held_by, row->held_reason)
		: json_null());
	return json;
}

static void
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

static json_t *
part_json(const struct store_part_row *part)
{
	static const char *const dispositions[] = {
		[STORE_DISPOSITION_NONE] = NULL,
		[STORE_DISPOSITION_INLINE] = "inline",
		[STORE_DISPOSITION_ATTACHMENT] = "attachment",
	};
	json_t *json = json_object();

	field_count(json, "number", part->number);
	field_value(json, "within",
	    part->within != 0 ? json_integer(part->within) : json_null());
	field_text(json, "type", part->type);
	field_text(json, "charset", part->charset);
	field_text(json, "name", part->name);
	field_text(json, "disposition", dispositions[part->disposition]);
	field_value(json, "attached", json_boolean(part->is_attached));
	field_count(json, "bytes", part->octets);
	field_text(json, "digest", part->digest);
	return json;
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
	/* What is known without its bytes is told even where they are lost. */
	if (status != STORE_OK && status != STORE_DAMAGED) {
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

/* The id in the path, which was read before. */
static int64_t
message_id(const struct exchange *exchange)
{
	int64_t id = 0;

	return number_parse(exchange_name(exchange), 1, INT64_MAX, &id) ? id
									: 0;
}

/* ---- GET /v1/messages/ID/headers ---- */

static void
headers_rows(enum store_status status, const struct store_field_row *rows,
    size_t count, bool is_cut, void *arg)
{
	struct exchange *exchange = arg;
	json_t *json, *list, *row;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		message_fail(exchange, status, message_id(exchange));
		return;
	}
	list = json_array();
	for (size_t i = 0; i < count; i++) {
		row = json_object();
		field_text(row, "name", rows[i].name);
		field_text(row, "value", rows[i].value);
		(void)json_array_append_new(list, row);
	}
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

static void
text_lines(enum store_status status, const char *text, size_t length, void *arg)
{
	struct exchange *exchange = arg;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK)
		message_fail(exchange, status, message_id(exchange));
	else if (!exchange_stream(
		     exchange, "text/plain; charset=utf-8", length))
		return;
	else if (length == 0)
		exchange_stream_end(exchange);
	else
		exchange_stream_part(
		    exchange, text, length, exchange_stream_end);
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

/* ---- GET /v1/messages/ID/parts/N ---- */

/*
 * Sends a part piece by piece, each when the client has read the one before.
 * The first pass through the message tells its size and digest.
 */
struct part {
	int64_t id, number;
	uint64_t left;
	bool has_begun;
	struct store_extract *extract;
};

static void part_piece(enum store_status status, const unsigned char *bytes,
    size_t length, void *arg);

static void
part_free(void *state)
{
	struct part *part = state;

	store_extract_free(part->extract);
	free(part);
}

static void
part_ask(struct exchange *exchange)
{
	struct part *part = exchange_state(exchange);

	exchange_wait(exchange);
	store_extract_next(part->extract, part_piece, exchange);
}

static void
part_written(struct exchange *exchange)
{
	const struct part *part = exchange_state(exchange);

	if (part->left == 0)
		exchange_stream_end(exchange);
	else
		part_ask(exchange);
}

static void
part_piece(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct exchange *exchange = arg;
	struct part *part;

	if (!exchange_resume(exchange))
		return;
	part = exchange_state(exchange);
	/* Deleted meanwhile, or it cannot be read. */
	if (status != STORE_OK || length == 0 || length > part->left) {
		exchange_cut(exchange);
		return;
	}
	part->left -= length;
	exchange_stream_part(exchange, bytes, length, part_written);
}

static bool
part_is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$&+-.^_`|~", c) != NULL);
}

/* RFC 6266: the name in ASCII, and the whole of it as RFC 8187 writes it. */
static void
part_disposition(const char *name, char text_r[DISPOSITION_SIZE])
{
	size_t used;

	if (name == NULL) {
		snprintf(text_r, DISPOSITION_SIZE, "attachment");
		return;
	}
	used = (size_t)snprintf(
	    text_r, DISPOSITION_SIZE, "attachment; filename=\"");
	for (size_t i = 0; name[i] != '\0'; i++) {
		unsigned char c = (unsigned char)name[i];

		/* A character that ASCII has not becomes one "_". */
		if (c < 0x80 || c >= 0xc0)
			text_r[used++] =
			    c < 0x20 || c > 0x7e || strchr("\"\\/%", c) != NULL
				? '_'
				: (char)c;
	}
	used += (size_t)snprintf(
	    text_r + used, DISPOSITION_SIZE - used, "\"; filename*=UTF-8''");
	for (size_t i = 0; name[i] != '\0' && used + 4 < DISPOSITION_SIZE; i++)
		if (part_is_plain(name[i]))
			text_r[used++] = name[i];
		else
			used += (size_t)snprintf(
			    text_r + used, 4, "%%%02X", (unsigned char)name[i]);
	text_r[used] = '\0';
}

static void
part_type(const struct store_part_row *row, char text_r[TYPE_SIZE])
{
	size_t plain = 0;

	if (row->charset != NULL)
		while (part_is_plain(row->charset[plain]))
			plain++;
	if (plain > 0 && row->charset[plain] == '\0')
		snprintf(text_r, TYPE_SIZE, "%s; charset=%s", row->type,
		    row->charset);
	else
		snprintf(text_r, TYPE_SIZE, "%s", row->type);
}

static void
part_begin(struct exchange *exchange, const struct store_part_row *row)
{
	const char *known = exchange_header(exchange, "If-None-Match");
	struct part *part = exchange_state(exchange);
	char disposition[DISPOSITION_SIZE], type[TYPE_SIZE], etag[ETAG_SIZE];

	snprintf(etag, sizeof(etag), "\"%s\"", row->digest);
	exchange_set_header(exchange, "ETag", etag);
	if (known != NULL && etag_is_listed(known, etag)) {
		exchange_answer_not_modified(exchange);
		return;
	}
	part_disposition(row->name, disposition);
	part_type(row, type);
	exchange_set_header(exchange, "Content-Disposition", disposition);
	part->left = row->octets;
	if (exchange_stream(exchange, type, part->left))
		part_written(exchange);
}

static void
part_rows(enum store_status status, const struct store_part_row *rows,
    size_t count, bool is_cut, void *arg)
{
	struct exchange *exchange = arg;
	struct part *part;

	(void)is_cut;
	if (!exchange_resume(exchange))
		return;
	part = exchange_state(exchange);
	if (status != STORE_OK)
		message_fail(exchange, status, part->id);
	else if ((uint64_t)part->number > count)
		exchange_answer(exchange,
		    response_error(404, "no_such_part",
			"\"evpopctl show ID\" (GET /v1/messages/ID) lists "
			"them",
			"message %lld has no part %lld", (long long)part->id,
			(long long)part->number));
	else
		part_begin(exchange, &rows[part->number - 1]);
}

void
message_get_part(struct exchange *exchange)
{
	const char *number = exchange_second_name(exchange);
	struct store *store = exchange_context(exchange)->store;
	struct part *part = calloc(1, sizeof(*part));

	if (part == NULL) {
		exchange_answer(exchange, response_no_memory());
		return;
	}
	exchange_set_state(exchange, part, part_free);
	if (!exchange_id(exchange, &part->id))
		return;
	if (!number_parse(number, 1, INT32_MAX, &part->number)) {
		exchange_answer(
		    exchange, response_error(400, "bad_id",
				  "parts have whole numbers from 1, as GET "
				  "/v1/messages/ID lists them",
				  "\"%.64s\" is no number of a part", number));
		return;
	}
	part->extract =
	    store_extract_new(store, part->id, (unsigned)part->number);
	if (part->extract == NULL) {
		exchange_answer(exchange, response_no_memory());
		return;
	}
	exchange_wait(exchange);
	store_parts(store, part->id, part_rows, exchange);
}
