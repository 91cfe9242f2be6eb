#include "daemon/secret/sealed_form.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "daemon/secret/number.h"

/* The store's pieces are no larger, plain; what is sealed is a little more. */
#define PIECE_MAX  ((size_t)256 * 1024)
#define RECORD_MAX (PIECE_MAX + SEALING_PIECE_EXTRA(PIECE_MAX))
/* An envelope has the names of all attachments. */
#define ENVELOPE_MAX ((size_t)4 * 1024 * 1024)

#define BINDING_SIZE (1 + 3 * 8)

/* ---- writing ---- */

void
sealed_record_head(enum sealed_record type, size_t length,
    unsigned char head_r[SEALED_RECORD_HEAD])
{
	head_r[0] = (unsigned char)type;
	number_put(head_r + 1, length, SEALED_RECORD_HEAD - 1);
}

static unsigned char *
form_put(unsigned char *at, enum sealed_record type, const void *bytes,
    size_t length)
{
	sealed_record_head(type, length, at);
	memcpy(at + SEALED_RECORD_HEAD, bytes, length);
	return at + SEALED_RECORD_HEAD + length;
}

void
sealed_head(const unsigned char recipient[SEALING_RECIPIENT_SIZE],
    const unsigned char key[SEALING_KEY_SIZE],
    const struct sealing_binding *binding, size_t envelope_length,
    unsigned char head_r[SEALED_HEAD_SIZE])
{
	unsigned char bytes[BINDING_SIZE], *at = bytes;

	*at++ = (unsigned char)binding->kind;
	at = number_put(at, (uint64_t)binding->owner, 8);
	at = number_put(at, (uint64_t)binding->account, 8);
	number_put(at, (uint64_t)binding->body, 8);
	at = head_r;
	memcpy(at, SEALED_MAGIC, sizeof(SEALED_MAGIC) - 1);
	at += sizeof(SEALED_MAGIC) - 1;
	at = form_put(
	    at, SEALED_RECORD_RECIPIENT, recipient, SEALING_RECIPIENT_SIZE);
	at = form_put(at, SEALED_RECORD_KEY, key, SEALING_KEY_SIZE);
	at = form_put(at, SEALED_RECORD_BINDING, bytes, sizeof(bytes));
	sealed_record_head(SEALED_RECORD_ENVELOPE, envelope_length, at);
}

bool
sealed_is_form(const void *bytes, size_t length)
{
	return length >= sizeof(SEALED_MAGIC) - 1 &&
	       memcmp(bytes, SEALED_MAGIC, sizeof(SEALED_MAGIC) - 1) == 0;
}

/* ---- reading ---- */

/* What comes next. */
enum reader_state {
	READER_MAGIC = 0,
	READER_RECIPIENT,
	READER_KEY,
	READER_BINDING,
	READER_ENVELOPE,
	READER_PIECES,
	READER_ENDED
};

struct sealed_reader {
	const struct sealing_opener *opener;
	const struct sealed_sink *sink;
	void *arg;
	enum reader_state state;
	enum sealing_error error;
	unsigned char key[SEALING_KEY_SIZE];
	struct sealing_binding binding;
	struct sealing_opened *opened;
	/* The record that is being read, with its head. */
	unsigned char *record;
	size_t length, room;
	/* What was in the last one. */
	unsigned char *plain, *unpacked;
	size_t plain_room;
};

struct sealed_reader *
sealed_reader_new(const struct sealing_opener *opener,
    const struct sealed_sink *sink, void *arg)
{
	struct sealed_reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL)
		return NULL;
	reader->opener = opener;
	reader->sink = sink;
	reader->arg = arg;
	return reader;
}

void
sealed_reader_free(struct sealed_reader **reader_pointer)
{
	struct sealed_reader *reader = *reader_pointer;

	if (reader == NULL)
		return;
	sealing_opened_free(&reader->opened);
	free(reader->record);
	free(reader->plain);
	free(reader->unpacked);
	free(reader);
	*reader_pointer = NULL;
}

static enum sealing_error
reader_take_recipient(
    struct sealed_reader *reader, const unsigned char *bytes, size_t length)
{
	if (length != SEALING_RECIPIENT_SIZE)
		return SEALING_NOT_SEALED;
	reader->state = READER_KEY;
	return memcmp(
		   bytes, sealing_opener_recipient(reader->opener), length) == 0
		   ? SEALING_OK
		   : SEALING_OTHER_KEY;
}

static enum sealing_error
reader_take_key(
    struct sealed_reader *reader, const unsigned char *bytes, size_t length)
{
	if (length != SEALING_KEY_SIZE)
		return SEALING_NOT_SEALED;
	memcpy(reader->key, bytes, length);
	reader->state = READER_BINDING;
	return SEALING_OK;
}

static enum sealing_error
reader_take_binding(
    struct sealed_reader *reader, const unsigned char *bytes, size_t length)
{
	if (length != BINDING_SIZE ||
	    (bytes[0] != SEALING_MESSAGE && bytes[0] != SEALING_QUARANTINE))
		return SEALING_NOT_SEALED;
	reader->binding = (struct sealing_binding){
		.kind = (enum sealing_kind)bytes[0],
		.owner = (int64_t)number_get(bytes + 1, 8),
		.account = (int64_t)number_get(bytes + 9, 8),
		.body = (int64_t)number_get(bytes + 17, 8),
	};
	reader->state = READER_ENVELOPE;
	return sealing_open(
	    reader->opener, reader->key, reader->binding.body, &reader->opened);
}

/* Room for what is in a record. */
static bool
reader_has_room(struct sealed_reader *reader, size_t length)
{
	if (length <= reader->plain_room)
		return true;
	free(reader->plain);
	reader->plain = malloc(length);
	reader->plain_room = reader->plain != NULL ? length : 0;
	return reader->plain != NULL;
}

static enum sealing_error
reader_take_envelope(
    struct sealed_reader *reader, const unsigned char *bytes, size_t length)
{
	enum sealing_error error;
	size_t plain;

	if (!reader_has_room(reader, length + 1))
		return SEALING_NO_MEMORY;
	error = sealing_opened_envelope(reader->opened, &reader->binding, bytes,
	    length, reader->plain, &plain);
	if (error != SEALING_OK)
		return error;
	reader->state = READER_PIECES;
	if (!reader->sink->envelope(reader->arg, reader->plain, plain))
		error = SEALING_NO_MEMORY;
	sodium_memzero(reader->plain, length);
	return error;
}

static enum sealing_error
reader_unpack(struct sealed_reader *reader, size_t length)
{
	enum sealing_error error = SEALING_OK;
	size_t unpacked;

	if (reader->unpacked == NULL)
		reader->unpacked = malloc(PIECE_MAX);
	if (reader->unpacked == NULL)
		return SEALING_NO_MEMORY;
	unpacked =
	    ZSTD_decompress(reader->unpacked, PIECE_MAX, reader->plain, length);
	if (ZSTD_isError(unpacked))
		return SEALING_PACKED_WRONG;
	if (!reader->sink->bytes(reader->arg, reader->unpacked, unpacked))
		error = SEALING_NO_MEMORY;
	sodium_memzero(reader->unpacked, unpacked);
	return error;
}

static enum sealing_error
reader_take_piece(struct sealed_reader *reader, enum sealing_packing packing,
    const unsigned char *bytes, size_t length)
{
	enum sealing_error error;
	size_t plain;

	if (!reader_has_room(reader, length + 1))
		return SEALING_NO_MEMORY;
	error = sealing_opened_piece(
	    reader->opened, packing, bytes, length, reader->plain, &plain);
	if (error != SEALING_OK)
		return error;
	if (packing == SEALING_ZSTD)
		error = reader_unpack(reader, plain);
	else if (plain > 0 &&
		 !reader->sink->bytes(reader->arg, reader->plain, plain))
		error = SEALING_NO_MEMORY;
	sodium_memzero(reader->plain, length);
	return error;
}

static enum sealing_error
reader_take_of_pieces(struct sealed_reader *reader, int type,
    const unsigned char *bytes, size_t length)
{
	switch (type) {
	case SEALED_RECORD_PIECE:
		return reader_take_piece(reader, SEALING_PLAIN, bytes, length);
	case SEALED_RECORD_PACKED:
		return reader_take_piece(reader, SEALING_ZSTD, bytes, length);
	case SEALED_RECORD_END:
		if (length != 0)
			return SEALING_NOT_SEALED;
		reader->state = READER_ENDED;
		return sealing_opened_finish(reader->opened);
	default:
		return SEALING_NOT_SEALED;
	}
}

static enum sealing_error
reader_take_record(struct sealed_reader *reader, int type,
    const unsigned char *bytes, size_t length)
{
	static const int expected[] = {
		[READER_RECIPIENT] = SEALED_RECORD_RECIPIENT,
		[READER_KEY] = SEALED_RECORD_KEY,
		[READER_BINDING] = SEALED_RECORD_BINDING,
		[READER_ENVELOPE] = SEALED_RECORD_ENVELOPE,
	};

	if (reader->state == READER_PIECES)
		return reader_take_of_pieces(reader, type, bytes, length);
	if (type != expected[reader->state])
		return SEALING_NOT_SEALED;
	switch (reader->state) {
	case READER_RECIPIENT:
		return reader_take_recipient(reader, bytes, length);
	case READER_KEY:
		return reader_take_key(reader, bytes, length);
	case READER_BINDING:
		return reader_take_binding(reader, bytes, length);
	default:
		return reader_take_envelope(reader, bytes, length);
	}
}

/* How long what is being read is, as far as that is known. */
static size_t
reader_wanted(const struct sealed_reader *reader)
{
	const unsigned char *head = reader->record;

	if (reader->state == READER_MAGIC)
		return sizeof(SEALED_MAGIC) - 1;
	if (reader->length < SEALED_RECORD_HEAD)
		return SEALED_RECORD_HEAD;
	return SEALED_RECORD_HEAD +
	       (size_t)number_get(head + 1, SEALED_RECORD_HEAD - 1);
}

static enum sealing_error
reader_grow(struct sealed_reader *reader, size_t wanted)
{
	size_t most =
	    reader->state == READER_ENVELOPE ? ENVELOPE_MAX : RECORD_MAX;
	unsigned char *grown;

	if (wanted > SEALED_RECORD_HEAD + most)
		return SEALING_NOT_SEALED;
	if (wanted <= reader->room)
		return SEALING_OK;
	grown = realloc(reader->record, wanted);
	if (grown == NULL)
		return SEALING_NO_MEMORY;
	reader->record = grown;
	reader->room = wanted;
	return SEALING_OK;
}

/* What is being read is there, or its head is. */
static enum sealing_error
reader_take(struct sealed_reader *reader)
{
	enum sealing_error error;

	if (reader->state == READER_MAGIC) {
		if (!sealed_is_form(reader->record, reader->length))
			return SEALING_NOT_SEALED;
		reader->state = READER_RECIPIENT;
		reader->length = 0;
		return SEALING_OK;
	}
	if (reader->length < reader_wanted(reader))
		return SEALING_OK;
	error = reader_take_record(reader, reader->record[0],
	    reader->record + SEALED_RECORD_HEAD,
	    reader->length - SEALED_RECORD_HEAD);
	reader->length = 0;
	return error;
}

enum sealing_error
sealed_reader_feed(
    struct sealed_reader *reader, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	while (length > 0 && reader->error == SEALING_OK) {
		size_t wanted = reader_wanted(reader), taken;

		if (reader->state == READER_ENDED) {
			reader->error = SEALING_TRAILING;
			break;
		}
		reader->error = reader_grow(reader, wanted);
		if (reader->error != SEALING_OK)
			break;
		taken = wanted - reader->length;
		if (taken > length)
			taken = length;
		memcpy(reader->record + reader->length, at, taken);
		reader->length += taken;
		at += taken;
		length -= taken;
		if (reader->length == wanted)
			reader->error = reader_take(reader);
	}
	return reader->error;
}

enum sealing_error
sealed_reader_finish(struct sealed_reader *reader)
{
	if (reader->error == SEALING_OK && reader->state != READER_ENDED)
		reader->error = reader->state == READER_MAGIC
				    ? SEALING_NOT_SEALED
				    : SEALING_CUT;
	return reader->error;
}
