#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/download.h"
#include "daemon/control/handlers.h"
#include "daemon/secret/sealed_form.h"

/* A digest in quotes. */
#define ETAG_SIZE 72

/* The stored bytes of messages, and of messages in quarantine. */
struct raw_kind {
	const char *content_type;
	/* NULL: what comes before is read, and left out. */
	void (*seek)(
	    struct store *, int64_t id, uint64_t octets, store_seek_cb, void *);
	void (*read)(
	    struct store *, int64_t id, uint32_t part, store_part_cb, void *);
	struct response (*missing)(int64_t id);
	/* The same of what is sealed. */
	const struct raw_kind *sealed;
	void (*size)(struct store *, int64_t id, store_sealed_size_cb, void *);
};

/*
 * Sends a message part by part.  It asks the store for the next part when the
 * client has read the one before, so that a slow reader of a large message
 * costs no more memory than one of a small message.
 */
struct raw {
	const struct raw_kind *kind;
	int64_t id;
	struct download download;
	uint32_t part; /* the next one */
	uint64_t skip; /* octets to leave out before the first */
	uint64_t left; /* octets to send */
	/* The status line is sent: a failure closes the connection. */
	bool has_begun;
	char etag[ETAG_SIZE];
};

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

/* ---- parts ---- */

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

/* The status line and the headers; false where they are the answer. */
static bool
raw_begin(struct exchange *exchange)
{
	struct raw *raw = exchange_state(exchange);

	raw->has_begun = true;
	return download_begin(
	    exchange, raw->kind->content_type, &raw->download);
}

static void
raw_part(enum store_status status, const unsigned char *bytes, size_t length,
    void *arg)
{
	struct exchange *exchange = arg;
	struct raw *raw;
	uint64_t skipped;

	if (!exchange_resume(exchange))
		return;
	raw = exchange_state(exchange);
	/* A body whose length is not the announced one is an error. */
	if (status != STORE_OK || (length == 0 && raw->left > 0) ||
	    (!raw->download.is_part && length > raw->left)) {
		raw_fail(exchange, status);
		return;
	}
	skipped = raw->skip < length ? raw->skip : length;
	raw->skip -= skipped;
	bytes += skipped;
	length -= skipped;
	if (length > raw->left)
		length = raw->left;
	raw->part++;
	if (length == 0 && raw->left > 0) {
		raw_ask(exchange);
		return;
	}
	if (!raw->has_begun && !raw_begin(exchange))
		return;
	raw->left -= length;
	if (length == 0)
		exchange_stream_end(exchange);
	else
		exchange_stream_part(exchange, bytes, length, raw_written);
}

/* ---- what is asked for ---- */

static void
raw_sought(enum store_status status, uint32_t part, uint64_t begins, void *arg)
{
	struct exchange *exchange = arg;
	struct raw *raw;

	if (!exchange_resume(exchange))
		return;
	raw = exchange_state(exchange);
	if (status != STORE_OK) {
		raw_fail(exchange, status);
		return;
	}
	raw->part = part;
	raw->skip = raw->download.range.first - begins;
	raw_ask(exchange);
}

/* The message exists and has so many octets. */
static void
raw_choose(struct exchange *exchange, uint64_t octets)
{
	struct raw *raw = exchange_state(exchange);

	if (!download_choose(exchange, raw->etag, octets, &raw->download))
		return;
	raw->left = raw->download.range.length;
	if (exchange_is_head(exchange)) {
		(void)raw_begin(exchange);
	} else if (raw->download.range.first == 0 || raw->kind->seek == NULL) {
		raw->skip = raw->download.range.first;
		raw_ask(exchange);
	} else {
		exchange_wait(exchange);
		raw->kind->seek(exchange_context(exchange)->store, raw->id,
		    raw->download.range.first, raw_sought, exchange);
	}
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
raw_sealed(
    enum store_status status, uint64_t octets, const char *tag, void *arg)
{
	struct exchange *exchange = arg;
	struct raw *raw;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		raw_fail(exchange, status);
		return;
	}
	raw = exchange_state(exchange);
	snprintf(raw->etag, sizeof(raw->etag), "\"sealed-%s\"", tag);
	raw_choose(exchange, octets);
}

/* Nobody here can read it: it is sent as it is, in a form of its own. */
static void
raw_choose_sealed(struct exchange *exchange)
{
	struct raw *raw = exchange_state(exchange);

	raw->kind = raw->kind->sealed;
	exchange_wait(exchange);
	raw->kind->size(
	    exchange_context(exchange)->store, raw->id, raw_sealed, exchange);
}

/* ---- GET /v1/messages/ID/raw ---- */

static void
raw_message(
    enum store_status status, const struct store_message_row *row, void *arg)
{
	struct exchange *exchange = arg;
	struct raw *raw;

	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK) {
		raw_fail(exchange, status);
		return;
	}
	if (row->is_sealed) {
		raw_choose_sealed(exchange);
		return;
	}
	raw = exchange_state(exchange);
	snprintf(raw->etag, sizeof(raw->etag), "\"%s\"", row->digest);
	raw_choose(exchange, row->octets);
}

void
messages_get_raw(struct exchange *exchange)
{
	static const struct raw_kind sealed = {
		.content_type = SEALED_MEDIA_TYPE,
		.read = store_sealed_read,
		.missing = response_no_message,
		.size = store_sealed_size,
	};
	static const struct raw_kind kind = { "message/rfc822", store_body_seek,
		store_body_read, response_no_message, &sealed, NULL };
	const struct raw *raw = raw_new(exchange, &kind);

	if (raw == NULL)
		return;
	exchange_wait(exchange);
	store_message(
	    exchange_context(exchange)->store, raw->id, raw_message, exchange);
}

/* ---- GET /v1/quarantine/ID/raw ---- */

static void
raw_quarantined(enum store_status status,
    const struct store_quarantine_row *rows, size_t count, bool more, void *arg)
{
	struct exchange *exchange = arg;
	struct raw *raw;

	(void)more;
	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK || count == 0) {
		raw_fail(exchange, status);
		return;
	}
	if (rows[0].is_sealed) {
		raw_choose_sealed(exchange);
		return;
	}
	/* It has no digest, but its id is never given to another. */
	raw = exchange_state(exchange);
	snprintf(raw->etag, sizeof(raw->etag), "\"quarantine-%lld\"",
	    (long long)raw->id);
	raw_choose(exchange, rows[0].octets);
}

void
messages_get_raw_quarantined(struct exchange *exchange)
{
	/* Few of them are whole messages. */
	static const struct raw_kind sealed = {
		.content_type = SEALED_MEDIA_TYPE,
		.read = store_sealed_quarantine_read,
		.missing = response_not_quarantined,
		.size = store_sealed_quarantine_size,
	};
	static const struct raw_kind kind = { "application/octet-stream",
		store_quarantine_seek, store_quarantine_read,
		response_not_quarantined, &sealed, NULL };
	const struct raw *raw = raw_new(exchange, &kind);

	if (raw == NULL)
		return;
	exchange_wait(exchange);
	store_quarantine(exchange_context(exchange)->store, raw->id,
	    raw_quarantined, exchange);
}
