#include "daemon/secret/sealed_fields.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/secret/number.h"

#define HEAD_SIZE 5

static bool
fields_grow(struct sealed_fields *fields, size_t more)
{
	size_t room = fields->room == 0 ? 512 : fields->room;
	unsigned char *grown;

	if (fields->has_failed || more > SIZE_MAX / 4 - fields->length)
		return false;
	if (fields->length + more <= fields->room)
		return true;
	while (room < fields->length + more)
		room *= 2;
	/* Not realloc(), which would leave what was there. */
	grown = malloc(room);
	if (grown == NULL) {
		fields->has_failed = true;
		return false;
	}
	if (fields->length > 0) {
		memcpy(grown, fields->bytes, fields->length);
		sodium_memzero(fields->bytes, fields->length);
	}
	free(fields->bytes);
	fields->bytes = grown;
	fields->room = room;
	return true;
}

void
sealed_fields_put(struct sealed_fields *fields, enum sealed_field type,
    const void *bytes, size_t length)
{
	unsigned char *at;

	if (length > UINT32_MAX || !fields_grow(fields, HEAD_SIZE + length)) {
		fields->has_failed = true;
		return;
	}
	at = fields->bytes + fields->length;
	at[0] = (unsigned char)type;
	number_put(at + 1, length, HEAD_SIZE - 1);
	if (length > 0)
		memcpy(at + HEAD_SIZE, bytes, length);
	fields->length += HEAD_SIZE + length;
}

void
sealed_fields_put_text(
    struct sealed_fields *fields, enum sealed_field type, const char *text)
{
	if (text != NULL)
		sealed_fields_put(fields, type, text, strlen(text));
}

void
sealed_fields_put_number(
    struct sealed_fields *fields, enum sealed_field type, uint64_t number)
{
	unsigned char bytes[8];

	number_put(bytes, number, sizeof(bytes));
	sealed_fields_put(fields, type, bytes, sizeof(bytes));
}

void
sealed_fields_clear(struct sealed_fields *fields)
{
	if (fields->bytes != NULL)
		sodium_memzero(fields->bytes, fields->length);
	free(fields->bytes);
	memset(fields, 0, sizeof(*fields));
}

bool
sealed_fields_next(struct sealed_fields_reader *reader)
{
	size_t length;

	if (reader->left < HEAD_SIZE)
		return false;
	length = (size_t)number_get(reader->at + 1, HEAD_SIZE - 1);
	if (length > reader->left - HEAD_SIZE)
		return false;
	reader->type = reader->at[0];
	reader->bytes = reader->at + HEAD_SIZE;
	reader->length = length;
	reader->at += HEAD_SIZE + length;
	reader->left -= HEAD_SIZE + length;
	return true;
}

uint64_t
sealed_fields_number(const struct sealed_fields_reader *reader)
{
	return reader->length == 8 ? number_get(reader->bytes, 8) : 0;
}
