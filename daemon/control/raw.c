#include <stdlib.h>

#include "daemon/control/exchange.h"
#include "daemon/control/handlers.h"

/* What bytes are kept of: messages, and what came of those in quarantine. */
struct raw_kind {
	const char *content_type;
	void (*read)(
	    struct store *, int64_t id, uint32_t part, store_part_cb, void *);
	struct answer (*missing)(int64_t id);
};

/*
 * The bytes of one, part by part.  The next part is asked of the store when
 * the client has taken the one before, so that a slow reader of a large
 * message costs no more memory than one of a small message.
 */
struct raw {
	const struct raw_kind *kind;
	int64_t id;
	uint32_t part;
	uint64_t left;
	bool begun; /* the status line is out: trouble can only be a cut */
};

static void part_came(enum store_status status, const unsigned char *bytes,
    size_t length, void *arg);

static void
ask_part(struct exchange *exchange)
{
	const struct raw *raw = exchange_state(exchange);

	exchange_wait(exchange);
	raw->kind->read(exchange_context(exchange)->store, raw->id, raw->part,
	    part_came, exchange);
}

static void
part_written(struct exchange *exchange)
{
	const struct raw *raw = exchange_state(exchange);

	if (raw->left == 0)
		exchange_stream_end(exchange);
	else
		ask_part(exchange);
}

static void
fail(struct exchange *exchange, enum store_status status)
{
	const struct raw *raw = exchange_state(exchange);

	if (raw->begun)
		exchange_cut(exchange);
	else if (status == STORE_NOT_FOUND)
		exchange_answer(exchange, raw->kind->missing(raw->id));
	else
		exchange_answer(exchange,
		    answer_store(
			status == STORE_OK ? STORE_DAMAGED : status, NULL));
}

static void
part_came(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct exchange *exchange = arg;
	struct raw *raw;

	if (!exchange_resume(exchange))
		return;
	raw = exchange_state(exchange);
	/* A body that ends too soon, or too late, is not what was promised. */
	if (status != STORE_OK || length > raw->left ||
	    (length == 0 && raw->left > 0)) {
		fail(exchange, status);
		return;
	}
	if (!raw->begun) {
		raw->begun = true;
		exchange_stream(exchange, raw->kind->content_type, raw->left);
	}
	if (length == 0) {
		exchange_stream_end(exchange);
		return;
	}
	raw->left -= length;
	raw->part++;
	exchange_stream_part(exchange, bytes, length, part_written);
}

/* How many octets there are is known, or why not. */
static void
begin(struct exchange *exchange, enum store_status status, uint64_t octets)
{
	struct raw *raw = exchange_state(exchange);

	if (status != STORE_OK) {
		fail(exchange, status);
		return;
	}
	raw->left = octets;
	ask_part(exchange);
}

/* NULL, and the exchange answered, where the request is not good. */
static struct raw *
new_raw(struct exchange *exchange, const struct raw_kind *kind)
{
	struct raw *raw = calloc(1, sizeof(*raw));

	if (raw == NULL) {
		exchange_answer(exchange,
		    answer_error(503, "out_of_memory", NULL, "out of memory"));
		return NULL;
	}
	exchange_set_state(exchange, raw, free);
	raw->kind = kind;
	return exchange_id(exchange, &raw->id) ? raw : NULL;
}

/* ---- GET /v1/messages/ID/raw ---- */

static void
message_came(
    enum store_status status, const struct store_message_row *row, void *arg)
{
	struct exchange *exchange = arg;

	if (exchange_resume(exchange))
		begin(exchange, status, status == STORE_OK ? row->octets : 0);
}

void
raw_get(struct exchange *exchange)
{
	static const struct raw_kind kind = { "message/rfc822", store_body_read,
		answer_no_message };
	const struct raw *raw = new_raw(exchange, &kind);

	if (raw == NULL)
		return;
	exchange_wait(exchange);
	store_message(
	    exchange_context(exchange)->store, raw->id, message_came, exchange);
}

/* ---- GET /v1/quarantine/ID/raw ---- */

static void
quarantined_came(enum store_status status,
    const struct store_quarantine_row *rows, size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;

	(void)more;
	if (exchange_resume(exchange))
		begin(exchange, status, count > 0 ? rows[0].octets : 0);
}

void
raw_get_quarantined(struct exchange *exchange)
{
	/* Few of them are whole messages. */
	static const struct raw_kind kind = { "application/octet-stream",
		store_quarantine_read, answer_not_quarantined };
	const struct raw *raw = new_raw(exchange, &kind);

	if (raw == NULL)
		return;
	exchange_wait(exchange);
	store_quarantine(exchange_context(exchange)->store, raw->id,
	    quarantined_came, exchange);
}
