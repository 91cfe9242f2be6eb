#include "daemon/store/mail/content.h"

#include <string.h>

/* Octets that are decoded at a time. */
#define SLICE ((size_t)4096)

void
mail_content_init(struct mail_content *content)
{
	memset(content, 0, sizeof(*content));
	mail_text_init(&content->decoded, 2 * SLICE);
}

void
mail_content_free(struct mail_content *content)
{
	mail_text_free(&content->decoded);
}

void
mail_content_begin(struct mail_content *content,
    enum mail_transfer_encoding encoding, bool is_text,
    enum mail_content_end end)
{
	mail_transfer_init(&content->transfer, encoding);
	content->transfer.is_text = is_text;
	content->is_decided = encoding != MAIL_TRANSFER_BASE64;
	content->end = end;
	content->held_length = 0;
}

static void
content_give_decoded(
    struct mail_content *content, mail_content_give give, void *arg)
{
	size_t length = mail_text_length(&content->decoded);

	if (length > 0)
		give(arg, mail_text_at(&content->decoded, 0), length);
}

static void
content_decode(struct mail_content *content, const char *bytes, size_t length,
    mail_content_give give, void *arg)
{
	if (content->transfer.encoding == MAIL_TRANSFER_IDENTITY) {
		if (length > 0)
			give(arg, bytes, length);
		return;
	}
	while (length > 0) {
		size_t slice = length < SLICE ? length : SLICE;

		mail_text_clear(&content->decoded);
		mail_transfer_add(
		    &content->transfer, &content->decoded, bytes, slice);
		content_give_decoded(content, give, arg);
		bytes += slice;
		length -= slice;
	}
}

static bool
content_is_blank(const char *bytes, size_t length)
{
	while (length > 0 && strchr(" \t\r\n", *bytes) != NULL) {
		bytes++;
		length--;
	}
	return length == 0;
}

/* How long the line end is that these bytes end in, be it half of one. */
static size_t
content_line_end(const char *bytes, size_t length)
{
	if (length == 0)
		return 0;
	if (bytes[length - 1] == '\r')
		return 1;
	if (bytes[length - 1] != '\n')
		return 0;
	return length > 1 && bytes[length - 2] == '\r' ? 2 : 1;
}

/* What was held back comes before these bytes, and their end is held now. */
static void
content_take_held(struct mail_content *content, const char *bytes,
    size_t length, mail_content_give give, void *arg)
{
	size_t end = content_line_end(bytes, length);

	if (length == 0)
		return;
	if (content->held_length == 1 && content->held[0] == '\r' &&
	    length == 1 && bytes[0] == '\n') {
		content->held[content->held_length++] = '\n';
		return;
	}
	content_decode(content, content->held, content->held_length, give, arg);
	content_decode(content, bytes, length - end, give, arg);
	memcpy(content->held, bytes + length - end, end);
	content->held_length = end;
}

void
mail_content_take(struct mail_content *content, const char *bytes,
    size_t length, mail_content_give give, void *arg)
{
	if (!content->is_decided) {
		if (content_is_blank(bytes, length))
			return;
		content->is_decided = true;
		if (!mail_transfer_is_base64_line(bytes, length))
			mail_transfer_init(
			    &content->transfer, MAIL_TRANSFER_IDENTITY);
	}
	if (content->end == MAIL_CONTENT_END_DROPPED)
		content_take_held(content, bytes, length, give, arg);
	else
		content_decode(content, bytes, length, give, arg);
}

void
mail_content_finish(
    struct mail_content *content, mail_content_give give, void *arg)
{
	/* It ends a line that the encoding breaks. */
	if (content->transfer.held_length > 0)
		content_decode(
		    content, content->held, content->held_length, give, arg);
	content->held_length = 0;
	mail_text_clear(&content->decoded);
	mail_transfer_end(&content->transfer, &content->decoded);
	content_give_decoded(content, give, arg);
}
