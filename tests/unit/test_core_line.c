/* The line reader: ends, bounds, and splitting anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/core/line.h"

#define LIMIT    8
#define SEEN_MAX 512

struct line_case {
	const char *name;
	const char *input;
	size_t length;
	const char *expected; /* each line in <> with C or L for its end */
};

#define CASE(name, input, expected)                      \
	{                                                \
		name, input, sizeof(input) - 1, expected \
	}

static const struct line_case cases[] = {
	CASE("nothing", "", ""),
	CASE("incomplete", "abc", "begun"),
	CASE("incomplete with CR", "abc\r", "begun"),
	CASE("CRLF", "abc\r\n", "<abc>C"),
	CASE("LF", "abc\n", "<abc>L"),
	CASE("empty CRLF", "\r\n", "<>C"),
	CASE("empty LF", "\n", "<>L"),
	CASE("two CRs", "a\r\r\n", "<a\r>C"),
	CASE("CR inside", "a\rb\r\n", "<a\rb>C"),
	CASE("several", "a\r\nb\n\r\nc", "<a>C<b>L<>Cbegun"),
	CASE("NUL", "a\0b\r\n", "<a_b>C"),
	CASE("at the limit, CRLF", "12345678\r\n1\n", "<12345678>C<1>L"),
	CASE("at the limit, LF", "12345678\n", "<12345678>L"),
	CASE("one over, CRLF", "123456789\r\n", "long"),
	CASE("one over, LF", "123456789\n", "long"),
	CASE("at the limit, waiting for LF", "12345678\r", "begun"),
	CASE("one over, waiting", "123456789", "begun"),
	CASE("two over, waiting", "1234567890", "long"),
	CASE("second line over", "ok\r\n12345678901\r\n", "<ok>Clong"),
};

static void
note(char *seen, const char *text, size_t length)
{
	size_t at = strlen(seen), i;

	assert_true(at + length < SEEN_MAX);
	for (i = 0; i < length; i++)
		seen[at + i] = text[i] == '\0' ? '_' : text[i];
	seen[at + length] = '\0';
}

/* Feed one piece from memory of exactly its size; false after an error. */
static bool
feed_piece(
    struct evpop_line *line, const char *input, size_t length, char *seen)
{
	unsigned char *piece = malloc(length);
	const unsigned char *text;
	size_t used, text_length, at = 0;
	enum evpop_line_status status;
	bool crlf;

	assert_true(piece != NULL || length == 0);
	if (length > 0)
		memcpy(piece, input, length);
	for (;;) {
		status = evpop_line_feed(line, piece + at, length - at, LIMIT,
		    &used, &text, &text_length, &crlf);
		at += used;
		assert_true(at <= length);
		if (status != EVPOP_LINE_READY)
			break;
		note(seen, "<", 1);
		note(seen, (const char *)text, text_length);
		note(seen, crlf ? ">C" : ">L", 2);
	}
	if (status == EVPOP_LINE_MORE)
		assert_int_equal(at, length);
	else
		assert_int_equal(status, EVPOP_LINE_TOO_LONG);
	free(piece);
	return status == EVPOP_LINE_MORE;
}

static void
check(const struct line_case *c, size_t first, size_t second)
{
	struct evpop_line line = { 0 };
	char seen[SEEN_MAX] = "";
	bool going;

	going = feed_piece(&line, c->input, first, seen);
	if (going)
		going =
		    feed_piece(&line, c->input + first, second - first, seen);
	if (going)
		going = feed_piece(
		    &line, c->input + second, c->length - second, seen);
	if (!going)
		note(seen, "long", 4);
	else if (evpop_line_begun(&line))
		note(seen, "begun", 5);
	if (strcmp(seen, c->expected) != 0)
		fail_msg("%s, cut at %zu and %zu: \"%s\"", c->name, first,
		    second, seen);
	evpop_line_clear(&line);
	assert_null(line.held);
}

static void
every_cut_gives_the_same_lines(void **state)
{
	size_t i, first, second;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (first = 0; first <= cases[i].length; first++)
			for (second = first; second <= cases[i].length;
			     second++)
				check(&cases[i], first, second);
}

static void
a_whole_line_is_not_copied(void **state)
{
	static const unsigned char input[] = "abc\r\n";
	struct evpop_line line = { 0 };
	const unsigned char *text;
	size_t used, length;
	bool crlf;

	(void)state;
	assert_int_equal(evpop_line_feed(&line, input, 5, SIZE_MAX, &used,
			     &text, &length, &crlf),
	    EVPOP_LINE_READY);
	assert_ptr_equal(text, input);
	assert_int_equal(used, 5);
	assert_null(line.held);
	evpop_line_clear(&line);
}

static void
a_long_split_line_is_held_whole(void **state)
{
	struct evpop_line line = { 0 };
	unsigned char octet;
	const unsigned char *text;
	size_t used, length, i;
	bool crlf;

	(void)state;
	for (i = 0; i < 5000; i++) {
		octet = (unsigned char)('a' + i % 26);
		assert_int_equal(evpop_line_feed(&line, &octet, 1, 5000, &used,
				     &text, &length, &crlf),
		    EVPOP_LINE_MORE);
		assert_int_equal(used, 1);
	}
	octet = '\n';
	assert_int_equal(evpop_line_feed(&line, &octet, 1, 5000, &used, &text,
			     &length, &crlf),
	    EVPOP_LINE_READY);
	assert_int_equal(length, 5000);
	for (i = 0; i < length; i++)
		assert_int_equal(text[i], 'a' + i % 26);
	evpop_line_clear(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_gives_the_same_lines),
		cmocka_unit_test(a_whole_line_is_not_copied),
		cmocka_unit_test(a_long_split_line_is_held_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
