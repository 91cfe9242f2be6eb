#include <stdlib.h>

#include "daemon/control/field.h"
#include "daemon/control/handlers.h"

/* ---- raw bytes ---- */

/* The stored bytes of messages, and of messages in quarantine. */
struct raw_kind {
	const char *content_type;
	void (*read)(
	    struct store *, int64_t id, uint32_t part, store_part_cb, void *);
	struct response (*missing)(int64_t id);
};

/*
 * Sends a message part by part.  It asks the store for the next part when the
 * client has read the one before, so that a slow reader of a large message
 * costs no more memory than one of a small message.
 */
struct raw {
	const struct raw_kind *kind;
	int64_t id;
	uint32_t part;
	uint64_t left;
	bool has_begun; /* the status line is sent: a failure closes the
			   connection */
};

static void raw_part(enum store_status status, const unsigned char *bytes,
    size_t length, void *arg);

static void
raw_ask(struct exchange *exchange)
{
	const struct raw *raw = exchange_state(exchange);

	exchange_wait(exchange);
	raw->kind->read(exchange_context(exchange)->store, raw->id, raw->part,
	    raw_part, exchange);
}

static void
raw_written(struct exchange *exchange)
{
	const struct raw *raw = exchange_state(exchange);

	if (raw->left == 0)
		exchange_stream_end(exchange);
	else
		raw_ask(exchange);
}

static void
raw_fail(struct exchange *exchange, enum store_status status)
{
	const struct raw *raw = exchange_state(exchange);

	if (raw->has_begun)
		exchange_cut(exchange);
	else if (status == STORE_NOT_FOUND)
		exchange_answer(exchange, raw->kind->missing(raw->id));
	else
		exchange_answer(exchange,
		    response_store(
			status == STORE_OK ? STORE_DAMAGED : status, NULL));
}

static void
raw_part(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct exchange *exchange = arg;
	struct raw *raw;

	if (!exchange_resume(exchange))
		return;
	raw = exchange_state(exchange);
	/* A body whose length is not the announced one is an error. */
	if (status != STORE_OK || length > raw->left ||
	    (length == 0 && raw->left > 0)) {
		raw_fail(exchange, status);
		return;
	}
	if (!raw->has_begun) {
		raw->has_begun = true;
		if (!exchange_stream(
			exchange, raw->kind->content_type, raw->left))
			return;
	}
	if (length == 0) {
		exchange_stream_end(exchange);
		return;
	}
	raw->left -= length;
	raw->part++;
	exchange_stream_part(exchange, bytes, length, raw_written);
}

static void
raw_begin(struct exchange *exchange, enum store_status status, uint64_t octets)
{
	struct raw *raw = exchange_state(exchange);

	if (status != STORE_OK) {
		raw_fail(exchange, status);
		return;
	}
	raw->left = octets;
	raw_ask(exchange);
}

/* NULL, after answering, if the request is wrong. */
static struct raw *
raw_new(struct exchange *exchange, const struct raw_kind *kind)
{
	struct raw *raw = calloc(1, sizeof(*raw));

	if (raw == NULL) {
		exchange_answer(exchange, response_no_memory());
		return NULL;
	}
	exchange_set_state(exchange, raw, free);
	raw->kind = kind;
	return exchange_id(exchange, &raw->id) ? raw : NULL;
}

static void
raw_message(
    enum store_status status, const struct store_message_row *row, void *arg)
{
	struct exchange *exchange = arg;

	if (exchange_resume(exchange))
		raw_begin(
		    exchange, status, status == STORE_OK ? row->octets : 0);
}

void
messages_get_raw(struct exchange *exchange)
{
	static const struct raw_kind kind = { "message/rfc822", store_body_read,
		response_no_message };
	const struct raw *raw = raw_new(exchange, &kind);

	if (raw == NULL)
		return;
	exchange_wait(exchange);
	store_message(
	    exchange_context(exchange)->store, raw->id, raw_message, exchange);
}

static void
raw_quarantined(enum store_status status,
    const struct store_quarantine_row *rows, size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;

	(void)more;
	if (exchange_resume(exchange))
		raw_begin(exchange, status, count > 0 ? rows[0].octets : 0);
}

void
messages_get_raw_quarantined(struct exchange *exchange)
{
	/* Few of them are whole messages. */
	static const struct raw_kind kind = { "application/octet-stream",
		store_quarantine_read, response_not_quarantined };
	const struct raw *raw = raw_new(exchange, &kind);

	if (raw == NULL)
		return;
	exchange_wait(exchange);
	store_quarantine(exchange_context(exchange)->store, raw->id,
	    raw_quarantined, exchange);
}
