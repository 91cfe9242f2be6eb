#include "daemon/store/mail/parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/store/mail/boundary.h"
#include "daemon/store/mail/header.h"
#include "daemon/store/mail/uuencode.h"

/* RFC 5322, section 2.1.1: 998 characters, and CRLF. */
#define LINE_SIZE 1000
/* Parts that are looked at; a mailing list's digest has some dozens. */
#define PARTS_MAX 4096
/* The most that is kept of one header, without the fields that nobody reads. */
#define FIELDS_MAX ((size_t)64 * 1024)
/* Octets that are decoded at a time. */
#define SLICE ((size_t)4096)

enum place {
	PLACE_SKIPPED = 0, /* preamble, epilogue, what nobody reads */
	PLACE_HEADER,
	PLACE_TEXT,
	PLACE_CHILD /* encoded as a whole: has a reader of its own */
};

struct parts_header {
	struct mail_header_edge edge;
	struct mail_text fields;
	bool is_kept; /* the field under way */
};

struct parts_content {
	bool is_wanted;
	bool has_files;  /* files may be within the text */
	bool is_decided; /* it is in the encoding that it names */
	struct mail_transfer transfer;
	struct mail_text decoded;
	struct mail_uuencode file;
};

struct parts_line {
	bool is_long; /* more than this of it has gone */
	size_t length;
	char bytes[LINE_SIZE];
};

struct mail_parts {
	const struct mail_parts_sink *sink;
	void *arg;
	unsigned outer; /* levels around this reader */
	unsigned enclosed;
	struct mail_boundaries open;
	unsigned count;
	bool is_cut, has_failed;

	/* What is under way. */
	enum place place;
	struct parts_header header;
	struct parts_content content; /* of a text, or of the child */
	struct mail_parts *child;
	struct parts_line line;
};

static void parts_enter(
    struct mail_parts *, const char *header, size_t length, bool is_decoded);

/* ---- making one ---- */

static struct mail_parts *
parts_make(const struct mail_parts_sink *sink, void *arg, unsigned outer)
{
	struct mail_parts *parts = calloc(1, sizeof(*parts));

	if (parts == NULL)
		return NULL;
	parts->sink = sink;
	parts->arg = arg;
	parts->outer = outer;
	mail_text_init(&parts->header.fields, FIELDS_MAX);
	mail_text_init(&parts->content.decoded, 2 * SLICE);
	mail_uuencode_init(&parts->content.file);
	return parts;
}

struct mail_parts *
mail_parts_new(const struct mail_parts_sink *sink, void *arg,
    const char *header, size_t length)
{
	struct mail_parts *parts = parts_make(sink, arg, 0);

	if (parts != NULL)
		parts_enter(parts, header, length, false);
	return parts;
}

/* As many readers within each other as levels at most. */
void
mail_parts_free(struct mail_parts *parts)
{
	if (parts == NULL)
		return;
	mail_parts_free(parts->child);
	mail_boundary_pop(&parts->open, 0);
	mail_text_free(&parts->header.fields);
	mail_text_free(&parts->content.decoded);
	mail_uuencode_free(&parts->content.file);
	free(parts);
}

/* ---- what is told ---- */

static void
parts_tell_attached(struct mail_parts *parts, const char *name, size_t length)
{
	if (parts->sink->attached != NULL)
		parts->sink->attached(parts->arg, name, length);
}

static void
parts_tell_text(struct mail_parts *parts, const char *bytes, size_t length)
{
	if (length > 0 && parts->content.is_wanted)
		parts->sink->text(parts->arg, bytes, length);
}

/* ---- a part begins ---- */

static unsigned
parts_depth(const struct mail_parts *parts)
{
	return parts->outer + parts->enclosed + parts->open.depth;
}

static void
parts_begin_header(struct mail_parts *parts, enum mail_header_of of)
{
	mail_header_edge_init(&parts->header.edge, of);
	mail_text_clear(&parts->header.fields);
	parts->header.is_kept = false;
	parts->place = PLACE_HEADER;
}

static void
parts_begin_text(struct mail_parts *parts, const struct mail_part *part)
{
	const struct mail_parts_sink *sink = parts->sink;
	enum mail_transfer_encoding encoding = part->encoding;

	/* A part with such an encoding is read as a file within the text. */
	if (encoding == MAIL_TRANSFER_OTHER)
		encoding = MAIL_TRANSFER_IDENTITY;
	parts->content.is_wanted =
	    sink->text_begins != NULL &&
	    sink->text_begins(parts->arg, part->kind,
		part->has_charset ? part->charset : NULL);
	parts->content.has_files =
	    sink->attached != NULL && !part->is_attached &&
	    part->kind == MAIL_TEXT_PLAIN && encoding == MAIL_TRANSFER_IDENTITY;
	parts->content.file.place = MAIL_UUENCODE_OUTSIDE;
	mail_transfer_init(&parts->content.transfer, encoding);
	parts->content.transfer.is_text = true;
	parts->content.is_decided = encoding != MAIL_TRANSFER_BASE64;
	parts->place = PLACE_TEXT;
}

/*
 * RFC 2045, section 6.4, forbids to encode multiparts and messages as a whole.
 * Some are encoded all the same; others only claim to be.
 */
static void
parts_begin_child(struct mail_parts *parts, const struct mail_part *part,
    const char *header, size_t length)
{
	parts->child =
	    parts_make(parts->sink, parts->arg, parts_depth(parts) + 1);
	if (parts->child == NULL) {
		parts->has_failed = true;
		return;
	}
	if (part->form == MAIL_PART_MESSAGE)
		parts_begin_header(parts->child, MAIL_HEADER_OF_MESSAGE);
	else
		parts_enter(parts->child, header, length, true);
	mail_transfer_init(&parts->content.transfer, part->encoding);
	parts->content.is_decided = part->encoding != MAIL_TRANSFER_BASE64;
	parts->place = PLACE_CHILD;
}

/* Whether what it holds may be entered. */
static bool
parts_has_room(struct mail_parts *parts)
{
	if (parts_depth(parts) < MAIL_BOUNDARY_DEPTH)
		return true;
	parts->is_cut = true;
	return false;
}

static void
parts_enter_read(struct mail_parts *parts, const struct mail_part *part,
    const char *header, size_t length)
{
	bool is_message = part->form == MAIL_PART_MESSAGE;

	parts->place = PLACE_SKIPPED;
	if (part->form == MAIL_PART_TEXT)
		parts_begin_text(parts, part);
	if ((!is_message && part->form != MAIL_PART_MULTIPART) ||
	    (is_message && parts->sink->enclosed == NULL) ||
	    !parts_has_room(parts))
		return;
	if (part->encoding == MAIL_TRANSFER_BASE64 ||
	    (is_message && part->encoding == MAIL_TRANSFER_QUOTED_PRINTABLE)) {
		parts_begin_child(parts, part, header, length);
	} else if (is_message) {
		parts->enclosed++;
		parts_begin_header(parts, MAIL_HEADER_OF_MESSAGE);
	} else
		parts->has_failed |=
		    !mail_boundary_push(&parts->open, part, parts->enclosed);
}

/*
 * Enter the part that begins with this header; is_decoded: the encoding that it
 * names is already off.
 */
static void
parts_enter(struct mail_parts *parts, const char *header, size_t length,
    bool is_decoded)
{
	struct mail_part part;
	const struct mail_boundaries *open = &parts->open;
	bool is_in_digest = parts->header.edge.of == MAIL_HEADER_OF_PART &&
			    open->depth > 0 &&
			    open->levels[open->depth - 1].is_digest;

	if (parts->count++ >= PARTS_MAX) {
		parts->is_cut = true;
		parts->place = PLACE_SKIPPED;
		return;
	}
	mail_part_read(&part, header, length, is_in_digest);
	if (is_decoded)
		part.encoding = MAIL_TRANSFER_IDENTITY;
	if (part.is_attached)
		parts_tell_attached(
		    parts, part.file_name.bytes, part.file_name.length);
	parts_enter_read(parts, &part, header, length);
	parts->has_failed |= part.file_name.has_failed;
	mail_text_free(&part.file_name);
}

static void
parts_end_header(struct mail_parts *parts)
{
	/* Freed only at the end, since what it says is still read. */
	struct mail_text fields = parts->header.fields;
	const char *header = fields.bytes != NULL ? fields.bytes : "";

	mail_text_init(&parts->header.fields, FIELDS_MAX);
	parts->has_failed |= fields.has_failed;
	parts->is_cut |= fields.is_cut;
	parts->place = PLACE_SKIPPED;
	if (parts->header.edge.of == MAIL_HEADER_OF_MESSAGE &&
	    parts->sink->enclosed != NULL)
		parts->sink->enclosed(parts->arg, header, fields.length);
	parts_enter(parts, header, fields.length, false);
	if (parts->header.fields.bytes == NULL) {
		mail_text_clear(&fields);
		parts->header.fields = fields;
	} else
		mail_text_free(&fields);
}

/* ---- a part ends ---- */

static void
parts_end_text(struct mail_parts *parts)
{
	if (parts->content.file.place == MAIL_UUENCODE_BEGUN)
		parts_tell_text(parts, parts->content.file.line.bytes,
		    parts->content.file.line.length);
	mail_text_clear(&parts->content.decoded);
	mail_transfer_end(&parts->content.transfer, &parts->content.decoded);
	parts_tell_text(
	    parts, parts->content.decoded.bytes, parts->content.decoded.length);
	if (parts->content.is_wanted && parts->sink->text_ends != NULL)
		parts->sink->text_ends(parts->arg);
}

static void
parts_end_child(struct mail_parts *parts)
{
	mail_text_clear(&parts->content.decoded);
	mail_transfer_end(&parts->content.transfer, &parts->content.decoded);
	mail_parts_feed(parts->child, parts->content.decoded.bytes,
	    parts->content.decoded.length);
	if (!mail_parts_finish(parts->child))
		parts->has_failed = true;
	parts->is_cut |= parts->child->is_cut;
	parts->count += parts->child->count;
	mail_parts_free(parts->child);
	parts->child = NULL;
}

static void
parts_leave(struct mail_parts *parts)
{
	if (parts->place == PLACE_HEADER)
		parts_end_header(parts);
	if (parts->place == PLACE_TEXT)
		parts_end_text(parts);
	if (parts->place == PLACE_CHILD)
		parts_end_child(parts);
	parts->place = PLACE_SKIPPED;
}

/* Whether the line is a boundary; an outer one ends the inner ones. */
static bool
parts_take_boundary(struct mail_parts *parts, const char *line, size_t length)
{
	bool is_last;
	const struct mail_boundary *level =
	    mail_boundary_match(&parts->open, line, length, &is_last);
	unsigned depth;

	if (level == NULL)
		return false;
	depth = (unsigned)(level - parts->open.levels);
	parts_leave(parts);
	parts->enclosed = level->enclosed;
	mail_boundary_pop(&parts->open, is_last ? depth : depth + 1);
	if (!is_last)
		parts_begin_header(parts, MAIL_HEADER_OF_PART);
	return true;
}

/* ---- lines of a header ---- */

static bool
parts_starts(const char *line, size_t length, const char *word)
{
	size_t wanted = strlen(word);

	return length >= wanted && strncasecmp(line, word, wanted) == 0;
}

/*
 * Fields that programs write for each other are long, and nobody searches them.
 */
static bool
parts_is_field_kept(
    const struct mail_parts *parts, const char *line, size_t length)
{
	static const char *const unread[] = { "X-", "ARC-", "DKIM-",
		"Authentication-", "Received", "References", "Autocrypt" };

	if (parts_starts(line, length, "Content-"))
		return true;
	if (parts->header.edge.of == MAIL_HEADER_OF_PART ||
	    parts->sink->enclosed == NULL)
		return false;
	for (size_t i = 0; i < sizeof(unread) / sizeof(unread[0]); i++)
		if (parts_starts(line, length, unread[i]))
			return false;
	return true;
}

static void
parts_keep_line(struct mail_parts *parts, const char *line, size_t length)
{
	bool is_continued = line[0] == ' ' || line[0] == '\t';

	if (!is_continued && memchr(line, ':', length) == NULL) {
		/* A line that was folded wrongly. */
		if (parts->header.is_kept &&
		    parts->header.edge.of == MAIL_HEADER_OF_PART)
			mail_text_add(&parts->header.fields, " ", 1);
	} else if (!is_continued)
		parts->header.is_kept =
		    parts_is_field_kept(parts, line, length);
	if (parts->header.is_kept)
		mail_text_add(&parts->header.fields, line, length);
}

/* Returns whether the line is of the header, or its end. */
static bool
parts_take_header(struct mail_parts *parts, const char *line, size_t length)
{
	switch (mail_header_edge_line(&parts->header.edge, line, length)) {
	case MAIL_HEADER_GOES_ON:
		parts_keep_line(parts, line, length);
		return true;
	case MAIL_HEADER_ENDS_BEHIND:
		parts_end_header(parts);
		return true;
	case MAIL_HEADER_ENDS_BEFORE:
		break;
	}
	parts_end_header(parts);
	return false;
}

/* ---- lines of what it holds ---- */

/* Decode, and hand on to the text or to the child. */
static void
parts_decode(struct mail_parts *parts, const char *bytes, size_t length)
{
	while (length > 0) {
		size_t slice = length < SLICE ? length : SLICE;

		mail_text_clear(&parts->content.decoded);
		mail_transfer_add(&parts->content.transfer,
		    &parts->content.decoded, bytes, slice);
		if (parts->child != NULL)
			mail_parts_feed(parts->child,
			    parts->content.decoded.bytes,
			    parts->content.decoded.length);
		else
			parts_tell_text(parts, parts->content.decoded.bytes,
			    parts->content.decoded.length);
		bytes += slice;
		length -= slice;
	}
	parts->has_failed |= parts->content.decoded.has_failed;
}

static bool
parts_is_blank(const char *bytes, size_t length)
{
	while (length > 0 && strchr(" \t\r\n", *bytes) != NULL) {
		bytes++;
		length--;
	}
	return length == 0;
}

static void
parts_take_content(struct mail_parts *parts, const char *bytes, size_t length)
{
	if (!parts->content.is_decided) {
		if (parts_is_blank(bytes, length))
			return;
		parts->content.is_decided = true;
		if (!mail_transfer_is_base64_line(bytes, length))
			mail_transfer_init(
			    &parts->content.transfer, MAIL_TRANSFER_IDENTITY);
	}
	if (parts->child == NULL &&
	    parts->content.transfer.encoding == MAIL_TRANSFER_IDENTITY)
		parts_tell_text(parts, bytes, length);
	else if (parts->child != NULL || parts->content.is_wanted)
		parts_decode(parts, bytes, length);
}

/* A file within the text is no text; returns whether the line is of one. */
static bool
parts_take_file(struct mail_parts *parts, const char *line, size_t length)
{
	const struct mail_text *held = &parts->content.file.line;
	const char *name;

	if (!parts->content.has_files)
		return false;
	switch (mail_uuencode_take(&parts->content.file, line, length)) {
	case MAIL_UUENCODE_TEXT:
		return false;
	case MAIL_UUENCODE_WAS_NOT:
		parts_tell_text(parts, held->bytes, held->length);
		return parts_take_file(parts, line, length);
	case MAIL_UUENCODE_FIRST:
		name = mail_uuencode_name(&parts->content.file, &length);
		parts_tell_attached(parts, name, length);
		break;
	case MAIL_UUENCODE_HELD:
	case MAIL_UUENCODE_DATA:
		break;
	}
	return true;
}

/* ---- lines ---- */

/* A line, or its beginning if it is too long. */
static void
parts_take_line(struct mail_parts *parts, const char *line, size_t length)
{
	if (parts_take_boundary(parts, line, length))
		return;
	if (parts->place == PLACE_HEADER &&
	    parts_take_header(parts, line, length))
		return;
	if (parts->place == PLACE_TEXT && parts_take_file(parts, line, length))
		return;
	if (parts->place == PLACE_TEXT || parts->place == PLACE_CHILD)
		parts_take_content(parts, line, length);
}

/* The rest of a line that is longer. */
static void
parts_take_rest(struct mail_parts *parts, const char *bytes, size_t length)
{
	if (parts->place == PLACE_HEADER) {
		if (parts->header.is_kept)
			mail_text_add(&parts->header.fields, bytes, length);
	} else if (parts->place == PLACE_TEXT || parts->place == PLACE_CHILD)
		parts_take_content(parts, bytes, length);
}

/* Bytes of one line; `ends` tells that these are its last. */
static void
parts_take_bytes(
    struct mail_parts *parts, const char *bytes, size_t length, bool ends)
{
	size_t room = LINE_SIZE - parts->line.length;

	if (!parts->line.is_long && length <= room) {
		if (ends && parts->line.length == 0) {
			parts_take_line(parts, bytes, length);
			return;
		}
		memcpy(parts->line.bytes + parts->line.length, bytes, length);
		parts->line.length += length;
		if (ends) {
			length = parts->line.length;
			parts->line.length = 0;
			parts_take_line(parts, parts->line.bytes, length);
		}
		return;
	}
	if (!parts->line.is_long) {
		memcpy(parts->line.bytes + parts->line.length, bytes, room);
		parts->line.length = 0;
		parts_take_line(parts, parts->line.bytes, LINE_SIZE);
		bytes += room;
		length -= room;
	}
	parts_take_rest(parts, bytes, length);
	parts->line.is_long = !ends;
}

/* Outside of all parts, nothing can begin one any more. */
static bool
parts_is_over(const struct mail_parts *parts)
{
	return parts->has_failed ||
	       (parts->open.depth == 0 && (parts->place == PLACE_SKIPPED ||
					      (parts->place == PLACE_TEXT &&
						  !parts->content.is_wanted &&
						  !parts->content.has_files)));
}

void
mail_parts_feed(struct mail_parts *parts, const char *bytes, size_t length)
{
	while (length > 0 && !parts_is_over(parts)) {
		const char *end = memchr(bytes, '\n', length);
		size_t taken = end == NULL ? length : (size_t)(end - bytes) + 1;

		parts_take_bytes(parts, bytes, taken, end != NULL);
		bytes += taken;
		length -= taken;
	}
}

bool
mail_parts_finish(struct mail_parts *parts)
{
	size_t length = parts->line.length;

	parts->line.length = 0;
	if (length > 0 && !parts_is_over(parts))
		parts_take_line(parts, parts->line.bytes, length);
	parts_leave(parts);
	mail_boundary_pop(&parts->open, 0);
	return !parts->has_failed;
}

bool
mail_parts_is_cut(const struct mail_parts *parts)
{
	return parts->is_cut || (parts->child != NULL && parts->child->is_cut);
}

bool
mail_parts_is_in_text(const struct mail_parts *parts)
{
	if (parts->place == PLACE_CHILD)
		return mail_parts_is_in_text(parts->child);
	return parts->place == PLACE_TEXT;
}
