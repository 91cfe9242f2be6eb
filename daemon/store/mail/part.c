#include "daemon/store/mail/part.h"

#include <string.h>
#include <strings.h>

#include "daemon/store/mail/header.h"
#include "daemon/store/mail/parameter.h"

static const struct {
	const char *type; /* one that ends in a slash is all of them */
	enum mail_part_form form;
	enum mail_text_kind kind;
} types[] = {
	{ "text/html", MAIL_PART_TEXT, MAIL_TEXT_HTML },
	{ "text/x-amp-html", MAIL_PART_TEXT, MAIL_TEXT_HTML },
	{ "application/xhtml+xml", MAIL_PART_TEXT, MAIL_TEXT_HTML },
	{ "text/enriched", MAIL_PART_TEXT, MAIL_TEXT_ENRICHED },
	{ "text/richtext", MAIL_PART_TEXT, MAIL_TEXT_ENRICHED },
	{ "text/calendar", MAIL_PART_TEXT, MAIL_TEXT_FOLDED },
	{ "text/x-vcalendar", MAIL_PART_TEXT, MAIL_TEXT_FOLDED },
	{ "application/ics", MAIL_PART_TEXT, MAIL_TEXT_FOLDED },
	{ "text/vcard", MAIL_PART_TEXT, MAIL_TEXT_FOLDED },
	{ "text/x-vcard", MAIL_PART_TEXT, MAIL_TEXT_FOLDED },
	{ "text/directory", MAIL_PART_TEXT, MAIL_TEXT_FOLDED },
	{ "text/rfc822-headers", MAIL_PART_MESSAGE, MAIL_TEXT_PLAIN },
	{ "text/rtf", MAIL_PART_OTHER, MAIL_TEXT_PLAIN },
	{ "text/", MAIL_PART_TEXT, MAIL_TEXT_PLAIN },
	{ "multipart/", MAIL_PART_MULTIPART, MAIL_TEXT_PLAIN },
	{ "message/rfc822", MAIL_PART_MESSAGE, MAIL_TEXT_PLAIN },
	{ "message/global", MAIL_PART_MESSAGE, MAIL_TEXT_PLAIN },
	{ "message/global-headers", MAIL_PART_MESSAGE, MAIL_TEXT_PLAIN },
	{ "message/news", MAIL_PART_MESSAGE, MAIL_TEXT_PLAIN },
	/* Reports of all kinds are fields, which are text. */
	{ "message/", MAIL_PART_TEXT, MAIL_TEXT_PLAIN },
};

/* The kinds of parts that only their file name tells. */
static const struct {
	const char *ending;
	enum mail_text_kind kind;
	enum mail_part_form form;
} endings[] = {
	{ ".txt", MAIL_TEXT_PLAIN, MAIL_PART_TEXT },
	{ ".text", MAIL_TEXT_PLAIN, MAIL_PART_TEXT },
	{ ".csv", MAIL_TEXT_PLAIN, MAIL_PART_TEXT },
	{ ".tsv", MAIL_TEXT_PLAIN, MAIL_PART_TEXT },
	{ ".md", MAIL_TEXT_PLAIN, MAIL_PART_TEXT },
	{ ".log", MAIL_TEXT_PLAIN, MAIL_PART_TEXT },
	{ ".ics", MAIL_TEXT_FOLDED, MAIL_PART_TEXT },
	{ ".vcf", MAIL_TEXT_FOLDED, MAIL_PART_TEXT },
	{ ".htm", MAIL_TEXT_HTML, MAIL_PART_TEXT },
	{ ".html", MAIL_TEXT_HTML, MAIL_PART_TEXT },
	{ ".eml", MAIL_TEXT_PLAIN, MAIL_PART_MESSAGE },
};

/* Types that say no more than that there are octets; and what Excel says. */
static const char *const vague[] = { "application/octet-stream",
	"application/download", "application/force-download",
	"application/x-download", "application/csv", "application/vnd.ms-excel",
	"application/unknown" };

static bool
part_is_vague(const struct mail_header_field *type)
{
	for (size_t i = 0; i < sizeof(vague) / sizeof(vague[0]); i++)
		if (mail_parameter_begins(
			type->value, type->value_length, vague[i]))
			return true;
	return false;
}

static void
part_read_ending(struct mail_part *part)
{
	const struct mail_text *name = &part->file_name;

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t length = strlen(endings[i].ending);

		if (name->length <= length ||
		    strncasecmp(name->bytes + name->length - length,
			endings[i].ending, length) != 0)
			continue;
		part->form = endings[i].form;
		part->kind = endings[i].kind;
	}
}

/* RFC 2045, section 5.2: what is no type at all is plain text. */
static bool
part_is_type(const struct mail_header_field *type)
{
	const char *semicolon = memchr(type->value, ';', type->value_length);
	size_t length = semicolon == NULL ? type->value_length
					  : (size_t)(semicolon - type->value);

	return memchr(type->value, '/', length) != NULL;
}

static void
part_read_type(struct mail_part *part, const struct mail_header_field *type)
{
	part->form = part_is_type(type) ? MAIL_PART_OTHER : MAIL_PART_TEXT;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!mail_parameter_begins(
			type->value, type->value_length, types[i].type))
			continue;
		part->form = types[i].form;
		part->kind = types[i].kind;
		break;
	}
	if (part->form == MAIL_PART_OTHER && part_is_vague(type))
		part_read_ending(part);
}

static void
part_read_boundary(struct mail_part *part, const struct mail_header_field *type)
{
	struct mail_text boundary;

	mail_text_init(&boundary, sizeof(part->boundary));
	(void)mail_parameter_octets(
	    type->value, type->value_length, "boundary", &boundary);
	while (boundary.length > 0 &&
	       strchr(" \t", boundary.bytes[boundary.length - 1]) != NULL)
		boundary.length--;
	part->boundary_length = boundary.is_cut ? 0 : boundary.length;
	if (part->boundary_length > 0)
		memcpy(part->boundary, boundary.bytes, part->boundary_length);
	else
		part->form = MAIL_PART_TEXT;
	part->is_digest = mail_parameter_begins(
	    type->value, type->value_length, "multipart/digest");
	mail_text_free(&boundary);
}

static bool
part_field_charset(
    const struct mail_header_field *type, char name_r[MAIL_CHARSET_SIZE])
{
	struct mail_text called;
	bool is_named;

	mail_text_init(&called, 4 * MAIL_CHARSET_SIZE);
	is_named = mail_parameter_octets(
		       type->value, type->value_length, "charset", &called) &&
		   called.length > 0 &&
		   mail_charset_name(called.bytes, called.length, name_r);
	mail_text_free(&called);
	return is_named;
}

bool
mail_part_charset(
    const char *header, size_t length, char name_r[MAIL_CHARSET_SIZE])
{
	struct mail_header_field type;

	return mail_header_first(header, length, "Content-Type", &type) &&
	       part_field_charset(&type, name_r);
}

/* Most fields have no name in them, and need no closer look. */
static bool
part_may_have_name(const struct mail_header_field *field)
{
	for (size_t i = 0; i + 4 < field->value_length; i++)
		if (strncasecmp(field->value + i, "name", 4) == 0)
			return true;
	return false;
}

static void
part_read_name(struct mail_part *part, const struct mail_header_field *field,
    const char *parameter)
{
	const char *hint = part->has_charset ? part->charset : NULL;
	const struct mail_text *name = &part->file_name;

	if (name->length == 0 && part_may_have_name(field))
		(void)mail_parameter_text(field->value, field->value_length,
		    parameter, hint, &part->file_name);
}

void
mail_part_read(struct mail_part *part, const char *header, size_t length,
    bool is_in_digest)
{
	const struct mail_text *name = &part->file_name;
	struct mail_header_field type, other;
	bool has_type =
	    mail_header_first(header, length, "Content-Type", &type);

	memset(part, 0, sizeof(*part));
	mail_text_init(&part->file_name, MAIL_FILE_NAME_MAX);
	part->form = is_in_digest ? MAIL_PART_MESSAGE : MAIL_PART_TEXT;
	if (has_type)
		part->has_charset = part_field_charset(&type, part->charset);
	if (mail_header_first(header, length, "Content-Disposition", &other)) {
		part->is_attached = mail_parameter_begins(
		    other.value, other.value_length, "attachment");
		part_read_name(part, &other, "filename");
	}
	if (mail_header_first(
		header, length, "Content-Transfer-Encoding", &other))
		part->encoding =
		    mail_transfer_named(other.value, other.value_length);
	if (has_type) {
		part_read_name(part, &type, "name");
		part_read_type(part, &type);
	}
	if (name->length > 0)
		part->is_attached = true;
	if (part->form == MAIL_PART_MULTIPART)
		part_read_boundary(part, &type);
	if (part->form == MAIL_PART_MULTIPART)
		part->is_attached = false;
}

/* ---- what people and programs are told of it ---- */

static bool
part_is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$&-^_.+", c) != NULL);
}

/* Whether the value begins with a media type. */
static bool
part_copy_type(const char *value, size_t length, char type_r[MAIL_TYPE_SIZE])
{
	size_t filled = 0, slashes = 0;

	while (length > 0 && strchr(" \t\r\n", *value) != NULL && *value) {
		value++;
		length--;
	}
	for (; filled < length && filled < MAIL_TYPE_SIZE - 1; filled++) {
		char c = value[filled];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c == '/' && filled > 0)
			slashes++;
		else if (!part_is_token(c))
			break;
		type_r[filled] = c;
	}
	type_r[filled] = '\0';
	return slashes == 1 && type_r[filled - 1] != '/' &&
	       (filled == length || strchr("; \t\r\n(", value[filled]) != NULL);
}

void
mail_part_type(const struct mail_part *part, const char *header, size_t length,
    char type_r[MAIL_TYPE_SIZE])
{
	static const char *const taken_for[] = {
		[MAIL_PART_OTHER] = "application/octet-stream",
		[MAIL_PART_TEXT] = "text/plain",
		[MAIL_PART_MULTIPART] = "multipart/mixed",
		[MAIL_PART_MESSAGE] = "message/rfc822",
	};
	struct mail_header_field type;

	if (!mail_header_first(header, length, "Content-Type", &type) ||
	    !part_copy_type(type.value, type.value_length, type_r))
		strcpy(type_r, taken_for[part->form]);
}

enum mail_disposition
mail_part_disposition(const char *header, size_t length)
{
	struct mail_header_field field;

	if (!mail_header_first(header, length, "Content-Disposition", &field))
		return MAIL_DISPOSITION_NONE;
	return mail_parameter_begins(field.value, field.value_length, "inline")
		   ? MAIL_DISPOSITION_INLINE
		   : MAIL_DISPOSITION_ATTACHMENT;
}

static bool
part_says(
    const struct mail_header_field *type, const char *name, const char *wanted)
{
	struct mail_text value;
	bool is_said;

	mail_text_init(&value, 64);
	is_said = mail_parameter_octets(
		      type->value, type->value_length, name, &value) &&
		  value.length == strlen(wanted) &&
		  strncasecmp(value.bytes, wanted, value.length) == 0;
	mail_text_free(&value);
	return is_said;
}

enum mail_flow
mail_part_flow(const char *header, size_t length)
{
	struct mail_header_field type;

	if (!mail_header_first(header, length, "Content-Type", &type) ||
	    !part_says(&type, "format", "flowed"))
		return MAIL_FLOW_FIXED;
	return part_says(&type, "delsp", "yes") ? MAIL_FLOW_JOINED
						: MAIL_FLOW_FLOWED;
}
