/*
 * The decoder of multi-line messages: by a table, and against a plain
 * reference on every short string of the octets that matter, cut everywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/core/dot.h"

#define SEEN_MAX 256

struct decoded {
	unsigned char bytes[SEEN_MAX];
	size_t length;
	bool ended;
	size_t used; /* of the input, once ended */
};

struct dot_case {
	const char *name;
	bool lf_only;
	const char *input;
	size_t length;
	const char *body;
	size_t body_length;
	size_t rest; /* octets behind the terminator; SIZE_MAX: no end */
};

#define NO_END SIZE_MAX
#define CASE(name, lf_only, input, body, rest)                 \
	{                                                      \
		name, lf_only, input, sizeof(input) - 1, body, \
		    sizeof(body) - 1, rest                     \
	}

static const struct dot_case cases[] = {
	CASE("empty message", false, ".\r\n", "", 0),
	CASE("empty message, LF", true, ".\n", "", 0),
	CASE("one line", false, "a\r\n.\r\n", "a\r\n", 0),
	CASE("rest is left", false, "a\r\n.\r\n+OK", "a\r\n", 3),
	CASE("stuffed dot", false, "..\r\n.\r\n", ".\r\n", 0),
	CASE("stuffed line", false, "..a\r\n.\r\n", ".a\r\n", 0),
	CASE("two stuffed dots", false, "...\r\n.\r\n", "..\r\n", 0),
	CASE("unstuffed line is kept", false, ".foo\r\n.\r\n", ".foo\r\n", 0),
	CASE("dots inside", false, "a.b..\r\n.\r\n", "a.b..\r\n", 0),
	CASE("bare CR", false, "a\rb\r\n.\r\n", "a\rb\r\n", 0),
	CASE("bare CR and a dot", false, "a\r.\r\n.\r\n", "a\r.\r\n", 0),
	CASE("CR CR LF", false, "a\r\r\n.\r\n", "a\r\r\n", 0),
	CASE("dot CR CR LF", false, ".\r\r\n.\r\n", ".\r\r\n", 0),
	CASE("dot CR x", false, ".\rx\r\n.\r\n", ".\rx\r\n", 0),
	CASE(
	    "LF dot LF is no end", false, "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", 0),
	CASE("LF dot CRLF is no end", false, "a\n.\r\nb\r\n.\r\n",
	    "a\n.\r\nb\r\n", 0),
	CASE("CRLF dot LF is no end", false, "a\r\n.\nb\r\n.\r\n",
	    "a\r\n.\nb\r\n", 0),
	CASE("LF and two dots stay", false, "a\n..b\r\n.\r\n", "a\n..b\r\n", 0),
	CASE("LF dot LF is the end, LF", true, "a\n.\nb", "a\n", 1),
	CASE("dot CRLF is the end, LF", true, "a\n.\r\nb", "a\n", 1),
	CASE("stuffed, LF", true, "a\n..b\n.\n", "a\n.b\n", 0),
	CASE("NUL", false, "a\0b\r\n\0\r\n.\r\n", "a\0b\r\n\0\r\n", 0),
	CASE("8-bit", false, "\xff\xfe\x80\r\n.\r\n", "\xff\xfe\x80\r\n", 0),
	CASE("no final CRLF", false, "abc", "abc", NO_END),
	CASE("dot held back", false, "a\r\n.", "a\r\n", NO_END),
	CASE("dot CR held back", false, "a\r\n.\r", "a\r\n", NO_END),
	CASE("blank lines", false, "\r\n\r\n.\r\n", "\r\n\r\n", 0),
};

/* Feed a piece from memory of exactly its size. */
static void
feed_piece(struct evpop_dot *dot, const unsigned char *input, size_t length,
    struct decoded *decoded)
{
	unsigned char *piece;
	const unsigned char *span;
	enum evpop_dot_status status;
	size_t at = 0, used, span_length;

	if (decoded->ended)
		return;
	piece = malloc(length + (length == 0));
	assert_non_null(piece);
	memcpy(piece, input, length);
	do {
		status = evpop_dot_feed(
		    dot, piece + at, length - at, &used, &span, &span_length);
		at += used;
		assert_true(at <= length);
		if (status == EVPOP_DOT_SPAN) {
			assert_true(span_length > 0);
			assert_true(decoded->length + span_length <= SEEN_MAX);
			memcpy(decoded->bytes + decoded->length, span,
			    span_length);
			decoded->length += span_length;
		}
	} while (status == EVPOP_DOT_SPAN);
	decoded->ended = status == EVPOP_DOT_END;
	decoded->used += at;
	if (!decoded->ended)
		assert_int_equal(at, length);
	free(piece);
}

static struct decoded
decode(const unsigned char *input, size_t length, bool lf_only, size_t first,
    size_t second)
{
	struct evpop_dot dot = { .ends =
				     lf_only ? EVPOP_DOT_LF : EVPOP_DOT_CRLF };
	struct decoded decoded = { .length = 0 };

	feed_piece(&dot, input, first, &decoded);
	feed_piece(&dot, input + first, second - first, &decoded);
	feed_piece(&dot, input + second, length - second, &decoded);
	return decoded;
}

static void
check(const struct dot_case *c, size_t first, size_t second)
{
	struct decoded d;

	d = decode((const unsigned char *)c->input, c->length, c->lf_only,
	    first, second);
	if (d.ended != (c->rest != NO_END) || d.length != c->body_length ||
	    memcmp(d.bytes, c->body, d.length) != 0 ||
	    (d.ended && d.used != c->length - c->rest))
		fail_msg("%s, cut at %zu and %zu: %zu octets, %s", c->name,
		    first, second, d.length, d.ended ? "ended" : "no end");
}

static void
table_cut_everywhere(void **state)
{
	size_t i, first, second;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (first = 0; first <= cases[i].length; first++)
			for (second = first; second <= cases[i].length;
			     second++)
				check(&cases[i], first, second);
}

static bool
begins_with(const unsigned char *at, size_t left, const char *text)
{
	size_t n = strlen(text);

	return left >= n && memcmp(at, text, n) == 0;
}

/*
 * What RFC 1939 says, with the whole of the input in view: at the start of a
 * line, ".CRLF" ends, "..": drop one.  Octets that are only the front of
 * such a decision are not decoded yet.
 */
static struct decoded
reference(const unsigned char *s, size_t length, bool lf_only)
{
	struct decoded d = { .length = 0 };
	size_t i = 0, left;
	bool start = true;

	while (i < length) {
		left = length - i;
		if (start &&
		    (begins_with(s + i, left, ".\r\n") ||
			(lf_only && begins_with(s + i, left, ".\n")))) {
			d.ended = true;
			d.used = i + (s[i + 1] == '\r' ? 3 : 2);
			return d;
		}
		if (start && s[i] == '.') {
			if (left == 1 || (left == 2 && s[i + 1] == '\r'))
				return d;
			if (s[i + 1] == '.')
				i++;
		}
		d.bytes[d.length++] = s[i];
		start =
		    s[i] == '\n' && (lf_only || (i > 0 && s[i - 1] == '\r'));
		i++;
	}
	return d;
}

static void
compare(const unsigned char *s, size_t length, bool lf_only, size_t cut)
{
	struct decoded expected = reference(s, length, lf_only);
	struct decoded d = decode(s, length, lf_only, cut, cut);
	size_t i;

	if (d.ended == expected.ended && d.length == expected.length &&
	    memcmp(d.bytes, expected.bytes, d.length) == 0 &&
	    (!d.ended || d.used == expected.used))
		return;
	for (i = 0; i < length; i++)
		print_error("%02x ", s[i]);
	fail_msg("lf_only %d, cut at %zu: %zu octets, %zu expected", lf_only,
	    cut, d.length, expected.length);
}

/* All strings of `length` octets out of four, as numbers in base four. */
static void
compare_all(size_t length)
{
	static const unsigned char octets[] = { '.', '\r', '\n', 'a' };
	unsigned char s[8];
	size_t number, rest, i, cut;

	for (number = 0; number < (size_t)1 << 2 * length; number++) {
		for (i = 0, rest = number; i < length; i++, rest /= 4)
			s[i] = octets[rest % 4];
		for (cut = 0; cut <= length; cut++) {
			compare(s, length, false, cut);
			compare(s, length, true, cut);
		}
	}
}

static void
all_short_strings_agree_with_the_reference(void **state)
{
	size_t length;

	(void)state;
	for (length = 0; length <= 7; length++)
		compare_all(length);
}

static void
spans_lie_in_the_input(void **state)
{
	static const unsigned char input[] = "abc\r\n..def\r\n.\r\n";
	struct evpop_dot dot = { 0 };
	const unsigned char *span;
	size_t used, length;

	(void)state;
	assert_int_equal(evpop_dot_feed(&dot, input, 15, &used, &span, &length),
	    EVPOP_DOT_SPAN);
	assert_ptr_equal(span, input);
	assert_int_equal(length, 5);
	assert_int_equal(used, 5);
	assert_int_equal(
	    evpop_dot_feed(&dot, input + 5, 10, &used, &span, &length),
	    EVPOP_DOT_SPAN);
	assert_ptr_equal(span, input + 6);
	assert_int_equal(length, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_cut_everywhere),
		cmocka_unit_test(all_short_strings_agree_with_the_reference),
		cmocka_unit_test(spans_lie_in_the_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
