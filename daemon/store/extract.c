#include "daemon/store/extract.h"

#include <gmime/gmime.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/charset.h"
#include "daemon/store/html.h"
#include "daemon/store/text.h"

/* What one message may put into the index. */
#define TEXT_MAX  ((size_t)256 * 1024)
#define PARTS_MAX 64
#define DEPTH_MAX 16

/*
 * Colons of one field.  GMime reads a group of addresses within a group by
 * recursion, with no end but that of the stack.
 */
#define COLONS_MAX 64

struct extraction {
	GString *text;
	unsigned parts;
};

static void
add_part(struct extraction *to, GMimeTextPart *part)
{
	size_t length, room = TEXT_MAX - to->text->len;
	char *text;

	store_charset_keep(g_mime_text_part_get_charset(part));
	text = g_mime_text_part_get_text(part);
	if (text == NULL)
		return;
	length = strlen(text);
	if (g_mime_content_type_is_type(
		g_mime_object_get_content_type(GMIME_OBJECT(part)), "text",
		"html"))
		length = store_html_strip(text, length);
	if (length > room)
		length = room;
	g_string_append_len(to->text, text, (gssize)length);
	if (to->text->len < TEXT_MAX)
		g_string_append_c(to->text, '\n');
	g_free(text);
}

static bool
is_indexed(GMimeObject *object)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);

	return GMIME_IS_TEXT_PART(object) &&
	       (g_mime_content_type_is_type(type, "text", "plain") ||
		   g_mime_content_type_is_type(type, "text", "html"));
}

static void
walk(struct extraction *to, GMimeObject *object, unsigned depth)
{
	if (object == NULL || depth > DEPTH_MAX || to->text->len >= TEXT_MAX ||
	    to->parts++ >= PARTS_MAX)
		return;
	if (GMIME_IS_MULTIPART(object)) {
		GMimeMultipart *multipart = GMIME_MULTIPART(object);
		int count = g_mime_multipart_get_count(multipart);

		for (int i = 0; i < count; i++)
			walk(to, g_mime_multipart_get_part(multipart, i),
			    depth + 1);
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *inner =
		    g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));

		if (inner != NULL)
			walk(
			    to, g_mime_message_get_mime_part(inner), depth + 1);
	} else if (is_indexed(object))
		add_part(to, GMIME_TEXT_PART(object));
}

/*
 * Takes further colons out of each field, and of what looks like one in a
 * body: the index takes a colon for a blank.
 */
static void
drop_colons(guint8 *bytes, size_t length)
{
	size_t colons = 0;

	for (size_t i = 0; i < length; i++) {
		bool folded = bytes[i] == ' ' || bytes[i] == '\t';

		if (i > 0 && bytes[i - 1] == '\n' && !folded)
			colons = 0;
		if (bytes[i] == ':' && ++colons > COLONS_MAX)
			bytes[i] = ' ';
	}
}

static GMimeStream *
open_message(const char *message, size_t length)
{
	GByteArray *bytes = g_byte_array_sized_new((guint)length);

	g_byte_array_append(bytes, (const guint8 *)message, (guint)length);
	drop_colons(bytes->data, length);
	return g_mime_stream_mem_new_with_byte_array(bytes);
}

char *
store_extract_text(const char *message, size_t length)
{
	GMimeStream *stream = open_message(message, length);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *parsed;
	struct extraction to = { g_string_new(NULL), 0 };
	char *clean;

	g_mime_parser_set_format(parser, GMIME_FORMAT_MESSAGE);
	g_object_unref(stream);
	parsed = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	if (parsed != NULL) {
		walk(&to, g_mime_message_get_mime_part(parsed), 0);
		g_object_unref(parsed);
	}
	clean = store_text_clean(to.text->str, to.text->len, TEXT_MAX);
	g_string_free(to.text, TRUE);
	return clean;
}
