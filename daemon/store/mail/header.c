#include "daemon/store/mail/header.h"

#include <string.h>
#include <strings.h>

#include "lib/base/text.h"

/* So many lines before a header are looked at for one; more are a text. */
#define BLANKS_MAX 8
#define JUNK_MAX   32

/* RFC 5322, section 2.2, sets no bound; what is longer is a sentence. */
#define NAME_MAX_LENGTH 77

/* The length of the line at `at`, with its LF if there is one. */
static size_t
header_line_length(const char *at, size_t left)
{
	const char *end = memchr(at, '\n', left);

	return end == NULL ? left : (size_t)(end - at) + 1;
}

/* LF, CRLF, or CRCRLF, which careless gateways make of it. */
static bool
header_is_empty_line(const char *line, size_t length)
{
	size_t at = 0;

	while (at < 2 && at < length && line[at] == '\r')
		at++;
	return at + 1 == length && line[at] == '\n';
}

static bool
header_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A mark of UTF-8 before the first field, left by an editor. */
static size_t
header_mark_length(const char *at, size_t length)
{
	return length >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* RFC 5322, section 3.6.8: printable US-ASCII, and blanks before the colon. */
static size_t
header_name_length(const char *line, size_t length)
{
	size_t at, name;

	at = header_mark_length(line, length);
	while (at < length && at <= NAME_MAX_LENGTH && line[at] > ' ' &&
	       line[at] < 0x7f && line[at] != ':')
		at++;
	name = at;
	while (at < length && header_is_blank(line[at]))
		at++;
	return at < length && line[at] == ':' ? name : 0;
}

/* ---- where it ends ---- */

/* Fields that no text begins with by chance. */
static bool
header_is_known(const char *line, size_t length)
{
	static const char *const names[] = { "Bcc", "Cc", "Content-Disposition",
		"Content-Transfer-Encoding", "Content-Type", "Date",
		"Delivered-To", "DKIM-Signature", "Envelope-To", "From",
		"In-Reply-To", "List-Id", "Message-ID", "MIME-Version",
		"Received", "References", "Reply-To", "Return-Path", "Sender",
		"Status", "Subject", "To", "X-Mailer", "X-Original-To",
		"X-UIDL" };
	size_t name = header_name_length(line, length);
	size_t mark = header_mark_length(line, length);

	line += mark;
	name = name > mark ? name - mark : 0;
	for (size_t i = 0; name > 0 && i < sizeof(names) / sizeof(names[0]);
	     i++)
		if (strlen(names[i]) == name &&
		    strncasecmp(line, names[i], name) == 0)
			return true;
	return false;
}

/* Lines that programs put before a header that is otherwise whole. */
static bool
header_is_foreword(const char *line, size_t length)
{
	static const char *const words[] = { "From ", ">From ",
		"Microsoft Mail Internet Headers Version", "HELO ", "EHLO ",
		"LHLO ", "MAIL FROM:", "RCPT TO:" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (evpop_text_begins(line, length, words[i]))
			return true;
	return evpop_text_begins(line, length, "DATA") &&
	       header_is_empty_line(line + 4, length - 4);
}

void
mail_header_edge_init(struct mail_header_edge *edge, enum mail_header_of of)
{
	memset(edge, 0, sizeof(*edge));
	edge->of = of;
}

static bool
header_ends_in_semicolon(const char *line, size_t length)
{
	while (length > 0 &&
	       (line[length - 1] == '\n' || line[length - 1] == '\r' ||
		   header_is_blank(line[length - 1])))
		length--;
	return length > 0 && line[length - 1] == ';';
}

static enum mail_header_verdict
header_line_before(
    struct mail_header_edge *edge, const char *line, size_t length)
{
	if (header_is_empty_line(line, length)) {
		if (edge->junk > 0 || edge->blanks++ >= BLANKS_MAX)
			return MAIL_HEADER_ENDS_BEHIND;
		return MAIL_HEADER_GOES_ON;
	}
	if (header_is_foreword(line, length))
		return MAIL_HEADER_GOES_ON;
	if (edge->blanks > 0 && !header_is_known(line, length))
		return MAIL_HEADER_ENDS_BEFORE;
	if (header_name_length(line, length) > 0) {
		edge->has_fields = true;
		return MAIL_HEADER_GOES_ON;
	}
	return edge->junk++ < JUNK_MAX ? MAIL_HEADER_GOES_ON
				       : MAIL_HEADER_ENDS_BEFORE;
}

/*
 * A program that folds its fields wrongly leaves a semicolon behind; else a
 * line that is no field is of the body, and the empty line is missing.
 */
static enum mail_header_verdict
header_line_of_part(
    struct mail_header_edge *edge, const char *line, size_t length)
{
	bool is_continuable = edge->is_continuable;

	if (header_is_empty_line(line, length))
		return MAIL_HEADER_ENDS_BEHIND;
	edge->is_continuable = header_ends_in_semicolon(line, length);
	if (header_name_length(line, length) > 0)
		edge->has_fields = true;
	else if (!header_is_blank(line[0]) &&
		 !(edge->has_fields && is_continuable))
		return MAIL_HEADER_ENDS_BEFORE;
	return MAIL_HEADER_GOES_ON;
}

enum mail_header_verdict
mail_header_edge_line(
    struct mail_header_edge *edge, const char *line, size_t length)
{
	if (edge->of == MAIL_HEADER_OF_PART)
		return header_line_of_part(edge, line, length);
	if (!edge->has_fields)
		return header_line_before(edge, line, length);
	return header_is_empty_line(line, length) ? MAIL_HEADER_ENDS_BEHIND
						  : MAIL_HEADER_GOES_ON;
}

bool
mail_header_find_end(struct mail_header_edge *edge, const char *bytes,
    size_t length, size_t *at, size_t *length_r)
{
	while (*at < length) {
		const char *line = bytes + *at;
		const char *end = memchr(line, '\n', length - *at);
		enum mail_header_verdict verdict;
		size_t size;

		if (end == NULL)
			return false;
		size = (size_t)(end - line) + 1;
		verdict = mail_header_edge_line(edge, line, size);
		if (verdict != MAIL_HEADER_GOES_ON)
			*length_r = *at;
		if (verdict != MAIL_HEADER_ENDS_BEFORE)
			*at += size;
		if (verdict != MAIL_HEADER_GOES_ON)
			return true;
	}
	return false;
}

bool
mail_header_is_one(const char *header, size_t length)
{
	size_t at = 0;

	while (at < length) {
		if (header_is_known(header + at, length - at))
			return true;
		at += header_line_length(header + at, length - at);
	}
	return false;
}

size_t
mail_header_split(const char *message, size_t length, size_t *body_r)
{
	struct mail_header_edge edge;
	size_t header;

	mail_header_edge_init(&edge, MAIL_HEADER_OF_MESSAGE);
	*body_r = 0;
	if (!mail_header_find_end(&edge, message, length, body_r, &header)) {
		header = length;
		*body_r = length;
	}
	if (mail_header_is_one(message, header))
		return header;
	*body_r = 0;
	return 0;
}

/* ---- its fields ---- */

static size_t
header_field_length(const char *at, size_t left)
{
	size_t length = header_line_length(at, left);

	while (length < left && header_is_blank(at[length]))
		length += header_line_length(at + length, left - length);
	return length;
}

static bool
header_split(const char *at, size_t length, struct mail_header_field *field_r)
{
	size_t mark = header_mark_length(at, length), name;
	const char *colon;

	at += mark;
	length -= mark;
	colon = memchr(at, ':', length);
	if (colon == NULL || colon == at)
		return false;
	name = (size_t)(colon - at);
	while (name > 0 && header_is_blank(at[name - 1]))
		name--;
	if (name == 0 || memchr(at, '\n', name) != NULL)
		return false;
	field_r->name = at;
	field_r->name_length = name;
	field_r->value = colon + 1;
	field_r->value_length = length - (size_t)(colon + 1 - at);
	while (field_r->value_length > 0) {
		char last = field_r->value[field_r->value_length - 1];

		if (last != '\n' && last != '\r')
			break;
		field_r->value_length--;
	}
	return true;
}

bool
mail_header_next(const char *header, size_t length, size_t *position,
    struct mail_header_field *field_r)
{
	while (*position < length) {
		const char *at = header + *position;
		size_t field = header_field_length(at, length - *position);

		*position += field;
		if (header_split(at, field, field_r))
			return true;
	}
	return false;
}

bool
mail_header_is(const struct mail_header_field *field, const char *name)
{
	return strlen(name) == field->name_length &&
	       strncasecmp(field->name, name, field->name_length) == 0;
}

bool
mail_header_first(const char *header, size_t length, const char *name,
    struct mail_header_field *field_r)
{
	size_t position = 0;

	while (mail_header_next(header, length, &position, field_r))
		if (mail_header_is(field_r, name))
			return true;
	return false;
}
