#include "daemon/store/mail/parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/store/mail/boundary.h"
#include "daemon/store/mail/content.h"
#include "daemon/store/mail/fields.h"
#include "daemon/store/mail/line.h"
#include "daemon/store/mail/uuencode.h"

/* Parts that are looked at; a mailing list's digest has some dozens. */
#define PARTS_MAX 4096

enum place {
	PLACE_SKIPPED = 0, /* preamble, epilogue, what nobody reads */
	PLACE_HEADER,
	PLACE_TEXT,
	PLACE_CHILD /* encoded as a whole: has a reader of its own */
};

struct parts_content {
	bool is_wanted;
	unsigned number; /* that the sink has given it; 0: none */
	struct mail_content bytes;
	/* Files within the text. */
	enum {
		FILES_NONE = 0,
		FILES_WITHIN,
		FILES_ONLY
	} files;
	struct mail_uuencode file;
	unsigned file_number;
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
	struct mail_fields header;
	struct parts_content content; /* of a text, or of the child */
	struct mail_parts *child;
	struct mail_line line;
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
	mail_fields_init(&parts->header);
	mail_content_init(&parts->content.bytes);
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
	mail_fields_free(&parts->header);
	mail_content_free(&parts->content.bytes);
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

/* Bytes of a text, or of any part whose bytes are wanted. */
static void
parts_give(void *arg, const char *bytes, size_t length)
{
	struct mail_parts *parts = arg;

	if (parts->content.number != 0)
		parts->sink->content(
		    parts->arg, parts->content.number, bytes, length);
	if (parts->child != NULL)
		mail_parts_feed(parts->child, bytes, length);
	else if (parts->content.number == 0 && parts->content.is_wanted)
		parts->sink->text(parts->arg, bytes, length);
}

static void
parts_tell_end(struct mail_parts *parts, unsigned *number)
{
	if (*number != 0)
		parts->sink->ends(parts->arg, *number);
	*number = 0;
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
	mail_fields_begin(&parts->header, of,
	    of == MAIL_HEADER_OF_MESSAGE && parts->sink->enclosed != NULL
		? MAIL_FIELDS_READ
		: MAIL_FIELDS_OF_CONTENT);
	parts->place = PLACE_HEADER;
}

/* How a part with such a header is encoded, and where it ends. */
static void
parts_begin_bytes(
    struct mail_parts *parts, enum mail_transfer_encoding encoding)
{
	bool is_exact = parts->sink->begins != NULL;

	/* One with such an encoding is read as a file within the text. */
	if (encoding == MAIL_TRANSFER_UUENCODE ||
	    encoding == MAIL_TRANSFER_OTHER)
		encoding = MAIL_TRANSFER_IDENTITY;
	mail_content_begin(&parts->content.bytes, encoding, !is_exact,
	    is_exact && parts->open.depth > 0 ? MAIL_CONTENT_END_DROPPED
					      : MAIL_CONTENT_END_KEPT);
	parts->content.files = FILES_NONE;
	parts->content.file.place = MAIL_UUENCODE_OUTSIDE;
}

static void
parts_begin_text(struct mail_parts *parts, const struct mail_part *part)
{
	const struct mail_parts_sink *sink = parts->sink;

	parts_begin_bytes(parts, part->encoding);
	parts->content.is_wanted =
	    parts->content.number != 0 ||
	    (sink->text_begins != NULL &&
		sink->text_begins(parts->arg, part->kind,
		    part->has_charset ? part->charset : NULL));
	if ((sink->attached != NULL || sink->begins != NULL) &&
	    !part->is_attached && part->kind == MAIL_TEXT_PLAIN &&
	    parts->content.bytes.transfer.encoding == MAIL_TRANSFER_IDENTITY)
		parts->content.files = FILES_WITHIN;
	parts->place = PLACE_TEXT;
}

/* A part that is no text and holds none, whose bytes are wanted. */
static void
parts_begin_other(struct mail_parts *parts, const struct mail_part *part)
{
	parts_begin_bytes(parts, part->encoding);
	if (part->encoding == MAIL_TRANSFER_UUENCODE)
		parts->content.files = FILES_ONLY;
	parts->content.is_wanted = true;
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
	parts_begin_bytes(parts, part->encoding);
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

/* Whether it is encoded as a whole, or its own bytes are wanted. */
static bool
parts_wants_child(const struct mail_parts *parts, const struct mail_part *part)
{
	if (part->encoding == MAIL_TRANSFER_BASE64)
		return true;
	return part->form == MAIL_PART_MESSAGE &&
	       (part->encoding == MAIL_TRANSFER_QUOTED_PRINTABLE ||
		   parts->sink->begins != NULL);
}

static void
parts_enter_read(struct mail_parts *parts, const struct mail_part *part,
    const char *header, size_t length)
{
	const struct mail_parts_sink *sink = parts->sink;
	bool is_message = part->form == MAIL_PART_MESSAGE;

	parts->place = PLACE_SKIPPED;
	if (part->form == MAIL_PART_TEXT) {
		parts_begin_text(parts, part);
	} else if (part->form == MAIL_PART_OTHER ||
		   (is_message && sink->enclosed == NULL &&
		       sink->begins == NULL) ||
		   !parts_has_room(parts)) {
		if (parts->content.number != 0)
			parts_begin_other(parts, part);
	} else if (parts_wants_child(parts, part)) {
		parts_begin_child(parts, part, header, length);
	} else if (is_message) {
		parts->enclosed++;
		parts_begin_header(parts, MAIL_HEADER_OF_MESSAGE);
	} else
		parts->has_failed |=
		    !mail_boundary_push(&parts->open, part, parts->enclosed);
}

/* Whether it is one of those that are looked at. */
static bool
parts_may_begin(struct mail_parts *parts)
{
	if (parts->count++ < PARTS_MAX)
		return true;
	parts->is_cut = true;
	return false;
}

static unsigned
parts_tell_begin(struct mail_parts *parts, const struct mail_part *part,
    const char *header, size_t length)
{
	if (parts->sink->begins == NULL)
		return 0;
	return parts->sink->begins(
	    parts->arg, part, parts_depth(parts), header, length);
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

	if (!parts_may_begin(parts)) {
		parts->place = PLACE_SKIPPED;
		return;
	}
	mail_part_read(&part, header, length, is_in_digest);
	if (is_decoded)
		part.encoding = MAIL_TRANSFER_IDENTITY;
	if (part.is_attached)
		parts_tell_attached(
		    parts, part.file_name.bytes, part.file_name.length);
	parts->content.number = parts_tell_begin(parts, &part, header, length);
	parts_enter_read(parts, &part, header, length);
	parts->has_failed |= part.file_name.has_failed;
	mail_text_free(&part.file_name);
}

static void
parts_end_header(struct mail_parts *parts)
{
	/* Freed only at the end, since what it says is still read. */
	struct mail_text fields = parts->header.kept;
	const char *header = fields.bytes != NULL ? fields.bytes : "";

	mail_text_init(&parts->header.kept, fields.max);
	parts->has_failed |= fields.has_failed;
	parts->is_cut |= fields.is_cut;
	parts->place = PLACE_SKIPPED;
	if (parts->header.edge.of == MAIL_HEADER_OF_MESSAGE &&
	    parts->sink->enclosed != NULL)
		parts->sink->enclosed(parts->arg, header, fields.length);
	parts_enter(parts, header, fields.length, false);
	if (parts->header.kept.bytes == NULL) {
		mail_text_clear(&fields);
		parts->header.kept = fields;
	} else
		mail_text_free(&fields);
}

/* ---- a part ends ---- */

static void
parts_end_text(struct mail_parts *parts)
{
	if (parts->content.file.place == MAIL_UUENCODE_BEGUN)
		parts_give(parts, parts->content.file.line.bytes,
		    parts->content.file.line.length);
	parts_tell_end(parts, &parts->content.file_number);
	mail_content_finish(&parts->content.bytes, parts_give, parts);
	if (parts->content.number == 0 && parts->content.is_wanted &&
	    parts->sink->text_ends != NULL)
		parts->sink->text_ends(parts->arg);
	parts_tell_end(parts, &parts->content.number);
}

static void
parts_end_child(struct mail_parts *parts)
{
	mail_content_finish(&parts->content.bytes, parts_give, parts);
	if (!mail_parts_finish(parts->child))
		parts->has_failed = true;
	parts->is_cut |= parts->child->is_cut;
	parts->count += parts->child->count;
	mail_parts_free(parts->child);
	parts->child = NULL;
	parts_tell_end(parts, &parts->content.number);
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

/* Returns whether the line is of the header, or its end. */
static bool
parts_take_header(struct mail_parts *parts, const char *line, size_t length)
{
	switch (mail_fields_line(&parts->header, line, length)) {
	case MAIL_HEADER_GOES_ON:
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

static void
parts_take_content(struct mail_parts *parts, const char *bytes, size_t length)
{
	if (parts->child != NULL || parts->content.is_wanted)
		mail_content_take(
		    &parts->content.bytes, bytes, length, parts_give, parts);
	parts->has_failed |= parts->content.bytes.decoded.has_failed;
}

/* A file begins within the text. */
static void
parts_begin_file(struct mail_parts *parts)
{
	struct mail_part part = { .is_attached = true };
	size_t length;
	const char *name = mail_uuencode_name(&parts->content.file, &length);

	if (parts->content.files == FILES_ONLY)
		return;
	parts_tell_attached(parts, name, length);
	if (parts->sink->begins == NULL || !parts_may_begin(parts))
		return;
	mail_text_init(&part.file_name, MAIL_FILE_NAME_MAX);
	mail_text_add(&part.file_name, name, length);
	parts->content.file_number = parts_tell_begin(parts, &part, "", 0);
	mail_text_free(&part.file_name);
}

/* A line of data, for the file or, where it is all there is, for the part. */
static void
parts_take_data(struct mail_parts *parts, const char *line, size_t length)
{
	unsigned number = parts->content.files == FILES_ONLY
			      ? parts->content.number
			      : parts->content.file_number;
	char octets[MAIL_UUENCODE_LINE_MAX];

	length = mail_uuencode_decode(line, length, octets);
	if (number != 0 && length > 0)
		parts->sink->content(parts->arg, number, octets, length);
}

/* A file within the text is no text; returns whether the line is of one. */
static bool
parts_take_file(struct mail_parts *parts, const char *line, size_t length)
{
	const struct mail_text *held = &parts->content.file.line;

	if (parts->content.files == FILES_NONE)
		return false;
	switch (mail_uuencode_take(&parts->content.file, line, length)) {
	case MAIL_UUENCODE_TEXT:
		parts_tell_end(parts, &parts->content.file_number);
		return parts->content.files == FILES_ONLY;
	case MAIL_UUENCODE_WAS_NOT:
		parts_take_content(parts, held->bytes, held->length);
		return parts_take_file(parts, line, length);
	case MAIL_UUENCODE_FIRST:
		parts_begin_file(parts);
		parts_take_data(parts, line, length);
		break;
	case MAIL_UUENCODE_DATA:
		if (parts->content.file.place == MAIL_UUENCODE_INSIDE)
			parts_take_data(parts, line, length);
		else
			parts_tell_end(parts, &parts->content.file_number);
		break;
	case MAIL_UUENCODE_HELD:
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
	else if (parts->place == PLACE_SKIPPED && parts->sink->skipped != NULL)
		parts->sink->skipped(parts->arg, line, length);
}

/* The rest of a line that is longer. */
static void
parts_take_rest(struct mail_parts *parts, const char *bytes, size_t length)
{
	if (parts->place == PLACE_HEADER) {
		mail_fields_rest(&parts->header, bytes, length);
	} else if (parts->place == PLACE_TEXT || parts->place == PLACE_CHILD)
		parts_take_content(parts, bytes, length);
}

static void
parts_take(void *arg, const char *bytes, size_t length, bool is_rest)
{
	if (is_rest)
		parts_take_rest(arg, bytes, length);
	else
		parts_take_line(arg, bytes, length);
}

/* Outside of all parts, nothing can begin one any more. */
static bool
parts_is_over(const struct mail_parts *parts)
{
	return parts->has_failed ||
	       (parts->open.depth == 0 &&
		   (parts->place == PLACE_SKIPPED ||
		       (parts->place == PLACE_TEXT &&
			   !parts->content.is_wanted &&
			   parts->content.files == FILES_NONE)));
}

void
mail_parts_feed(struct mail_parts *parts, const char *bytes, size_t length)
{
	while (length > 0 && !parts_is_over(parts)) {
		const char *end = memchr(bytes, '\n', length);
		size_t taken = end == NULL ? length : (size_t)(end - bytes) + 1;

		mail_line_add(
		    &parts->line, bytes, taken, end != NULL, parts_take, parts);
		bytes += taken;
		length -= taken;
	}
}

bool
mail_parts_finish(struct mail_parts *parts)
{
	if (!parts_is_over(parts))
		mail_line_finish(&parts->line, parts_take, parts);
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
