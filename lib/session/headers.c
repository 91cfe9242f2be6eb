#include "lib/session/headers.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/auth/digest.h"
#include "lib/base/header_filter.h"

_Static_assert(EVPOP_HEADER_DIGEST_SIZE == EVPOP_SHA256_SIZE, "SHA-256");

/* TOPs that are handed to the client ahead of their answers. */
#define HEADERS_AHEAD 128

/* So many refusals in a row, from the first on, mean that TOP is of no use. */
#define REFUSALS_MAX 8

/* ---- one header ---- */

struct evpop_header_reader {
	struct evpop_header_filter filter;
	struct evpop_digest_stream *filtered, *whole;
	bool failed;
};

static void
header_part(const unsigned char *bytes, size_t length, bool is_added, void *arg)
{
	struct evpop_header_reader *reader = arg;

	if (!evpop_digest_stream_feed(reader->whole, bytes, length) ||
	    (!is_added &&
		!evpop_digest_stream_feed(reader->filtered, bytes, length)))
		reader->failed = true;
}

struct evpop_header_reader *
evpop_header_reader_new(void)
{
	struct evpop_header_reader *reader;

	reader = calloc(1, sizeof *reader);
	if (reader == NULL)
		return NULL;
	evpop_header_filter_init(&reader->filter, header_part, reader);
	reader->filtered = evpop_digest_stream_new();
	reader->whole = evpop_digest_stream_new();
	if (reader->filtered == NULL || reader->whole == NULL) {
		evpop_header_reader_free(reader);
		return NULL;
	}
	return reader;
}

void
evpop_header_reader_feed(struct evpop_header_reader *reader,
    const unsigned char *bytes, size_t length)
{
	evpop_header_filter_feed(&reader->filter, bytes, length);
}

bool
evpop_header_reader_finish(
    struct evpop_header_reader *reader, struct evpop_header *header_r)
{
	evpop_header_filter_finish(&reader->filter);
	header_r->added_octets =
	    evpop_header_filter_added_octets(&reader->filter);
	header_r->added_lines =
	    evpop_header_filter_added_lines(&reader->filter);
	return !reader->failed &&
	       evpop_digest_stream_finish(reader->filtered, header_r->digest) &&
	       evpop_digest_stream_finish(
		   reader->whole, header_r->whole_digest);
}

void
evpop_header_reader_free(struct evpop_header_reader *reader)
{
	if (reader == NULL)
		return;
	evpop_digest_stream_free(reader->filtered);
	evpop_digest_stream_free(reader->whole);
	free(reader);
}

/* ---- as many as are asked for ---- */

/* One TOP that is under way. */
struct look {
	struct evpop_headers *headers;
	uint32_t index; /* of the entry */
	struct evpop_header_reader *reader;
};

struct evpop_headers {
	struct evpop_client *client;
	const struct evpop_listing *listing;
	const struct evpop_headers_callbacks *callbacks;
	void *arg;
	const uint32_t *indices;
	size_t count, next;
	struct look ring[HEADERS_AHEAD]; /* in their order */
	size_t first, ahead;
	size_t refusals;
	bool is_answered; /* at least one, so that others may be ahead */
	bool is_stopped;
};

static void headers_go_on(struct evpop_headers *);

struct evpop_headers *
evpop_headers_new(struct evpop_client *client,
    const struct evpop_listing *listing, const uint32_t *indices, size_t count,
    const struct evpop_headers_callbacks *callbacks, void *arg)
{
	struct evpop_headers *headers;

	headers = calloc(1, sizeof *headers);
	if (headers == NULL)
		return NULL;
	headers->client = client;
	headers->listing = listing;
	headers->callbacks = callbacks;
	headers->arg = arg;
	headers->indices = indices;
	headers->count = count;
	return headers;
}

void
evpop_headers_free(struct evpop_headers *headers)
{
	size_t i;

	if (headers == NULL)
		return;
	for (i = 0; i < headers->ahead; i++)
		evpop_header_reader_free(
		    headers->ring[(headers->first + i) % HEADERS_AHEAD].reader);
	free(headers);
}

void
evpop_headers_stop(struct evpop_headers *headers)
{
	if (headers != NULL)
		headers->is_stopped = true;
}

/* Whether the server says that it has TOP. */
static bool
headers_are_offered(const struct evpop_headers *headers)
{
	return evpop_client_capabilities(headers->client)->top;
}

static enum evpop_flow
headers_data(struct evpop_client *client, const unsigned char *bytes,
    size_t length, void *arg)
{
	struct look *look = arg;

	(void)client;
	evpop_header_reader_feed(look->reader, bytes, length);
	return EVPOP_FLOW_CONTINUE;
}

static void
headers_note_refusal(struct evpop_headers *headers)
{
	headers->refusals++;
	if (!headers->is_answered && (headers->refusals == REFUSALS_MAX ||
					 !headers_are_offered(headers)))
		headers->is_stopped = true;
}

static void
headers_end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct look look = *(struct look *)arg;
	struct evpop_headers *headers = look.headers;
	struct evpop_header header;

	(void)client;
	(void)number;
	assert(arg == &headers->ring[headers->first]);
	headers->first = (headers->first + 1) % HEADERS_AHEAD;
	headers->ahead--;
	if (result->error == EVPOP_ERROR_NONE) {
		headers->is_answered = true;
		if (evpop_header_reader_finish(look.reader, &header))
			headers->callbacks->seen(
			    look.index, &header, headers->arg);
	} else
		headers_note_refusal(headers);
	evpop_header_reader_free(look.reader);
	/* The end of the session tells why it ends. */
	if (result->error == EVPOP_ERROR_NONE ||
	    result->error == EVPOP_ERROR_REFUSED)
		headers_go_on(headers);
}

static const struct evpop_sink headers_sink = {
	.data = headers_data,
	.end = headers_end,
};

static enum evpop_error
headers_ask(struct evpop_headers *headers)
{
	struct look *look =
	    &headers->ring[(headers->first + headers->ahead) % HEADERS_AHEAD];
	enum evpop_error error;

	look->headers = headers;
	look->index = headers->indices[headers->next];
	look->reader = evpop_header_reader_new();
	if (look->reader == NULL)
		return EVPOP_ERROR_MEMORY;
	error = evpop_client_top(headers->client,
	    headers->listing->entries[look->index].number, 0, &headers_sink,
	    look);
	if (error != EVPOP_ERROR_NONE) {
		evpop_header_reader_free(look->reader);
		return error;
	}
	headers->ahead++;
	headers->next++;
	return EVPOP_ERROR_NONE;
}

static enum evpop_headers_end
headers_outcome(const struct evpop_headers *headers)
{
	if (headers->is_answered)
		return EVPOP_HEADERS_ANSWERED;
	return headers_are_offered(headers) ? EVPOP_HEADERS_REFUSED
					    : EVPOP_HEADERS_NONE;
}

static void
headers_go_on(struct evpop_headers *headers)
{
	size_t most = headers->is_answered ? HEADERS_AHEAD : 1;
	enum evpop_error error;

	while (!headers->is_stopped && headers->next < headers->count &&
	       headers->ahead < most) {
		error = headers_ask(headers);
		if (error != EVPOP_ERROR_NONE) {
			headers->is_stopped = true;
			headers->callbacks->failed(error,
			    "no memory to look at headers", headers->arg);
			return;
		}
	}
	if (headers->ahead == 0)
		headers->callbacks->done(
		    headers_outcome(headers), headers->arg);
}

void
evpop_headers_start(struct evpop_headers *headers)
{
	headers_go_on(headers);
}
