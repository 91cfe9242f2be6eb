#include <stdlib.h>

#include "daemon/control/exchange.h"
#include "daemon/control/handlers.h"

/*
 * The bytes of a message, part by part.  The next part is asked of the store
 * when the client has taken the one before, so that a slow reader of a large
 * message costs no more memory than one of a small message.
 */
struct raw {
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
	store_body_read(exchange_context(exchange)->store, raw->id, raw->part,
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
		exchange_answer(exchange, answer_no_message(raw->id));
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
		exchange_stream(exchange, "message/rfc822", raw->left);
	}
	if (length == 0) {
		exchange_stream_end(exchange);
		return;
	}
	raw->left -= length;
	raw->part++;
	exchange_stream_part(exchange, bytes, length, part_written);
}

static void
row_came(
    enum store_status status, const struct store_message_row *row, void *arg)
{
	struct exchange *exchange = arg;
	struct raw *raw;

	if (!exchange_resume(exchange))
		return;
	raw = exchange_state(exchange);
	if (status != STORE_OK) {
		fail(exchange, status);
		return;
	}
	raw->left = row->octets;
	ask_part(exchange);
}

void
raw_get(struct exchange *exchange)
{
	struct raw *raw = calloc(1, sizeof(*raw));

	if (raw == NULL) {
		exchange_answer(exchange,
		    answer_error(503, "out_of_memory", NULL, "out of memory"));
		return;
	}
	exchange_set_state(exchange, raw, free);
	if (!number_parse(exchange_name(exchange), 1, INT64_MAX, &raw->id)) {
		exchange_answer(
		    exchange, answer_bad_id(exchange_name(exchange)));
		return;
	}
	exchange_wait(exchange);
	store_message(
	    exchange_context(exchange)->store, raw->id, row_came, exchange);
}
