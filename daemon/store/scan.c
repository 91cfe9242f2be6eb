#include "daemon/store/scan.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/mail/parts.h"
#include "daemon/store/mail/words.h"
#include "daemon/store/same_digest.h"
#include "lib/base/header_filter.h"

/*
 * Real headers are a few KiB, those of mailing lists some tens.  What is
 * beyond this is still stored and hashed, but taken for text.
 */
#define HEADER_MAX ((size_t)128 * 1024)

/*
 * All headers together that wait for their end.  Where they are more, one is
 * decoded as far as it came; the first piece of a body is always looked at.
 */
#define HEADERS_MAX ((size_t)8 * 1024 * 1024)

/* The names of all attachments of one message; others are left out. */
#define NAMES_MAX ((size_t)64 * 1024)

struct store_scan {
	uint64_t octets, lines;
	struct store_digest *digest;
	/* The header, until its end is there. */
	struct store_scan_held *held; /* by all; ours is header_length */
	struct mail_header_edge edge;
	char *header; /* only where it spans pieces */
	size_t header_length;
	size_t line; /* where in it the last line begins */
	/* What it says. */
	bool is_decoded, has_header_digest;
	struct mail_envelope envelope;
	unsigned char header_digest[STORE_DIGEST_SHA256_SIZE];
	unsigned char whole_header_digest[STORE_DIGEST_SHA256_SIZE];
	uint64_t added_octets;
	/* What follows it. */
	struct mail_parts *parts;
	uint32_t attachments;
	bool has_charset, is_beyond, is_cut;
	char charset[MAIL_CHARSET_SIZE]; /* of the first text that names one */
	/* For a seal. */
	struct store_same_digest *same; /* NULL: it is for none */
	char *names;
	size_t names_length, names_room;
	bool has_failed; /* without memory for a name */
};

/* ---- parts ---- */

static void
scan_keep_name(struct store_scan *scan, const char *name, size_t length)
{
	char *grown;
	size_t room = scan->names_room;

	if (length >= NAMES_MAX - scan->names_length ||
	    memchr(name, '\0', length) != NULL)
		return;
	while (room < scan->names_length + length + 1)
		room = room == 0 ? 256 : room * 2;
	grown =
	    room == scan->names_room ? scan->names : realloc(scan->names, room);
	if (grown == NULL) {
		scan->has_failed = true;
		return;
	}
	scan->names = grown;
	scan->names_room = room;
	memcpy(grown + scan->names_length, name, length);
	grown[scan->names_length + length] = '\0';
	scan->names_length += length + 1;
}

static void
scan_count(void *arg, const char *name, size_t length)
{
	struct store_scan *scan = arg;

	scan->attachments++;
	if (scan->same != NULL && name != NULL)
		scan_keep_name(scan, name, length);
}

static bool
scan_text_begins(void *arg, enum mail_text_kind kind, const char *charset)
{
	struct store_scan *scan = arg;

	(void)kind;
	scan->is_cut |= scan->is_beyond;
	if (charset == NULL || scan->has_charset)
		return false;
	strcpy(scan->charset, charset);
	scan->has_charset = true;
	return false;
}

static const struct mail_parts_sink sink = {
	.attached = scan_count,
	.text_begins = scan_text_begins,
};

/* Bytes of the body; text beyond what the index looks at is cut there. */
static void
scan_feed_parts(struct store_scan *scan, const char *bytes, size_t length)
{
	uint64_t from = scan->octets - length;

	if (!scan->is_beyond && scan->octets > MAIL_WORDS_LOOK) {
		size_t near = from < MAIL_WORDS_LOOK
				  ? (size_t)(MAIL_WORDS_LOOK - from)
				  : 0;

		mail_parts_feed(scan->parts, bytes, near);
		scan->is_beyond = true;
		scan->is_cut |= mail_parts_is_in_text(scan->parts);
		bytes += near;
		length -= near;
	}
	mail_parts_feed(scan->parts, bytes, length);
}

/* ---- the header ---- */

struct store_scan *
store_scan_new(struct store_scan_held *held, enum store_scan_for use)
{
	struct store_scan *scan = calloc(1, sizeof(*scan));

	if (scan == NULL)
		return NULL;
	scan->held = held;
	scan->digest = store_digest_new();
	if (use == STORE_SCAN_FOR_SEAL)
		scan->same = store_same_digest_new(STORE_SAME_UNLESS_PLAIN);
	if (scan->digest == NULL ||
	    (use == STORE_SCAN_FOR_SEAL && scan->same == NULL)) {
		store_scan_free(scan);
		return NULL;
	}
	mail_header_edge_init(&scan->edge, MAIL_HEADER_OF_MESSAGE);
	return scan;
}

static void
scan_drop_header(struct store_scan *scan)
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
	scan_drop_header(scan);
	store_digest_free(scan->digest);
	store_same_digest_free(scan->same);
	free(scan->names);
	mail_envelope_free(&scan->envelope);
	mail_parts_free(scan->parts);
	free(scan);
}

static bool
scan_keep_header(struct store_scan *scan, const char *bytes, size_t length)
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
scan_take_filtered(
    const unsigned char *bytes, size_t length, bool is_added, void *arg)
{
	struct filtered *filtered = arg;

	if (is_added)
		return;
	memcpy(filtered->bytes + filtered->length, bytes, length);
	filtered->length += length;
}

static bool
scan_digest_filtered(struct store_scan *scan, const char *header, size_t length)
{
	struct filtered filtered = { .bytes = malloc(length + 1) };
	struct evpop_header_filter filter;
	bool done;

	if (filtered.bytes == NULL)
		return false;
	evpop_header_filter_init(&filter, scan_take_filtered, &filtered);
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
scan_digest_header(struct store_scan *scan, const char *header, size_t length)
{
	const char *id = scan->envelope.header_id;

	if (id == NULL || id[0] == '\0')
		return true;
	scan->has_header_digest =
	    scan_digest_filtered(scan, header, length) &&
	    (scan->added_octets == 0 ||
		store_digest_sha256(header, length, scan->whole_header_digest));
	return scan->has_header_digest;
}

/*
 * The library compares digests of headers as well.  It knows headers with
 * nothing before them and with lines of text only.
 */
static bool
scan_is_well_formed(const struct store_scan *scan, const char *bytes,
    size_t header, size_t body)
{
	return scan->edge.blanks == 0 &&
	       (body == header || body - header == 1 ||
		   (body - header == 2 && bytes[header] == '\r'));
}

static bool
scan_has_room(const struct store_scan *scan, size_t length)
{
	return length <= HEADERS_MAX - atomic_load(&scan->held->octets);
}

/* One whose charset only a part may name is kept, to be read again. */
static bool
scan_keep_unread(struct store_scan *scan, const char *bytes, size_t header)
{
	if (!scan->envelope.wants_charset || !scan_has_room(scan, header)) {
		if (scan->header != NULL)
			scan_drop_header(scan);
		return true;
	}
	if (scan->header == NULL)
		return scan_keep_header(scan, bytes, header);
	atomic_fetch_sub(&scan->held->octets, scan->header_length - header);
	scan->header_length = header;
	return true;
}

/*
 * So many of these bytes are header; `body` is where the rest begins.  A
 * message may have no header at all.
 */
static bool
scan_decode(struct store_scan *scan, const char *bytes, size_t length,
    size_t header, size_t body, bool is_whole)
{
	scan->is_decoded = true;
	if (!mail_header_is_one(bytes, header))
		header = body = 0;
	if (!mail_envelope_read(bytes, header, NULL, &scan->envelope) ||
	    (is_whole && scan_is_well_formed(scan, bytes, header, body) &&
		!scan_digest_header(scan, bytes, header)))
		return false;
	scan->parts = mail_parts_new(&sink, scan, bytes, header);
	if (scan->parts == NULL)
		return false;
	mail_parts_feed(scan->parts, bytes + body, length - body);
	return scan_keep_unread(scan, bytes, header);
}

/* The end of the header is too far away: this much of it identifies nothing. */
static bool
scan_decode_part(struct store_scan *scan, const char *bytes, size_t length)
{
	scan->is_cut = true;
	return scan_decode(scan, bytes, length, length, length, false);
}

/* In the first piece, where most headers end. */
static bool
scan_look_in_first(struct store_scan *scan, const char *bytes, size_t length)
{
	size_t header, at = 0;

	if (mail_header_find_end(&scan->edge, bytes, length, &at, &header))
		return scan_decode(scan, bytes, length, header, at, true);
	scan->line = at;
	if (length == HEADER_MAX || !scan_has_room(scan, length))
		return scan_decode_part(scan, bytes, length);
	return scan_keep_header(scan, bytes, length);
}

/* In what is kept; only lines that are new are looked at. */
static bool
scan_look_in_kept(struct store_scan *scan, const char *bytes, size_t length)
{
	size_t header;

	if (!scan_keep_header(scan, bytes, length))
		return false;
	if (memchr(bytes, '\n', length) != NULL &&
	    mail_header_find_end(&scan->edge, scan->header, scan->header_length,
		&scan->line, &header))
		return scan_decode(scan, scan->header, scan->header_length,
		    header, scan->line, true);
	return scan->header_length < HEADER_MAX ||
	       scan_decode_part(scan, scan->header, HEADER_MAX);
}

/* *used_r is how many of these bytes have been looked at. */
static bool
scan_look_for_header(
    struct store_scan *scan, const char *bytes, size_t length, size_t *used_r)
{
	if (length > HEADER_MAX - scan->header_length)
		length = HEADER_MAX - scan->header_length;
	*used_r = length;
	if (scan->header == NULL)
		return scan_look_in_first(scan, bytes, length);
	if (scan_has_room(scan, length))
		return scan_look_in_kept(scan, bytes, length);
	*used_r = 0;
	return scan_decode_part(scan, scan->header, scan->header_length);
}

/* Read again what had to wait for a charset. */
static bool
scan_decode_again(struct store_scan *scan)
{
	bool done;

	if (scan->header == NULL || !scan->has_charset)
		return true;
	mail_envelope_free(&scan->envelope);
	done = mail_envelope_read(
	    scan->header, scan->header_length, scan->charset, &scan->envelope);
	scan_drop_header(scan);
	return done;
}

/* In a form that compilers make wide. */
static uint64_t
scan_count_lines(const unsigned char *bytes, size_t length)
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
	scan->lines += scan_count_lines(bytes, length);
	store_digest_update(scan->digest, bytes, length);
	if (scan->same != NULL)
		store_same_digest_feed(scan->same, bytes, length);
	if (!scan->is_decoded) {
		size_t used;

		if (!scan_look_for_header(scan, bytes, length, &used))
			return false;
		if (!scan->is_decoded)
			return true;
		bytes = (const char *)bytes + used;
		length -= used;
	}
	scan_feed_parts(scan, bytes, length);
	return true;
}

bool
store_scan_finish(struct store_scan *scan, struct store_scan_result *result_r)
{
	/* A message that is all header has no empty line. */
	if (!scan->is_decoded &&
	    !scan_decode(scan, scan->header != NULL ? scan->header : "",
		scan->header_length, scan->header_length, scan->header_length,
		true))
		return false;
	if (!mail_parts_finish(scan->parts) || !scan_decode_again(scan) ||
	    scan->has_failed)
		return false;
	result_r->octets = scan->octets;
	result_r->lines = scan->lines;
	result_r->envelope = &scan->envelope;
	result_r->attachments = scan->attachments;
	result_r->is_cut = scan->is_cut || scan->envelope.is_cut ||
			   mail_parts_is_cut(scan->parts);
	store_digest_final(scan->digest, result_r->digest);
	result_r->has_header_digest = scan->has_header_digest;
	memcpy(result_r->header_digest, scan->header_digest,
	    sizeof(result_r->header_digest));
	memcpy(result_r->whole_header_digest, scan->whole_header_digest,
	    sizeof(result_r->whole_header_digest));
	result_r->added_octets = scan->added_octets;
	result_r->has_same_digest = scan->same != NULL;
	if (scan->same != NULL &&
	    !store_same_digest_finish(scan->same, result_r->same_digest))
		memcpy(result_r->same_digest, result_r->digest,
		    sizeof(result_r->same_digest));
	memcpy(result_r->plain_digest, result_r->digest,
	    sizeof(result_r->plain_digest));
	result_r->names = scan->names;
	result_r->names_length = scan->names_length;
	return true;
}

void
store_scan_key(
    struct store_scan_result *result, const struct store_digest_key *key)
{
	store_digest_apply_key(key, result->digest);
	store_digest_apply_key(key, result->header_digest);
	if (result->added_octets > 0)
		store_digest_apply_key(key, result->whole_header_digest);
	store_digest_apply_key(key, result->same_digest);
}
