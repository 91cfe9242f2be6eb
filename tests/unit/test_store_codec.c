#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/body.h"
#include "daemon/store/codec.h"
#include "tests/unit/failing_alloc.h"

#define LEVEL 3

/* What pieces are made of. */
enum kind {
	KIND_NULS = 0,
	KIND_TEXT,
	KIND_BASE64, /* of noise: a quarter can go */
	KIND_NOISE,  /* nothing can */
	KIND_COUNT
};

static void
fill(unsigned char *bytes, size_t length, enum kind kind)
{
	static const char words[] = "For the invoice of March see below.\r\n";
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
				     "ghijklmnopqrstuvwxyz0123456789+/";
	uint32_t seed = (uint32_t)length;

	memset(bytes, 0, length);
	for (size_t i = 0; kind != KIND_NULS && i < length; i++) {
		seed = seed * 1664525 + 1013904223;
		if (kind == KIND_TEXT)
			bytes[i] = (unsigned char)words[i % 37];
		else if (kind == KIND_BASE64)
			bytes[i] = (unsigned char)digits[seed >> 26];
		else
			bytes[i] = (unsigned char)(seed >> 24);
	}
}

/* Returns whether it was packed. */
static bool
round_trip(struct store_codec *codec, size_t length, enum kind kind)
{
	unsigned char *bytes = malloc(length + 1);
	const void *packed = NULL, *unpacked = NULL;
	size_t packed_length = 0, unpacked_length = 0;
	const char *why;
	bool is_packed;

	assert_non_null(bytes);
	fill(bytes, length, kind);
	is_packed =
	    store_codec_pack(codec, bytes, length, &packed, &packed_length);
	if (is_packed) {
		assert_true(packed_length <= length - length / 8);
		assert_int_equal(
		    store_codec_unpack(codec, packed, packed_length, &unpacked,
			&unpacked_length, &why),
		    STORE_CODEC_OK);
		assert_int_equal(unpacked_length, length);
		assert_memory_equal(unpacked, bytes, length);
	}
	free(bytes);
	return is_packed;
}

static void
pieces_come_back_as_they_were(void **state)
{
	static const size_t lengths[] = { 0, 1, 255, 256, 2048, 16384, 65537,
		STORE_PIECE_MAX - 1, STORE_PIECE_MAX };
	struct store_codec codec = { .level = LEVEL };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (int kind = 0; kind < KIND_COUNT; kind++)
			(void)round_trip(&codec, lengths[i], (enum kind)kind);
	store_codec_clear(&codec);
}

static void
only_what_gains_is_packed(void **state)
{
	struct store_codec codec = { .level = LEVEL };

	(void)state;
	assert_false(round_trip(&codec, 0, KIND_TEXT));
	assert_false(round_trip(&codec, 200, KIND_NULS));
	assert_true(round_trip(&codec, 2000, KIND_TEXT));
	assert_true(round_trip(&codec, STORE_PIECE_MAX, KIND_NULS));
	assert_true(round_trip(&codec, STORE_PIECE_MAX, KIND_BASE64));
	assert_false(round_trip(&codec, STORE_PIECE_MAX, KIND_NOISE));
	/* No piece is longer: it would not be unpacked again. */
	assert_false(round_trip(&codec, STORE_PIECE_MAX + 1, KIND_NULS));
	store_codec_clear(&codec);
}

static void
nothing_is_packed_at_level_0(void **state)
{
	struct store_codec codec = { .level = 0 };

	(void)state;
	assert_false(round_trip(&codec, 2000, KIND_TEXT));
	assert_null(codec.packer);
	assert_null(codec.packed);
	store_codec_clear(&codec);
}

static void
expect_damaged(
    struct store_codec *codec, const void *packed, size_t packed_length)
{
	/* Of a size of its own, so that no octet beyond it is read unseen. */
	unsigned char *copy = malloc(packed_length + (packed_length == 0));
	const void *bytes;
	const char *why = NULL;
	size_t length;

	assert_non_null(copy);
	if (packed_length > 0)
		memcpy(copy, packed, packed_length);
	assert_int_equal(store_codec_unpack(
			     codec, copy, packed_length, &bytes, &length, &why),
	    STORE_CODEC_DAMAGED);
	assert_non_null(why);
	assert_true(strlen(why) > 0);
	free(copy);
}

static void
damaged_pieces_are_refused(void **state)
{
	struct store_codec codec = { .level = LEVEL };
	unsigned char *bytes = malloc(2000), *copy;
	const void *packed;
	size_t length;

	(void)state;
	assert_non_null(bytes);
	fill(bytes, 2000, KIND_BASE64);
	assert_true(store_codec_pack(&codec, bytes, 2000, &packed, &length));
	copy = malloc(length + 1);
	assert_non_null(copy);
	memcpy(copy, packed, length);
	for (size_t cut = 0; cut < length; cut++)
		expect_damaged(&codec, copy, cut);
	copy[length] = 'x';
	expect_damaged(&codec, copy, length + 1);
	copy[0] ^= 1;
	expect_damaged(&codec, copy, length);
	/* Octets that are changed may go unseen here: the digest sees them. */
	copy[0] ^= 1;
	for (size_t i = 0; i < length; i++) {
		const void *unpacked;
		size_t unpacked_length = 0;
		const char *why;

		copy[i] ^= 0x55;
		(void)!store_codec_unpack(
		    &codec, copy, length, &unpacked, &unpacked_length, &why);
		assert_true(unpacked_length <= STORE_PIECE_MAX);
		copy[i] ^= 0x55;
	}
	free(copy);
	free(bytes);
	store_codec_clear(&codec);
}

/* Frames of 1 MiB of NULs, and of nothing. */
static void
frame_is_bounded_by_a_piece(void **state)
{
	static const unsigned char bomb[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xa0,
		0x00, 0x00, 0x10, 0x00, 0x54, 0x00, 0x00, 0x10, 0x00, 0x00,
		0x01, 0x00, 0xfb, 0xff, 0x39, 0xc0, 0x02, 0x02, 0x00, 0x10,
		0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02,
		0x00, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00, 0x02, 0x00, 0x10,
		0x00, 0x03, 0x00, 0x10, 0x00 };
	static const unsigned char nothing[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20,
		0x00, 0x01, 0x00, 0x00 };
	struct store_codec codec = { .level = LEVEL };

	(void)state;
	expect_damaged(&codec, bomb, sizeof(bomb));
	expect_damaged(&codec, nothing, sizeof(nothing));
	store_codec_clear(&codec);
}

static void
without_memory_pieces_stay_plain(void **state)
{
	struct store_codec codec = { .level = LEVEL };

	(void)state;
	failing_alloc_arm(2); /* the first is the test's own */
	assert_false(round_trip(&codec, 2000, KIND_TEXT));
	assert_true(failing_alloc_disarm() >= 2);
	assert_null(codec.packer);
	assert_true(round_trip(&codec, 2000, KIND_TEXT));
	store_codec_clear(&codec);
}

static void
without_memory_nothing_is_unpacked(void **state)
{
	struct store_codec codec = { .level = LEVEL };
	unsigned char bytes[2000];
	const void *packed, *unpacked;
	size_t length, unpacked_length;
	const char *why;

	(void)state;
	fill(bytes, sizeof(bytes), KIND_TEXT);
	assert_true(
	    store_codec_pack(&codec, bytes, sizeof(bytes), &packed, &length));
	failing_alloc_arm(1);
	assert_int_equal(store_codec_unpack(&codec, packed, length, &unpacked,
			     &unpacked_length, &why),
	    STORE_CODEC_MEMORY);
	assert_true(failing_alloc_disarm() >= 1);
	assert_int_equal(store_codec_unpack(&codec, packed, length, &unpacked,
			     &unpacked_length, &why),
	    STORE_CODEC_OK);
	assert_int_equal(unpacked_length, sizeof(bytes));
	store_codec_clear(&codec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_come_back_as_they_were),
		cmocka_unit_test(only_what_gains_is_packed),
		cmocka_unit_test(nothing_is_packed_at_level_0),
		cmocka_unit_test(damaged_pieces_are_refused),
		cmocka_unit_test(frame_is_bounded_by_a_piece),
		cmocka_unit_test(without_memory_pieces_stay_plain),
		cmocka_unit_test(without_memory_nothing_is_unpacked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
