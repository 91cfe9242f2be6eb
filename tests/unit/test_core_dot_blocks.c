/*
 * The decoder of messages looks at blocks of octets at once, by vectors or by
 * words: both against a plain reference, on input longer than any block.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The decoder as it is where there are no vectors, under another name. */
#undef __SSE2__
#define evpop_dot_feed dot_feed_by_words
#define evpop_dot_fits dot_fits_by_words
#include "lib/core/dot.c"
#undef evpop_dot_feed
#undef evpop_dot_fits

enum evpop_dot_status evpop_dot_feed(struct evpop_dot *,
    const unsigned char *data, size_t length, size_t *used_r,
    const unsigned char **span_r, size_t *span_length_r);

#define INPUT_MAX 400
#define ROUNDS    20000

typedef enum evpop_dot_status (*feed_function)(struct evpop_dot *,
    const unsigned char *, size_t, size_t *, const unsigned char **, size_t *);

struct decoded {
	unsigned char bytes[INPUT_MAX];
	size_t length, used;
	bool ended;
};

static uint32_t
draw(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % below;
}

/* Mostly letters, so that blocks without a dot to stop at come up, too. */
static size_t
make_input(unsigned char *input, uint32_t *state)
{
	static const char some[] = "\r\n.\r\n..\n+OK\r\n-ERR \n-- \r\n";
	size_t length = draw(state, INPUT_MAX - 16), at = 0;
	uint32_t rare = 2 + draw(state, 120);

	while (at < length) {
		if (draw(state, rare) != 0)
			input[at++] = (unsigned char)('a' + draw(state, 26));
		else {
			size_t part = 1 + draw(state, sizeof some - 1);
			size_t from = draw(state, sizeof some - 1);

			if (part > sizeof some - 1 - from)
				part = sizeof some - 1 - from;
			memcpy(input + at, some + from, part);
			at += part;
		}
	}
	return at;
}

/* Feed it cut at one place, from an address that is aligned to nothing. */
static void
decode(feed_function feed, bool lf_only, bool seeks_replies,
    const unsigned char *input, size_t length, size_t cut,
    struct decoded *decoded)
{
	struct evpop_dot dot = { .ends =
				     lf_only ? EVPOP_DOT_LF : EVPOP_DOT_CRLF,
		.seeks_replies = seeks_replies };
	enum evpop_dot_status status;
	const unsigned char *span;
	size_t span_length, used, at = 0, end = cut;

	memset(decoded, 0, sizeof *decoded);
	for (;;) {
		status = feed(
		    &dot, input + at, end - at, &used, &span, &span_length);
		at += used;
		if (status == EVPOP_DOT_SPAN) {
			assert_true(decoded->length + span_length <= INPUT_MAX);
			memcpy(decoded->bytes + decoded->length, span,
			    span_length);
			decoded->length += span_length;
			continue;
		}
		decoded->ended = status == EVPOP_DOT_END;
		if (decoded->ended || end == length)
			break;
		end = length;
	}
	decoded->used = at;
}

/* RFC 1939 section 3, an octet at a time and with all of it at hand. */
static void
decode_plainly(bool lf_only, const unsigned char *input, size_t length,
    struct decoded *decoded)
{
	size_t at = 0, left;

	memset(decoded, 0, sizeof *decoded);
	while (at < length) {
		left = length - at;
		if (at == 0 ||
		    (input[at - 1] == '\n' &&
			(lf_only || (at > 1 && input[at - 2] == '\r')))) {
			if (left >= 3 && memcmp(input + at, ".\r\n", 3) == 0) {
				decoded->ended = true;
				decoded->used = at + 3;
				return;
			}
			if (lf_only && left >= 2 &&
			    memcmp(input + at, ".\n", 2) == 0) {
				decoded->ended = true;
				decoded->used = at + 2;
				return;
			}
			/* What may yet become the terminator is held back. */
			if ((left == 1 && input[at] == '.') ||
			    (left == 2 && memcmp(input + at, ".\r", 2) == 0))
				break;
			if (left >= 2 && input[at] == '.' &&
			    input[at + 1] == '.')
				at++;
		}
		decoded->bytes[decoded->length++] = input[at++];
	}
	decoded->used = length;
}

static void
compare(feed_function feed)
{
	unsigned char room[INPUT_MAX + 16], *input;
	struct decoded got, wanted;
	uint32_t state = 20240101;
	size_t length, cut, round;
	bool lf_only;

	for (round = 0; round < ROUNDS; round++) {
		input = room + draw(&state, 16);
		length = make_input(input, &state);
		cut = draw(&state, (uint32_t)length + 1);
		lf_only = draw(&state, 2) == 0;
		decode_plainly(lf_only, input, length, &wanted);
		decode(feed, lf_only, draw(&state, 2) == 0, input, length, cut,
		    &got);
		assert_int_equal(got.ended, wanted.ended);
		assert_int_equal(got.used, wanted.used);
		assert_int_equal(got.length, wanted.length);
		assert_memory_equal(got.bytes, wanted.bytes, wanted.length);
	}
}

static void
test_as_built(void **state)
{
	(void)state;
	compare(evpop_dot_feed);
}

static void
test_by_words(void **state)
{
	(void)state;
	compare(dot_feed_by_words);
}

/* A pair at every place in and about a block, and nothing read behind it. */
static void
check_places(feed_function feed)
{
	unsigned char *input;
	struct decoded got;
	size_t length, at;

	for (length = 3; length < 200; length++) {
		/* Of this size and no more, for whoever watches. */
		input = malloc(length);
		assert_non_null(input);
		for (at = 0; at + 3 <= length; at++) {
			memset(input, 'a', length);
			memcpy(input + at, "\r\n.", 3);
			decode(feed, false, at % 2 == 0, input, length, length,
			    &got);
			assert_int_equal(
			    got.length, at + 3 == length ? length - 1 : length);
		}
		free(input);
	}
}

static void
test_places(void **state)
{
	(void)state;
	check_places(evpop_dot_feed);
	check_places(dot_feed_by_words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_built),
		cmocka_unit_test(test_by_words),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
