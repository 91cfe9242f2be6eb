/* GET /v1/messages/ID/parts/N */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/download.h"
#include "daemon/control/handlers.h"
#include "daemon/store/reading.h"
#include "lib/base/url.h"

/* A name of 1 KiB may need three octets for each of its own. */
#define DISPOSITION_SIZE 4096
#define TYPE_SIZE        320
#define ETAG_SIZE        80

/*
 * Sends a part piece by piece, each when the client has read the one before.
 * The first pass through the message tells its size and digest.
 */
struct part {
	int64_t id, number;
	uint64_t skip; /* octets to leave out before the first */
	uint64_t left; /* octets to send */
	bool is_part;  /* others follow those */
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
	uint64_t skipped;

	if (!exchange_resume(exchange))
		return;
	part = exchange_state(exchange);
	skipped = part->skip < length ? part->skip : length;
	part->skip -= skipped;
	/* Deleted meanwhile, or it cannot be read. */
	if (status != STORE_OK || length == 0 ||
	    (!part->is_part && length > part->left)) {
		exchange_cut(exchange);
		return;
	}
	bytes += skipped;
	length -= skipped;
	if (length > part->left)
		length = part->left;
	part->left -= length;
	if (length == 0)
		part_ask(exchange);
	else
		exchange_stream_part(exchange, bytes, length, part_written);
}

/* "attr-char" of RFC 8187 section 3.2.1. */
static bool
part_is_plain(char c)
{
	return evpop_url_is_plain(c) ||
	       (c != '\0' && strchr("!#$&+^`|", c) != NULL);
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
			used += evpop_url_quote(name[i], text_r + used);
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
	struct part *part = exchange_state(exchange);
	char disposition[DISPOSITION_SIZE], type[TYPE_SIZE], etag[ETAG_SIZE];
	struct download download;

	snprintf(etag, sizeof(etag), "\"%s\"", row->digest);
	if (!download_choose(exchange, etag, row->octets, &download))
		return;
	part_disposition(row->name, disposition);
	part_type(row, type);
	exchange_set_header(exchange, "Content-Disposition", disposition);
	part->is_part = download.is_part;
	part->skip = download.range.first;
	part->left = download.range.length;
	if (download_begin(exchange, type, &download))
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
