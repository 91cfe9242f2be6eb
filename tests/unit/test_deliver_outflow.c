/* What is written to a server: forms, bounds, and that passwords are wiped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/deliver/outflow.h"
#include "daemon/deliver/parcel.h"

/* A parcel whose pieces are given now, or when the test likes. */
static struct {
	struct parcel parcel;
	const char *octets;
	size_t length, at, piece;
	bool fails; /* at its end */
	bool is_slow, is_stopped;
	parcel_cb callback;
	void *arg;
	unsigned asked;
} letter;

static void
letter_begin(const char *octets, size_t length, size_t piece)
{
	memset(&letter, 0, sizeof letter);
	letter.octets = octets;
	letter.length = length;
	letter.piece = piece;
	letter.parcel.octets = length;
}

static void
letter_give(void)
{
	size_t length = letter.length - letter.at, at = letter.at;

	if (length > letter.piece)
		length = letter.piece;
	letter.at += length;
	letter.callback(length > 0     ? PARCEL_PIECE
			: letter.fails ? PARCEL_FAILED
				       : PARCEL_END,
	    (const unsigned char *)letter.octets + at, length, letter.arg);
}

void
parcel_next(struct parcel *parcel, parcel_cb callback, void *arg)
{
	assert_ptr_equal(parcel, &letter.parcel);
	letter.callback = callback;
	letter.arg = arg;
	letter.asked++;
	if (!letter.is_slow)
		letter_give();
}

void
parcel_stop(struct parcel *parcel)
{
	assert_ptr_equal(parcel, &letter.parcel);
	letter.is_stopped = true;
}

static unsigned grown;

static void
note_grown(void *arg)
{
	(void)arg;
	grown++;
}

/* All that is written, taken so many octets at a time. */
static size_t
collect(
    struct outflow *flow, char *all, size_t most, enum outflow_state *state_r)
{
	const unsigned char *octets;
	size_t length, total = 0;
	enum outflow_state state;

	*state_r = OUTFLOW_IDLE;
	for (;;) {
		state = outflow_fill(flow);
		if (state != OUTFLOW_IDLE && state != OUTFLOW_BUSY)
			*state_r = state;
		octets = outflow_octets(flow, &length);
		if (length == 0)
			return total;
		if (length > most)
			length = most;
		memcpy(all + total, octets, length);
		total += length;
		outflow_taken(flow, length);
	}
}

static const struct {
	const char *octets, *dotted;
} forms[] = {
	{ "", ".\r\n" },
	{ "a", "a\r\n.\r\n" },
	{ "a\r\n", "a\r\n.\r\n" },
	{ "a\n", "a\r\n.\r\n" },
	{ "a\r", "a\r\n.\r\n" },
	{ ".", "..\r\n.\r\n" },
	{ ".\r\n", "..\r\n.\r\n" },
	{ "a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a\n.\nb", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a\r.\r\n", "a\r.\r\n.\r\n" },
	{ "\r\r\n..", "\r\r\n...\r\n.\r\n" },
	{ "a.b\r\n.c\r\n", "a.b\r\n..c\r\n.\r\n" },
};

/* However it is cut, and however it is taken. */
static void
test_forms(void **state)
{
	struct outflow *flow = outflow_new(note_grown, NULL);
	enum outflow_state ended;
	size_t i, piece, most, length;
	char all[256];

	(void)state;
	for (i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		for (piece = 1; piece < 8; piece++) {
			for (most = 1; most < 8; most++) {
				letter_begin(forms[i].octets,
				    strlen(forms[i].octets), piece);
				outflow_add(flow, "DATA", 4, false);
				outflow_begin(
				    flow, &letter.parcel, TALK_DOTTED);
				length = collect(flow, all, most, &ended);
				all[length] = '\0';
				assert_int_equal(ended, OUTFLOW_ENDED);
				assert_memory_equal(all, "DATA", 4);
				assert_string_equal(all + 4, forms[i].dotted);
				assert_false(outflow_is_busy(flow));
			}
		}
	}
	outflow_free(&flow);
}

static void
test_counted(void **state)
{
	struct outflow *flow = outflow_new(note_grown, NULL);
	enum outflow_state ended;
	char all[64];

	(void)state;
	letter_begin("a\n.\nb", 5, 2);
	outflow_begin(flow, &letter.parcel, TALK_COUNTED);
	assert_int_equal(collect(flow, all, 64, &ended), 5);
	assert_memory_equal(all, "a\n.\nb", 5);
	assert_int_equal(ended, OUTFLOW_ENDED);
	/* Fewer than were announced, or more: the server would misread. */
	letter_begin("abcde", 5, 2);
	letter.parcel.octets = 6;
	outflow_begin(flow, &letter.parcel, TALK_COUNTED);
	(void)collect(flow, all, 64, &ended);
	assert_int_equal(ended, OUTFLOW_UNREADABLE);
	letter_begin("abcde", 5, 2);
	letter.parcel.octets = 3;
	outflow_begin(flow, &letter.parcel, TALK_COUNTED);
	assert_true(collect(flow, all, 64, &ended) <= 3);
	assert_int_equal(ended, OUTFLOW_UNREADABLE);
	outflow_free(&flow);
}

static void
test_unreadable(void **state)
{
	struct outflow *flow = outflow_new(note_grown, NULL);
	enum outflow_state ended;
	char all[64];

	(void)state;
	letter_begin("abc", 3, 2);
	letter.fails = true;
	outflow_begin(flow, &letter.parcel, TALK_DOTTED);
	assert_int_equal(collect(flow, all, 64, &ended), 3);
	assert_int_equal(ended, OUTFLOW_UNREADABLE);
	assert_false(outflow_is_busy(flow));
	outflow_free(&flow);
}

/* A piece is asked for when there is room, and told of when it comes. */
static void
test_slow_and_bounded(void **state)
{
	const size_t piece = (size_t)256 * 1024;
	char *octets = malloc(16 * piece), *all = malloc(34 * piece);
	struct outflow *flow = outflow_new(note_grown, NULL);
	enum outflow_state ended;
	size_t length, given;

	(void)state;
	assert_true(octets != NULL && all != NULL);
	memset(octets, '\n', 16 * piece);
	letter_begin(octets, 16 * piece, piece);
	letter.is_slow = true;
	grown = 0;
	outflow_begin(flow, &letter.parcel, TALK_DOTTED);
	assert_int_equal(outflow_fill(flow), OUTFLOW_BUSY);
	assert_int_equal(letter.asked, 1);
	assert_int_equal(outflow_fill(flow), OUTFLOW_BUSY);
	assert_int_equal(letter.asked, 1);
	letter_give();
	assert_int_equal(grown, 1);
	/* Nothing is taken of it: nothing more is asked for. */
	assert_int_equal(outflow_fill(flow), OUTFLOW_BUSY);
	assert_int_equal(letter.asked, 1);
	(void)outflow_octets(flow, &length);
	assert_int_equal(length, 2 * piece);
	letter.is_slow = false;
	given = collect(flow, all, 1000, &ended);
	assert_int_equal(ended, OUTFLOW_ENDED);
	assert_int_equal(given, 32 * piece + 3);
	/* Freed in the middle of a question, it is withdrawn. */
	letter.is_slow = true;
	letter.at = 0;
	outflow_begin(flow, &letter.parcel, TALK_DOTTED);
	assert_int_equal(outflow_fill(flow), OUTFLOW_BUSY);
	outflow_free(&flow);
	assert_true(letter.is_stopped);
	assert_null(flow);
	free(octets);
	free(all);
}

static void
test_passwords_are_wiped(void **state)
{
	struct outflow *flow = outflow_new(note_grown, NULL);
	const unsigned char *octets;
	unsigned char zero[16] = { 0 };
	size_t length;

	(void)state;
	outflow_add(flow, "AUTH ", 5, false);
	outflow_add(flow, "password", 8, true);
	octets = outflow_octets(flow, &length);
	assert_int_equal(length, 13);
	outflow_taken(flow, 13);
	/* The memory is kept. */
	assert_memory_equal(octets, zero, 13);
	outflow_free(&flow);
}

static void
test_without_memory(void **state)
{
	struct outflow *flow = outflow_new(note_grown, NULL);

	(void)state;
	outflow_lack(flow);
	outflow_add(flow, "x", 1, false);
	assert_int_equal(outflow_fill(flow), OUTFLOW_NO_MEMORY);
	outflow_free(&flow);
	outflow_free(&flow);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_slow_and_bounded),
		cmocka_unit_test(test_passwords_are_wiped),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
