#include "lib/session/header.h"

#include <stdlib.h>
#include <string.h>

#include "lib/auth/digest.h"

_Static_assert(EVPOP_HEADER_DIGEST_SIZE == EVPOP_SHA256_SIZE, "SHA-256");

enum place {
	AT_LINE_START = 0,
	BEHIND_CR, /* the first octet of a line, and held back */
	IN_LINE,
	BEHIND_HEADER
};

struct evpop_header {
	struct evpop_digest_stream *stream;
	enum place place;
	bool failed;
};

struct evpop_header *
evpop_header_new(void)
{
	struct evpop_header *header;

	header = calloc(1, sizeof *header);
	if (header == NULL)
		return NULL;
	header->stream = evpop_digest_stream_new();
	if (header->stream == NULL) {
		free(header);
		return NULL;
	}
	return header;
}

static void
digest(struct evpop_header *header, const void *bytes, size_t length)
{
	if (!evpop_digest_stream_feed(header->stream, bytes, length))
		header->failed = true;
}

/* How much of the bytes belongs to the line that has begun. */
static size_t
rest_of_line(
    struct evpop_header *header, const unsigned char *bytes, size_t length)
{
	const unsigned char *end = memchr(bytes, '\n', length);

	if (end == NULL)
		return length;
	header->place = AT_LINE_START;
	return (size_t)(end - bytes) + 1;
}

void
evpop_header_feed(
    struct evpop_header *header, const unsigned char *bytes, size_t length)
{
	size_t count;

	while (length > 0 && header->place != BEHIND_HEADER) {
		count = 1;
		if (header->place == IN_LINE) {
			count = rest_of_line(header, bytes, length);
			digest(header, bytes, count);
		} else if (bytes[0] == '\n') {
			header->place = BEHIND_HEADER;
		} else if (header->place == BEHIND_CR) {
			digest(header, "\r", 1);
			header->place = IN_LINE;
			count = 0;
		} else if (bytes[0] == '\r') {
			header->place = BEHIND_CR;
		} else {
			header->place = IN_LINE;
			count = 0;
		}
		bytes += count;
		length -= count;
	}
}

bool
evpop_header_finish(struct evpop_header *header,
    unsigned char digest_r[EVPOP_HEADER_DIGEST_SIZE])
{
	if (header->place == BEHIND_CR)
		digest(header, "\r", 1);
	return !header->failed &&
	       evpop_digest_stream_finish(header->stream, digest_r);
}

void
evpop_header_free(struct evpop_header *header)
{
	if (header == NULL)
		return;
	evpop_digest_stream_free(header->stream);
	free(header);
}
