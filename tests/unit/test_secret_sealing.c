/* Sealed mail: what opens, and what is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>
#include <zstd.h>

#include "daemon/secret/sealed_fields.h"
#include "daemon/secret/sealed_form.h"

static const unsigned char seed[SEALING_SEED_SIZE] = "the seed of the holder";
static const unsigned char other_seed[SEALING_SEED_SIZE] = "another's";

#define PIECE_MOST  20000
#define PIECES_MOST 8

static const char subject[] = "A subject that nobody may read";

/* A sealed message, as the store has it. */
struct sealed {
	unsigned char recipient[SEALING_RECIPIENT_SIZE];
	unsigned char key[SEALING_KEY_SIZE];
	struct sealing_binding binding;
	unsigned char envelope[1024 + SEALING_ENVELOPE_EXTRA];
	size_t envelope_length;
	struct {
		enum sealing_packing packing;
		unsigned char
		    bytes[PIECE_MOST + SEALING_PIECE_EXTRA(PIECE_MOST)];
		size_t length;
	} pieces[PIECES_MOST];
	size_t count;
};

static struct sealing *
seal_to(const unsigned char *to)
{
	struct sealing_opener *opener = sealing_opener_new(to);
	struct sealing *sealing;

	assert_non_null(opener);
	sealing = sealing_new(sealing_opener_public(opener));
	assert_non_null(sealing);
	sealing_opener_free(&opener);
	return sealing;
}

/* Piece `number` of a body. */
static size_t
make_piece(int64_t body, size_t number, char *text_r)
{
	size_t length = (size_t)snprintf(text_r, PIECE_MOST,
	    "Piece %zu of body %lld: ", number, (long long)body);

	while (length < 3000 * number) {
		memcpy(text_r + length, "and so on, ", 11);
		length += 11;
	}
	return length;
}

static void
seal(struct sealing *sealing, const struct sealing_binding *binding,
    size_t count, struct sealed *sealed_r)
{
	static char piece[PIECE_MOST], packed[PIECE_MOST];
	struct sealing_body *body = sealing_body_new(sealing, binding->body);
	struct sealed_fields fields = { .bytes = NULL };

	assert_non_null(body);
	memset(sealed_r, 0, sizeof(*sealed_r));
	memcpy(sealed_r->recipient, sealing_recipient(sealing),
	    SEALING_RECIPIENT_SIZE);
	sealed_r->binding = *binding;
	for (size_t i = 0; i < count; i++) {
		size_t length = make_piece(binding->body, i, piece);
		const void *bytes = piece;

		if (i % 2 == 1) {
			length = ZSTD_compress(
			    packed, sizeof(packed), piece, length, 1);
			assert_false(ZSTD_isError(length));
			bytes = packed;
			sealed_r->pieces[i].packing = SEALING_ZSTD;
		}
		sealed_r->pieces[i].length =
		    sealing_body_piece(body, sealed_r->pieces[i].packing, bytes,
			length, i == count - 1, sealed_r->pieces[i].bytes);
		assert_true(sealed_r->pieces[i].length <=
			    length + SEALING_PIECE_EXTRA(length));
	}
	sealed_r->count = count;
	sealed_fields_put_text(&fields, SEALED_SUBJECT, subject);
	sealed_fields_put_number(&fields, SEALED_OCTETS, 1234567890123);
	sealed_fields_put_text(&fields, SEALED_CC, NULL);
	assert_false(fields.has_failed);
	sealed_r->envelope_length = sealing_body_envelope(
	    body, binding, fields.bytes, fields.length, sealed_r->envelope);
	assert_true(sealed_r->envelope_length <=
		    fields.length + SEALING_ENVELOPE_EXTRA);
	sealed_fields_clear(&fields);
	sealing_body_key(body, sealed_r->key);
	sealing_body_free(&body);
	assert_null(body);
}

static const struct sealing_binding first = { SEALING_MESSAGE, 7, 2, 31 },
				    second = { SEALING_MESSAGE, 8, 2, 32 },
				    elsewhere = { SEALING_MESSAGE, 9, 3, 33 },
				    aside = { SEALING_QUARANTINE, 7, 2, 34 };

/* ---- the form ---- */

static size_t
put_form(const struct sealed *sealed, unsigned char *form_r)
{
	unsigned char *at = form_r;

	sealed_head(sealed->recipient, sealed->key, &sealed->binding,
	    sealed->envelope_length, at);
	at += SEALED_HEAD_SIZE;
	memcpy(at, sealed->envelope, sealed->envelope_length);
	at += sealed->envelope_length;
	for (size_t i = 0; i < sealed->count; i++) {
		sealed_record_head(sealed->pieces[i].packing == SEALING_ZSTD
				       ? SEALED_RECORD_PACKED
				       : SEALED_RECORD_PIECE,
		    sealed->pieces[i].length, at);
		memcpy(at + SEALED_RECORD_HEAD, sealed->pieces[i].bytes,
		    sealed->pieces[i].length);
		at += SEALED_RECORD_HEAD + sealed->pieces[i].length;
	}
	sealed_record_head(SEALED_RECORD_END, 0, at);
	return (size_t)(at + SEALED_RECORD_HEAD - form_r);
}

struct found {
	char subject[64];
	uint64_t octets;
	unsigned fields;
	size_t length;
	char bytes[PIECES_MOST * PIECE_MOST];
};

static bool
take_envelope(void *arg, const unsigned char *bytes, size_t length)
{
	struct sealed_fields_reader reader = { .at = bytes, .left = length };
	struct found *found = arg;

	while (sealed_fields_next(&reader)) {
		found->fields++;
		if (reader.type == SEALED_SUBJECT)
			snprintf(found->subject, sizeof(found->subject), "%.*s",
			    (int)reader.length, (const char *)reader.bytes);
		if (reader.type == SEALED_OCTETS)
			found->octets = sealed_fields_number(&reader);
	}
	return true;
}

static bool
take_bytes(void *arg, const unsigned char *bytes, size_t length)
{
	struct found *found = arg;

	assert_true(length <= sizeof(found->bytes) - found->length);
	memcpy(found->bytes + found->length, bytes, length);
	found->length += length;
	return true;
}

static const struct sealed_sink sink = { take_envelope, take_bytes };

static enum sealing_error
open_form(const unsigned char *holder, const unsigned char *form, size_t length,
    size_t step, struct found *found_r)
{
	struct sealing_opener *opener = sealing_opener_new(holder);
	struct sealed_reader *reader;
	enum sealing_error error = SEALING_OK;

	assert_non_null(opener);
	memset(found_r, 0, sizeof(*found_r));
	reader = sealed_reader_new(opener, &sink, found_r);
	assert_non_null(reader);
	for (size_t at = 0; at < length && error == SEALING_OK; at += step)
		error = sealed_reader_feed(
		    reader, form + at, step < length - at ? step : length - at);
	if (error == SEALING_OK)
		error = sealed_reader_finish(reader);
	else
		assert_int_equal(sealed_reader_finish(reader), error);
	sealed_reader_free(&reader);
	assert_null(reader);
	sealing_opener_free(&opener);
	return error;
}

static enum sealing_error
open_sealed(const struct sealed *sealed, struct found *found_r)
{
	static unsigned char form[PIECES_MOST * (PIECE_MOST * 2)];
	size_t length = put_form(sealed, form);

	return open_form(seed, form, length, length, found_r);
}

static struct sealed one, two, changed;
static struct found found;

static void
seal_both(const struct sealing_binding *of_two)
{
	struct sealing *sealing = seal_to(seed);

	seal(sealing, &first, 4, &one);
	seal(sealing, of_two, 4, &two);
	sealing_free(&sealing);
	assert_int_equal(open_sealed(&one, &found), SEALING_OK);
	assert_int_equal(open_sealed(&two, &found), SEALING_OK);
}

/* ---- tests ---- */

static void
test_opens(void **state)
{
	struct sealing *sealing = seal_to(seed);
	static char wanted[PIECES_MOST * PIECE_MOST];
	static unsigned char form[PIECES_MOST * (PIECE_MOST * 2)];

	(void)state;
	for (size_t count = 1; count <= PIECES_MOST - 2; count++) {
		size_t length = 0, whole;

		for (size_t i = 0; i < count; i++)
			length += make_piece(first.body, i, wanted + length);
		seal(sealing, &first, count, &one);
		whole = put_form(&one, form);
		for (size_t step = 1; step <= whole;
		     step = step < 8 ? step + 1 : step * 7) {
			assert_int_equal(
			    open_form(seed, form, whole, step, &found),
			    SEALING_OK);
			assert_int_equal(found.length, length);
			assert_memory_equal(found.bytes, wanted, length);
			assert_string_equal(found.subject, subject);
			assert_true(found.octets == 1234567890123);
			assert_int_equal(found.fields, 2);
		}
	}
	sealing_free(&sealing);
}

/* No piece has more in the clear than another. */
static void
test_shows_nothing(void **state)
{
	static unsigned char form[PIECES_MOST * (PIECE_MOST * 2)];
	size_t length;

	(void)state;
	seal_both(&second);
	length = put_form(&one, form);
	assert_null(memmem(form, length, "Piece", 5));
	assert_null(memmem(form, length, "and so on", 9));
	assert_null(memmem(form, length, "subject", 7));
	assert_memory_not_equal(one.key, two.key, SEALING_KEY_SIZE);
	assert_memory_not_equal(
	    one.pieces[0].bytes, two.pieces[0].bytes, one.pieces[0].length);
}

static void
test_any_octet_counts(void **state)
{
	static unsigned char form[PIECES_MOST * (PIECE_MOST * 2)];
	size_t length;

	(void)state;
	seal_both(&second);
	length = put_form(&one, form);
	for (size_t i = 0; i < length; i += i < 1500 ? 1 : 97) {
		form[i] ^= 1;
		assert_int_not_equal(
		    open_form(seed, form, length, length, &found), SEALING_OK);
		form[i] ^= 1;
	}
	for (size_t i = 0; i < length; i += i < 1500 ? 1 : 97)
		assert_int_not_equal(
		    open_form(seed, form, i, length, &found), SEALING_OK);
	assert_int_equal(
	    open_form(seed, form, length, length, &found), SEALING_OK);
}

static void
test_order(void **state)
{
	(void)state;
	seal_both(&second);
	changed = one;
	changed.pieces[1] = one.pieces[2];
	changed.pieces[2] = one.pieces[1];
	assert_int_equal(open_sealed(&changed, &found), SEALING_PIECE_CHANGED);
	/* One is missing in between, or at the beginning. */
	changed = one;
	changed.pieces[1] = one.pieces[2];
	changed.pieces[2] = one.pieces[3];
	changed.count = 3;
	assert_int_equal(open_sealed(&changed, &found), SEALING_PIECE_CHANGED);
	/* One comes twice. */
	changed = one;
	changed.pieces[2] = one.pieces[1];
	assert_int_equal(open_sealed(&changed, &found), SEALING_PIECE_CHANGED);
	/* One is another body's, at the same place. */
	changed = one;
	changed.pieces[1] = two.pieces[1];
	assert_int_equal(open_sealed(&changed, &found), SEALING_PIECE_CHANGED);
	/* It is said to be packed in another way. */
	changed = one;
	changed.pieces[1].packing = SEALING_PLAIN;
	assert_int_equal(open_sealed(&changed, &found), SEALING_PIECE_CHANGED);
}

static void
test_truncation(void **state)
{
	(void)state;
	seal_both(&second);
	for (size_t count = 0; count < 4; count++) {
		changed = one;
		changed.count = count;
		assert_int_equal(open_sealed(&changed, &found), SEALING_CUT);
	}
	changed = one;
	changed.pieces[4] = one.pieces[3];
	changed.count = 5;
	assert_int_equal(open_sealed(&changed, &found), SEALING_TRAILING);
}

static void
test_exchange(void **state)
{
	(void)state;
	/* The rows of two messages are exchanged. */
	seal_both(&second);
	changed = two;
	changed.binding.owner = one.binding.owner;
	assert_int_equal(open_sealed(&changed, &found), SEALING_OTHER_MESSAGE);
	/* What belongs to a row is exchanged, but not its body. */
	changed = two;
	changed.binding = one.binding;
	assert_int_equal(open_sealed(&changed, &found), SEALING_OTHER_MESSAGE);
	/* Only a body is. */
	changed = one;
	changed.binding.body = two.binding.body;
	assert_int_equal(open_sealed(&changed, &found), SEALING_OTHER_BODY);
	memcpy(changed.pieces, two.pieces, sizeof(changed.pieces));
	assert_int_equal(open_sealed(&changed, &found), SEALING_OTHER_BODY);
	/* An envelope or a key alone is. */
	changed = one;
	memcpy(changed.envelope, two.envelope, sizeof(changed.envelope));
	assert_int_equal(
	    open_sealed(&changed, &found), SEALING_ENVELOPE_CHANGED);
	changed = one;
	memcpy(changed.key, two.key, sizeof(changed.key));
	assert_int_equal(
	    open_sealed(&changed, &found), SEALING_ENVELOPE_CHANGED);
	/* A message is put into another account. */
	seal_both(&elsewhere);
	changed = two;
	changed.binding.account = first.account;
	assert_int_equal(open_sealed(&changed, &found), SEALING_OTHER_ACCOUNT);
	/* What is in quarantine is shown as a message. */
	seal_both(&aside);
	changed = two;
	changed.binding.kind = SEALING_MESSAGE;
	assert_int_equal(open_sealed(&changed, &found), SEALING_OTHER_KIND);
}

static void
test_other_key(void **state)
{
	static unsigned char form[PIECES_MOST * (PIECE_MOST * 2)];
	size_t length;

	(void)state;
	seal_both(&second);
	length = put_form(&one, form);
	assert_int_equal(open_form(other_seed, form, length, length, &found),
	    SEALING_OTHER_KEY);
	/* Who lies about it gains nothing. */
	memcpy(one.recipient, "12345678", 8);
	length = put_form(&one, form);
	assert_int_equal(
	    open_form(seed, form, length, length, &found), SEALING_OTHER_KEY);
}

static void
test_again(void **state)
{
	static unsigned char form[PIECES_MOST * (PIECE_MOST * 2)];
	struct sealing_opener *opener = sealing_opener_new(seed);
	struct sealing *to = seal_to(other_seed);
	size_t length;

	(void)state;
	assert_non_null(opener);
	seal_both(&second);
	changed = one;
	assert_int_equal(
	    sealing_again(opener, one.key, to, changed.key), SEALING_OK);
	memcpy(changed.recipient, sealing_recipient(to),
	    sizeof(changed.recipient));
	length = put_form(&changed, form);
	assert_int_equal(
	    open_form(other_seed, form, length, length, &found), SEALING_OK);
	assert_string_equal(found.subject, subject);
	assert_int_equal(
	    open_form(seed, form, length, length, &found), SEALING_OTHER_KEY);
	/* Only the holder can. */
	assert_int_equal(sealing_again(opener, changed.key, to, one.key),
	    SEALING_KEY_CHANGED);
	sealing_free(&to);
	sealing_opener_free(&opener);
}

/* Each body has a key of its own, though pairs are used again. */
static void
test_many_bodies(void **state)
{
	static unsigned char keys[300][SEALING_KEY_SIZE];
	struct sealing_opener *opener = sealing_opener_new(seed);
	struct sealing *sealing = seal_to(seed);
	unsigned pairs = 1;

	(void)state;
	assert_non_null(opener);
	for (size_t i = 0; i < 300; i++) {
		struct sealing_body *body = sealing_body_new(sealing, 1);
		struct sealing_opened *opened;

		assert_non_null(body);
		sealing_body_key(body, keys[i]);
		sealing_body_free(&body);
		assert_int_equal(
		    sealing_open(opener, keys[i], 1, &opened), SEALING_OK);
		sealing_opened_free(&opened);
		pairs += i > 0 && memcmp(keys[i], keys[i - 1], 32) != 0;
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(keys[i] + 32, keys[k] + 32, 24);
	}
	assert_int_equal(pairs, 2);
	sealing_free(&sealing);
	sealing_opener_free(&opener);
}

/* What packs well is not told from what packs a little less. */
static void
test_lengths(void **state)
{
	static unsigned char
	    sealed[PIECE_MOST + SEALING_PIECE_EXTRA(PIECE_MOST)];
	static const unsigned char piece[PIECE_MOST];
	struct sealing *sealing = seal_to(seed);
	size_t before = 0;
	unsigned lengths = 0;

	(void)state;
	for (size_t length = 1; length <= PIECE_MOST; length += 13) {
		struct sealing_body *body = sealing_body_new(sealing, 1);
		size_t now;

		assert_non_null(body);
		now = sealing_body_piece(
		    body, SEALING_ZSTD, piece, length, true, sealed);
		assert_true(now > length && now >= before);
		lengths += now != before;
		before = now;
		sealing_body_free(&body);
	}
	assert_in_range(lengths, 40, 80);
	sealing_free(&sealing);
}

static void
test_key_that_is_none(void **state)
{
	static const unsigned char zeros[SEALING_PUBLIC_SIZE];

	(void)state;
	assert_null(sealing_new(zeros));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens),
		cmocka_unit_test(test_shows_nothing),
		cmocka_unit_test(test_any_octet_counts),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_other_key),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_many_bodies),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_key_that_is_none),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
