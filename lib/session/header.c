#include "lib/session/header.h"

#include <stdlib.h>

#include "lib/auth/digest.h"
#include "lib/base/header_filter.h"

_Static_assert(EVPOP_HEADER_DIGEST_SIZE == EVPOP_SHA256_SIZE, "SHA-256");

struct evpop_header_reader {
	struct evpop_header_filter filter;
	struct evpop_digest_stream *filtered, *whole;
	bool failed;
};

static void
header_feed_digest(struct evpop_header_reader *reader,
    struct evpop_digest_stream *stream, const unsigned char *bytes,
    size_t length)
{
	if (!evpop_digest_stream_feed(stream, bytes, length))
		reader->failed = true;
}

static void
header_part(const unsigned char *bytes, size_t length, bool is_added, void *arg)
{
	struct evpop_header_reader *reader = arg;

	header_feed_digest(reader, reader->whole, bytes, length);
	if (!is_added)
		header_feed_digest(reader, reader->filtered, bytes, length);
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
