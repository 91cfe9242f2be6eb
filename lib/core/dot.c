#include "lib/core/dot.h"

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What was held back after all is part of the message. */
static const unsigned char held_back[] = { '.', '\r' };

static bool
at_line_start(const struct evpop_dot *dot, const unsigned char *data, size_t at)
{
	if (at == 0)
		return dot->state == EVPOP_DOT_LINE_START;
	if (data[at - 1] != '\n')
		return false;
	if (dot->lf_only)
		return true;
	if (at == 1)
		return dot->state == EVPOP_DOT_AFTER_CR;
	return data[at - 2] == '\r';
}

/* The state behind `length` octets of the message that were handed out. */
static enum evpop_dot_state
state_behind(
    const struct evpop_dot *dot, const unsigned char *data, size_t length)
{
	if (at_line_start(dot, data, length))
		return EVPOP_DOT_LINE_START;
	return data[length - 1] == '\r' ? EVPOP_DOT_AFTER_CR : EVPOP_DOT_INSIDE;
}

/*
 * Whether an LF with a dot behind it begins in a block: 64 octets and the one
 * behind them are looked at.  Dots alone are too frequent to stop at, and so
 * are lines.
 */
#define BLOCK 64

#ifdef __SSE2__
static __m128i
pairs(const unsigned char *data)
{
	const __m128i *first = (const __m128i *)(const void *)data;
	const __m128i *second = (const __m128i *)(const void *)(data + 1);

	return _mm_and_si128(
	    _mm_cmpeq_epi8(_mm_loadu_si128(first), _mm_set1_epi8('\n')),
	    _mm_cmpeq_epi8(_mm_loadu_si128(second), _mm_set1_epi8('.')));
}

static bool
block_has_pair(const unsigned char *data)
{
	return _mm_movemask_epi8(
		   _mm_or_si128(_mm_or_si128(pairs(data), pairs(data + 16)),
		       _mm_or_si128(pairs(data + 32), pairs(data + 48)))) != 0;
}
#else
#define EVERY_OCTET UINT64_C(0x0101010101010101)

/* Not zero where there is one: a zero octet of `wrong` sets its upper bit. */
static uint64_t
pairs(const unsigned char *data)
{
	uint64_t first, second, wrong;

	memcpy(&first, data, sizeof first);
	memcpy(&second, data + 1, sizeof second);
	wrong = (first ^ EVERY_OCTET * '\n') | (second ^ EVERY_OCTET * '.');
	return (wrong - EVERY_OCTET) & ~wrong & EVERY_OCTET * 0x80;
}

static bool
block_has_pair(const unsigned char *data)
{
	uint64_t found = 0;
	size_t i;

	for (i = 0; i < BLOCK; i += sizeof found)
		found |= pairs(data + i);
	return found != 0;
}
#endif

/* Where the next dot behind an LF is; `length` where there is none. */
static size_t
find_dot(const unsigned char *data, size_t length)
{
	size_t at = 0;

	while (length - at > BLOCK && !block_has_pair(data + at))
		at += BLOCK;
	for (at++; at < length; at++) {
		if (data[at] == '.' && data[at - 1] == '\n')
			return at;
	}
	return length;
}

/* The length of the message's next span: up to a dot that begins a line. */
static size_t
span_length(
    const struct evpop_dot *dot, const unsigned char *data, size_t length)
{
	size_t at = 0;

	if (data[0] == '.' && at_line_start(dot, data, 0))
		return 0;
	do
		at += find_dot(data + at, length - at);
	while (at < length && !at_line_start(dot, data, at));
	return at;
}

/*
 * The octet behind a dot that begins a line decides: another dot was stuffed
 * (the first is dropped), a line end makes the terminator, and anything else
 * came from a server that does not stuff, so the dot is the message's own.
 * Returns true when the event is complete.
 */
static bool
after_dot(struct evpop_dot *dot, unsigned char next, size_t *used_r,
    const unsigned char **span_r, size_t *span_length_r,
    enum evpop_dot_status *status_r)
{
	bool had_cr = dot->state == EVPOP_DOT_DOT_CR;

	if (next == '\n' && (had_cr || dot->lf_only)) {
		dot->state = EVPOP_DOT_LINE_START;
		*used_r = 1;
		*status_r = EVPOP_DOT_END;
		return true;
	}
	if (next == '\r' && !had_cr) {
		dot->state = EVPOP_DOT_DOT_CR;
		*used_r = 1;
		return false;
	}
	if (next == '.' && !had_cr) {
		dot->state = EVPOP_DOT_INSIDE;
		return false;
	}
	dot->state = EVPOP_DOT_INSIDE;
	*span_r = held_back;
	*span_length_r = had_cr ? 2 : 1;
	*status_r = EVPOP_DOT_SPAN;
	return true;
}

enum evpop_dot_status
evpop_dot_feed(struct evpop_dot *dot, const unsigned char *data, size_t length,
    size_t *used_r, const unsigned char **span_r, size_t *span_length_r)
{
	enum evpop_dot_status status;
	size_t at = 0, used, span;

	while (at < length) {
		if (dot->state == EVPOP_DOT_DOT ||
		    dot->state == EVPOP_DOT_DOT_CR) {
			used = 0;
			if (after_dot(dot, data[at], &used, span_r,
				span_length_r, &status)) {
				*used_r = at + used;
				return status;
			}
			at += used;
			continue;
		}
		span = span_length(dot, data + at, length - at);
		if (span == 0) {
			dot->state = EVPOP_DOT_DOT;
			at++;
			continue;
		}
		dot->state = state_behind(dot, data + at, span);
		*span_r = data + at;
		*span_length_r = span;
		*used_r = at + span;
		return EVPOP_DOT_SPAN;
	}
	*used_r = at;
	return EVPOP_DOT_MORE;
}
