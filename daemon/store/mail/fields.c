#include "daemon/store/mail/fields.h"

#include <string.h>
#include <strings.h>

#include "lib/base/text.h"

/* The most that is kept of one header, without the fields that nobody reads. */
#define FIELDS_MAX ((size_t)64 * 1024)

void
mail_fields_init(struct mail_fields *fields)
{
	memset(fields, 0, sizeof(*fields));
	mail_text_init(&fields->kept, FIELDS_MAX);
}

void
mail_fields_free(struct mail_fields *fields)
{
	mail_text_free(&fields->kept);
}

void
mail_fields_begin(struct mail_fields *fields, enum mail_header_of of,
    enum mail_fields_wanted wanted)
{
	mail_header_edge_init(&fields->edge, of);
	mail_text_clear(&fields->kept);
	fields->wanted = wanted;
	fields->is_kept = false;
}

/*
 * Fields that programs write for each other are long, and nobody searches them.
 */
static bool
fields_is_kept(
    const struct mail_fields *fields, const char *line, size_t length)
{
	static const char *const unread[] = { "X-", "ARC-", "DKIM-",
		"Authentication-", "Received", "References", "Autocrypt" };

	if (evpop_text_begins(line, length, "Content-"))
		return true;
	if (fields->wanted == MAIL_FIELDS_OF_CONTENT)
		return false;
	for (size_t i = 0; i < sizeof(unread) / sizeof(unread[0]); i++)
		if (evpop_text_begins(line, length, unread[i]))
			return false;
	return true;
}

static void
fields_keep(struct mail_fields *fields, const char *line, size_t length)
{
	bool is_continued = line[0] == ' ' || line[0] == '\t';

	if (!is_continued && memchr(line, ':', length) == NULL) {
		/* A line that was folded wrongly. */
		if (fields->is_kept && fields->edge.of == MAIL_HEADER_OF_PART)
			mail_text_add(&fields->kept, " ", 1);
	} else if (!is_continued)
		fields->is_kept = fields_is_kept(fields, line, length);
	mail_fields_rest(fields, line, length);
}

void
mail_fields_rest(struct mail_fields *fields, const char *bytes, size_t length)
{
	if (fields->is_kept)
		mail_text_add(&fields->kept, bytes, length);
}

enum mail_header_verdict
mail_fields_line(struct mail_fields *fields, const char *line, size_t length)
{
	enum mail_header_verdict verdict =
	    mail_header_edge_line(&fields->edge, line, length);

	if (verdict == MAIL_HEADER_GOES_ON)
		fields_keep(fields, line, length);
	return verdict;
}
