#include "daemon/store/mail/headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/store/mail/encoded.h"
#include "daemon/store/mail/header.h"
#include "daemon/store/mail/part.h"
#include "daemon/store/mail/whole.h"

/* Bounds of one field, and of how many. */
#define NAME_MAX_LENGTH ((size_t)256)
#define VALUE_MAX       ((size_t)64 * 1024)
#define FIELDS_MAX      1000

struct mail_headers {
	struct mail_whole *whole;
	struct mail_headers_field *fields;
	size_t count;
	bool is_read, is_cut, has_failed;
};

static enum mail_encoded_in
headers_kind(const struct mail_header_field *field)
{
	static const char *const addresses[] = { "From", "To", "Cc", "Bcc",
		"Sender", "Reply-To", "Resent-From", "Resent-To", "Resent-Cc",
		"Delivered-To", "Return-Path" };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (mail_header_is(field, addresses[i]))
			return MAIL_ENCODED_ADDRESSES;
	return MAIL_ENCODED_TEXT;
}

static void
headers_add(struct mail_headers *headers, const char *hint,
    const struct mail_header_field *field)
{
	struct mail_headers_field *to = &headers->fields[headers->count];
	struct mail_text value;

	mail_text_init(&value, VALUE_MAX);
	mail_encoded_add(&value, headers_kind(field), hint, field->value,
	    field->value_length);
	to->name = mail_text_clean(
	    field->name, field->name_length, NAME_MAX_LENGTH, &headers->is_cut);
	to->value = mail_text_finish(&value, VALUE_MAX, &headers->is_cut);
	headers->has_failed |= to->name == NULL || to->value == NULL;
	mail_text_free(&value);
	headers->count++;
}

static void
headers_take(void *arg, const char *header, size_t length, bool is_cut)
{
	struct mail_headers *headers = arg;
	struct mail_header_field field;
	char charset[MAIL_CHARSET_SIZE];
	const char *hint =
	    mail_part_charset(header, length, charset) ? charset : NULL;
	size_t position = 0;

	headers->is_read = true;
	headers->is_cut = is_cut;
	headers->fields = calloc(FIELDS_MAX, sizeof(*headers->fields));
	headers->has_failed = headers->fields == NULL;
	while (!headers->has_failed &&
	       mail_header_next(header, length, &position, &field)) {
		if (headers->count == FIELDS_MAX) {
			headers->is_cut = true;
			return;
		}
		headers_add(headers, hint, &field);
	}
}

struct mail_headers *
mail_headers_new(void)
{
	static const struct mail_parts_sink nothing = { .attached = NULL };
	struct mail_headers *headers = calloc(1, sizeof(*headers));

	if (headers == NULL)
		return NULL;
	headers->whole = mail_whole_new(&nothing, headers_take, headers);
	if (headers->whole != NULL)
		return headers;
	free(headers);
	return NULL;
}

void
mail_headers_free(struct mail_headers *headers)
{
	if (headers == NULL)
		return;
	mail_whole_free(headers->whole);
	for (size_t i = 0; i < headers->count; i++) {
		free(headers->fields[i].name);
		free(headers->fields[i].value);
	}
	free(headers->fields);
	free(headers);
}

bool
mail_headers_feed(
    struct mail_headers *headers, const char *bytes, size_t length)
{
	return mail_whole_feed(headers->whole, bytes, length) &&
	       !headers->has_failed;
}

bool
mail_headers_finish(struct mail_headers *headers)
{
	return mail_whole_finish(headers->whole) && !headers->has_failed;
}

bool
mail_headers_are_read(const struct mail_headers *headers)
{
	return headers->is_read;
}

const struct mail_headers_field *
mail_headers_fields(const struct mail_headers *headers, size_t *count_r)
{
	*count_r = headers->count;
	return headers->fields;
}

bool
mail_headers_are_cut(const struct mail_headers *headers)
{
	return headers->is_cut;
}
