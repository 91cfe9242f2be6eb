/*
 * Sealed mail outside of the store: any bytes are mail that opens, or refused;
 * what was sealed opens as it was, and what was changed afterwards does not,
 * nor does it show anything else before that is noticed.
 *
 *     "f" CUTS FORM
 *     CHANGE CUTS PLACE PLACE OCTET PIECE "|" PIECE ...
 *
 * CHANGE is "x" to change an octet, "c" to cut, "d" to drop one, "a" to append;
 * all else changes nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/secret/sealed_fields.h"
#include "daemon/secret/sealed_form.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/record.h"
#include "tests/fuzz/target.h"

static const struct sealing_binding binding = { SEALING_MESSAGE, 7, 2, 31 };

static struct sealing_opener *
holder(void)
{
	static const unsigned char seed[SEALING_SEED_SIZE] = "the holder's";
	static struct sealing_opener *opener;

	if (opener == NULL)
		opener = sealing_opener_new(seed);
	assert(opener != NULL);
	return opener;
}

/* ---- opening ---- */

static bool
take_envelope(void *arg, const unsigned char *bytes, size_t length)
{
	struct sealed_fields_reader reader = { .at = bytes, .left = length };

	while (sealed_fields_next(&reader)) {
		fuzz_record_number(arg, (uint64_t)reader.type);
		fuzz_record_bytes(arg, reader.bytes, reader.length);
	}
	return true;
}

static bool
take_bytes(void *arg, const unsigned char *bytes, size_t length)
{
	fuzz_record_bytes(arg, bytes, length);
	return true;
}

static enum sealing_error
open_form(const unsigned char *form, size_t length, struct fuzz_cuts cuts,
    struct fuzz_record *found)
{
	static const struct sealed_sink sink = { take_envelope, take_bytes };
	struct sealed_reader *reader =
	    sealed_reader_new(holder(), &sink, found);
	enum sealing_error error = SEALING_OK;
	unsigned char *piece;
	size_t size;

	assert(reader != NULL);
	for (; length > 0 && error == SEALING_OK;
	     form += size, length -= size) {
		size = fuzz_piece(&cuts, length);
		piece = fuzz_copy(form, size);
		error = sealed_reader_feed(reader, piece, size);
		free(piece);
	}
	if (error == SEALING_OK)
		error = sealed_reader_finish(reader);
	else
		assert(sealed_reader_finish(reader) == error);
	assert(*sealing_error_text(error) != '\0');
	sealed_reader_free(&reader);
	return error;
}

/* However it is cut, the same comes of it. */
static enum sealing_error
open_cut(const unsigned char *form, size_t length, struct fuzz_cuts cuts,
    struct fuzz_record *found)
{
	struct fuzz_record in_pieces = { .bytes = NULL };
	enum sealing_error error = open_form(form, length, FUZZ_WHOLE, found);

	assert(open_form(form, length, cuts, &in_pieces) == error);
	fuzz_record_same(found, &in_pieces);
	fuzz_record_free(&in_pieces);
	return error;
}

/* ---- sealing ---- */

static void
put_piece(struct sealing_body *body, struct fuzz_input piece, bool is_last,
    struct fuzz_record *form)
{
	unsigned char head[SEALED_RECORD_HEAD];
	unsigned char *sealed =
	    malloc(piece.left + SEALING_PIECE_EXTRA(piece.left));
	size_t length;

	assert(sealed != NULL);
	length = sealing_body_piece(
	    body, SEALING_PLAIN, piece.at, piece.left, is_last, sealed);
	sealed_record_head(SEALED_RECORD_PIECE, length, head);
	fuzz_record_bytes(form, head, sizeof(head));
	fuzz_record_bytes(form, sealed, length);
	free(sealed);
}

/* The first piece is the subject, too. */
static void
put_head(struct sealing *sealing, struct sealing_body *body,
    struct fuzz_input first, struct fuzz_record *form,
    struct fuzz_record *plain)
{
	unsigned char head[SEALED_HEAD_SIZE], key[SEALING_KEY_SIZE];
	struct sealed_fields fields = { .bytes = NULL };
	unsigned char *envelope;
	size_t length;

	sealed_fields_put(&fields, SEALED_SUBJECT, first.at, first.left);
	assert(!fields.has_failed);
	fuzz_record_number(plain, SEALED_SUBJECT);
	fuzz_record_bytes(plain, first.at, first.left);
	envelope = malloc(fields.length + SEALING_ENVELOPE_EXTRA);
	assert(envelope != NULL);
	length = sealing_body_envelope(
	    body, &binding, fields.bytes, fields.length, envelope);
	sealing_body_key(body, key);
	sealed_head(sealing_recipient(sealing), key, &binding, length, head);
	fuzz_record_bytes(form, head, sizeof(head));
	fuzz_record_bytes(form, envelope, length);
	free(envelope);
	sealed_fields_clear(&fields);
}

static void
seal(struct fuzz_input input, struct fuzz_record *form,
    struct fuzz_record *plain)
{
	struct sealing *sealing = sealing_new(sealing_opener_public(holder()));
	unsigned char end[SEALED_RECORD_HEAD];
	struct sealing_body *body;
	struct fuzz_input piece;

	assert(sealing != NULL);
	body = sealing_body_new(sealing, binding.body);
	assert(body != NULL);
	piece = fuzz_up_to(&input, '|');
	put_head(sealing, body, piece, form, plain);
	for (;;) {
		fuzz_record_bytes(plain, piece.at, piece.left);
		put_piece(body, piece, input.left == 0, form);
		if (input.left == 0)
			break;
		piece = fuzz_up_to(&input, '|');
	}
	sealed_record_head(SEALED_RECORD_END, 0, end);
	fuzz_record_bytes(form, end, sizeof(end));
	sealing_body_free(&body);
	sealing_free(&sealing);
}

/* Returns whether anything is another than it was. */
static bool
change(unsigned char kind, size_t place, unsigned char octet,
    struct fuzz_record *form)
{
	unsigned char *at = form->bytes + place % form->length;

	switch (kind) {
	case 'x':
		*at ^= octet;
		return octet != 0;
	case 'c':
		form->length = (size_t)(at - form->bytes);
		return true;
	case 'd':
		form->length--;
		memmove(at, at + 1, form->length - (size_t)(at - form->bytes));
		return true;
	case 'a':
		fuzz_record_bytes(form, &octet, 1);
		return true;
	default:
		return false;
	}
}

static void
seal_and_change(unsigned char kind, struct fuzz_input input)
{
	struct fuzz_record form = { .bytes = NULL }, plain = { .bytes = NULL };
	struct fuzz_record found = { .bytes = NULL };
	struct fuzz_cuts cuts = fuzz_take_cuts(&input);
	size_t place = (size_t)fuzz_octet(&input) << 8;
	unsigned char octet;

	place |= fuzz_octet(&input);
	octet = fuzz_octet(&input);
	seal(input, &form, &plain);
	if (!change(kind, place, octet, &form)) {
		assert(open_cut(form.bytes, form.length, cuts, &found) ==
		       SEALING_OK);
		fuzz_record_same(&found, &plain);
	} else {
		assert(open_cut(form.bytes, form.length, cuts, &found) !=
		       SEALING_OK);
		assert(found.length <= plain.length);
		assert(found.length == 0 ||
		       memcmp(found.bytes, plain.bytes, found.length) == 0);
	}
	fuzz_record_free(&form);
	fuzz_record_free(&plain);
	fuzz_record_free(&found);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = data, .left = size };
	struct fuzz_record found = { .bytes = NULL };
	unsigned char kind = fuzz_octet(&input);
	struct fuzz_cuts cuts;

	if (kind == 'f') {
		cuts = fuzz_take_cuts(&input);
		(void)open_cut(input.at, input.left, cuts, &found);
		fuzz_record_free(&found);
	} else {
		seal_and_change(kind, input);
	}
	return 0;
}
