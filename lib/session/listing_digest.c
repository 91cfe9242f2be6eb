/* One number for all that a listing says. */
#include <evpop/sync.h>

#include <string.h>

#include "lib/auth/digest.h"

_Static_assert(EVPOP_LISTING_DIGEST_SIZE == EVPOP_SHA256_SIZE, "SHA-256");

/* Octets are gathered: feeding a few costs as much as feeding hundreds. */
struct gathering {
	struct evpop_digest_stream *stream;
	bool failed;
	size_t filled;
	unsigned char bytes[1024];
};

static void
flush(struct gathering *to)
{
	if (!evpop_digest_stream_feed(to->stream, to->bytes, to->filled))
		to->failed = true;
	to->filled = 0;
}

static void
add(struct gathering *to, const void *bytes, size_t length)
{
	if (length > sizeof to->bytes - to->filled)
		flush(to);
	if (length <= sizeof to->bytes) {
		memcpy(to->bytes + to->filled, bytes, length);
		to->filled += length;
	} else if (!evpop_digest_stream_feed(to->stream, bytes, length))
		to->failed = true;
}

static void
add_u32(struct gathering *to, uint32_t value)
{
	unsigned char bytes[4];
	unsigned int i;

	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(value >> 8 * i);
	add(to, bytes, sizeof bytes);
}

static bool
digest(const struct evpop_listing *listing, struct evpop_digest_stream *stream,
    unsigned char *digest_r)
{
	struct gathering gathering = { .stream = stream };
	const struct evpop_entry *entry;
	size_t i;

	for (i = 0; i < listing->count; i++) {
		entry = &listing->entries[i];
		add_u32(&gathering, entry->number);
		add_u32(&gathering, (uint32_t)entry->unique_id_length);
		add(&gathering, entry->unique_id, entry->unique_id_length);
	}
	flush(&gathering);
	return !gathering.failed &&
	       evpop_digest_stream_finish(stream, digest_r);
}

enum evpop_error
evpop_listing_digest(const struct evpop_listing *listing,
    unsigned char digest_r[EVPOP_LISTING_DIGEST_SIZE])
{
	struct evpop_digest_stream *stream;
	bool done;
	size_t i;

	if (!listing->unique_ids || listing->ignored > 0)
		return EVPOP_ERROR_USAGE;
	for (i = 0; i < listing->count; i++)
		if (listing->entries[i].unique_id == NULL)
			return EVPOP_ERROR_USAGE;
	stream = evpop_digest_stream_new();
	if (stream == NULL)
		return EVPOP_ERROR_MEMORY;
	done = digest(listing, stream, digest_r);
	evpop_digest_stream_free(stream);
	return done ? EVPOP_ERROR_NONE : EVPOP_ERROR_MEMORY;
}
