#include "daemon/store/scan.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/attachment.h"
#include "daemon/store/header.h"
#include "lib/base/header_filter.h"

/*
 * Real headers are a few KiB, those of mailing lists some tens.  What is
 * beyond this is still stored and hashed, but not looked at.
 */
#define HEADER_MAX ((size_t)128 * 1024)

/*
 * All headers together that wait for their end.  Where they are more, one is
 * decoded as far as it came; the first piece of a body is always looked at.
 */
#define HEADERS_MAX ((size_t)8 * 1024 * 1024)

struct store_scan {
	uint64_t octets, lines;
	struct store_digest *digest;
	struct store_envelope envelope;
	bool decoded, has_header_digest;
	struct store_scan_held *held; /* by all; ours is header_length */
	unsigned char header_digest[STORE_DIGEST_SHA256_SIZE];
	unsigned char whole_header_digest[STORE_DIGEST_SHA256_SIZE];
	uint64_t added_octets;
	char *header; /* only where it spans pieces */
	size_t header_length;
	size_t line; /* where in it the last line begins */
	struct store_attachments attachments;
};

struct store_scan *
store_scan_new(struct store_scan_held *held)
{
	struct store_scan *scan = malloc(sizeof(*scan));

	if (scan == NULL)
		return NULL;
	scan->digest = store_digest_new();
	if (scan->digest == NULL) {
		free(scan);
		return NULL;
	}
	scan->held = held;
	scan->octets = scan->lines = scan->added_octets = 0;
	scan->decoded = false;
	scan->has_header_digest = false;
	scan->header = NULL;
	scan->header_length = scan->line = 0;
	memset(&scan->envelope, 0, sizeof(scan->envelope));
	store_attachments_init(&scan->attachments);
	return scan;
}

static void
drop_header(struct store_scan *scan)
{
	atomic_fetch_sub(&scan->held->octets, scan->header_length);
	scan->header_length = 0;
	free(scan->header);
	scan->header = NULL;
}

void
store_scan_free(struct store_scan *scan)
{
	if (scan == NULL)
		return;
	drop_header(scan);
	store_digest_free(scan->digest);
	store_envelope_free(&scan->envelope);
	free(scan);
}

static bool
keep_header(struct store_scan *scan, const char *bytes, size_t length)
{
	char *grown = realloc(scan->header, scan->header_length + length);

	if (grown == NULL)
		return false;
	memcpy(grown + scan->header_length, bytes, length);
	scan->header = grown;
	scan->header_length += length;
	atomic_fetch_add(&scan->held->octets, length);
	return true;
}

struct filtered {
	unsigned char *bytes;
	size_t length;
};

static void
take_part(const unsigned char *bytes, size_t length, bool is_added, void *arg)
{
	struct filtered *filtered = arg;

	if (is_added)
		return;
	memcpy(filtered->bytes + filtered->length, bytes, length);
	filtered->length += length;
}

static bool
digest_filtered(struct store_scan *scan, const char *header, size_t length)
{
	struct filtered filtered = { .bytes = malloc(length + 1) };
	struct evpop_header_filter filter;
	bool done;

	if (filtered.bytes == NULL)
		return false;
	evpop_header_filter_init(&filter, take_part, &filtered);
	evpop_header_filter_feed(
	    &filter, (const unsigned char *)header, length);
	evpop_header_filter_finish(&filter);
	scan->added_octets = evpop_header_filter_added_octets(&filter);
	done = store_digest_sha256(
	    filtered.bytes, filtered.length, scan->header_digest);
	free(filtered.bytes);
	return done;
}

/* A header of its own has an id that no other message has. */
static bool
digest_header(struct store_scan *scan, const char *header, size_t length)
{
	const char *id = scan->envelope.header_id;

	if (id == NULL || id[0] == '\0')
		return true;
	scan->has_header_digest =
	    digest_filtered(scan, header, length) &&
	    (scan->added_octets == 0 ||
		store_digest_sha256(header, length, scan->whole_header_digest));
	return scan->has_header_digest;
}

/* `length` octets of header, and the empty line behind them. */
static bool
decode(struct store_scan *scan, const char *header, size_t length, size_t line)
{
	bool done =
	    store_envelope_decode(header, length + line, &scan->envelope) &&
	    digest_header(scan, header, length);

	scan->decoded = true;
	drop_header(scan);
	return done;
}

/* Its end is too far away: what there is of it tells it from no other. */
static bool
decode_part(struct store_scan *scan, const char *header, size_t length)
{
	bool done = store_envelope_decode(header, length, &scan->envelope);

	scan->decoded = true;
	drop_header(scan);
	return done;
}

/* `end` is behind the empty line. */
static bool
decode_to(struct store_scan *scan, const char *header, size_t end)
{
	size_t line = end > 1 && header[end - 2] == '\r' ? 2 : 1;

	return decode(scan, header, end - line, line);
}

static bool
is_room(const struct store_scan *scan, size_t length)
{
	return length <= HEADERS_MAX - atomic_load(&scan->held->octets);
}

/* The end of what is kept; only the lines that are new are looked at. */
static size_t
kept_header_end(struct store_scan *scan, size_t before)
{
	size_t end = store_header_end(
	    scan->header + scan->line, scan->header_length - scan->line);
	size_t at = scan->header_length;

	if (end > 0)
		return scan->line + end;
	while (at > before && scan->header[at - 1] != '\n')
		at--;
	if (at > before)
		scan->line = at;
	return 0;
}

static bool
look_for_header(struct store_scan *scan, const char *bytes, size_t length)
{
	size_t end, before = scan->header_length;

	if (length > HEADER_MAX - scan->header_length)
		length = HEADER_MAX - scan->header_length;
	if (scan->header == NULL) {
		end = store_header_end(bytes, length);
		if (end > 0)
			return decode_to(scan, bytes, end);
		if (length == HEADER_MAX || !is_room(scan, length))
			return decode_part(scan, bytes, length);
	} else if (!is_room(scan, length))
		return decode_part(scan, scan->header, scan->header_length);
	if (!keep_header(scan, bytes, length))
		return false;
	end = kept_header_end(scan, before);
	if (end > 0)
		return decode_to(scan, scan->header, end);
	return scan->header_length < HEADER_MAX ||
	       decode_part(scan, scan->header, HEADER_MAX);
}

/* In a form that compilers make wide. */
static uint64_t
count_lines(const unsigned char *bytes, size_t length)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < length; i++)
		lines += bytes[i] == '\n';
	return lines;
}

bool
store_scan_feed(struct store_scan *scan, const void *bytes, size_t length)
{
	if (length == 0)
		return true;
	scan->octets += length;
	scan->lines += count_lines(bytes, length);
	store_digest_update(scan->digest, bytes, length);
	store_attachments_feed(&scan->attachments, bytes, length);
	return scan->decoded || look_for_header(scan, bytes, length);
}

bool
store_scan_finish(struct store_scan *scan, struct store_scan_result *result_r)
{
	/* A message that is all header has no empty line. */
	if (!scan->decoded &&
	    !decode(scan, scan->header, scan->header_length, 0))
		return false;
	result_r->octets = scan->octets;
	result_r->lines = scan->lines;
	result_r->envelope = &scan->envelope;
	result_r->attachments = scan->attachments.count;
	store_digest_final(scan->digest, result_r->digest);
	result_r->has_header_digest = scan->has_header_digest;
	memcpy(result_r->header_digest, scan->header_digest,
	    sizeof(result_r->header_digest));
	memcpy(result_r->whole_header_digest, scan->whole_header_digest,
	    sizeof(result_r->whole_header_digest));
	result_r->added_octets = scan->added_octets;
	return true;
}
