#include "lib/core/dot.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/core/reply.h"

/* The octets held back turn out to be part of the message. */
static const unsigned char held_back[] = { '.', '\r' };

static bool
dot_begins_line(
    const struct evpop_dot *dot, const unsigned char *data, size_t at)
{
	if (at == 0)
		return dot->state == EVPOP_DOT_LINE_START;
	if (data[at - 1] != '\n')
		return false;
	if (dot->ends != EVPOP_DOT_CRLF)
		return true;
	if (at == 1)
		return dot->state == EVPOP_DOT_AFTER_CR;
	return data[at - 2] == '\r';
}

/* The state behind `length` octets of the message that were handed out. */
static enum evpop_dot_state
dot_state_behind(
    const struct evpop_dot *dot, const unsigned char *data, size_t length)
{
	if (dot_begins_line(dot, data, length))
		return EVPOP_DOT_LINE_START;
	return data[length - 1] == '\r' ? EVPOP_DOT_AFTER_CR : EVPOP_DOT_INSIDE;
}

/*
 * Octets that a line may begin with and that must be looked at: a dot, or, by
 * their upper bits, eight of them with plus and minus, too, which replies begin
 * with.
 */
struct marks {
	unsigned char bits, value;
};
#define MARKS_DOT   ((struct marks){ 0xff, '.' })
#define MARKS_REPLY ((struct marks){ 0xf8, 0x28 })

/*
 * Whether an LF with a mark behind it begins in a block: 64 octets and the one
 * behind them are looked at.  Marks alone are too frequent to stop at, and
 * so are lines.
 */
#define BLOCK 64

#ifdef __SSE2__
static inline __m128i
pairs(const unsigned char *data, struct marks marks)
{
	const __m128i *first = (const __m128i *)(const void *)data;
	const __m128i *second = (const __m128i *)(const void *)(data + 1);
	__m128i bits = _mm_and_si128(
	    _mm_loadu_si128(second), _mm_set1_epi8((char)marks.bits));

	return _mm_and_si128(
	    _mm_cmpeq_epi8(_mm_loadu_si128(first), _mm_set1_epi8('\n')),
	    _mm_cmpeq_epi8(bits, _mm_set1_epi8((char)marks.value)));
}

static inline bool
block_has_pair(const unsigned char *data, struct marks marks)
{
	return _mm_movemask_epi8(_mm_or_si128(
		   _mm_or_si128(pairs(data, marks), pairs(data + 16, marks)),
		   _mm_or_si128(
		       pairs(data + 32, marks), pairs(data + 48, marks)))) != 0;
}

/* Where the LF of the first pair is in a block that has one. */
static inline size_t
block_first_pair(const unsigned char *data, struct marks marks)
{
	size_t at = 0;
	int found;

	while ((found = _mm_movemask_epi8(pairs(data + at, marks))) == 0)
		at += 16;
	return at + (size_t)__builtin_ctz((unsigned)found);
}
#else
#define EVERY_OCTET UINT64_C(0x0101010101010101)

/* Not zero where there is one: a zero octet of `wrong` sets its upper bit. */
static inline uint64_t
pairs(const unsigned char *data, struct marks marks)
{
	uint64_t first, second, wrong;

	memcpy(&first, data, sizeof first);
	memcpy(&second, data + 1, sizeof second);
	wrong =
	    (first ^ EVERY_OCTET * '\n') |
	    ((second & EVERY_OCTET * marks.bits) ^ EVERY_OCTET * marks.value);
	return (wrong - EVERY_OCTET) & ~wrong & EVERY_OCTET * 0x80;
}

static inline bool
block_has_pair(const unsigned char *data, struct marks marks)
{
	uint64_t found = 0;
	size_t i;

	for (i = 0; i < BLOCK; i += sizeof found)
		found |= pairs(data + i, marks);
	return found != 0;
}

static inline size_t
block_first_pair(const unsigned char *data, struct marks marks)
{
	size_t at = 0;

	while (data[at] != '\n' || (data[at + 1] & marks.bits) != marks.value)
		at++;
	return at;
}
#endif

/* Where the next mark behind an LF is; `length` where there is none. */
static inline size_t
dot_find_pair(const unsigned char *data, size_t length, struct marks marks)
{
	size_t at = 0;

	while (length - at > BLOCK && !block_has_pair(data + at, marks))
		at += BLOCK;
	if (length - at > BLOCK)
		return at + block_first_pair(data + at, marks) + 1;
	for (at++; at < length; at++) {
		if (data[at - 1] == '\n' &&
		    (data[at] & marks.bits) == marks.value)
			return at;
	}
	return length;
}

/* A function of its own, so that its constants stay in registers. */
__attribute__((noinline)) static size_t
dot_find_mark(
    const struct evpop_dot *dot, const unsigned char *data, size_t length)
{
	return dot->seeks_replies ? dot_find_pair(data, length, MARKS_REPLY)
				  : dot_find_pair(data, length, MARKS_DOT);
}

/* Whether a line may turn out to begin as a reply does. */
static bool
dot_may_be_reply(const unsigned char *line, size_t length)
{
	static const char *const indicators[] = { "+OK", "-ERR" };
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = strlen(indicators[i]);
		if (strncasecmp((const char *)line, indicators[i],
			length < n ? length : n) == 0)
			return true;
	}
	return false;
}

static bool
dot_follows_cr(
    const struct evpop_dot *dot, const unsigned char *data, size_t at)
{
	return at > 0 ? data[at - 1] == '\r' : dot->state == EVPOP_DOT_AFTER_CR;
}

/* The length of the message's next span: up to a mark that begins a line. */
static size_t
dot_span_length(struct evpop_dot *dot, const unsigned char *data, size_t length)
{
	const unsigned char *end;
	size_t at = 0;

	if (dot_begins_line(dot, data, 0)) {
		if (data[0] == '.')
			return 0;
		dot->reply.open =
		    dot->seeks_replies && dot_may_be_reply(data, length);
		dot->reply.length = 0;
	}
	if (dot->reply.open || dot->ends == EVPOP_DOT_LF_SO_FAR) {
		end = memchr(data, '\n', length);
		if (end == NULL)
			return length;
		at = (size_t)(end - data);
		if (dot->ends == EVPOP_DOT_LF_SO_FAR &&
		    dot_follows_cr(dot, data, at)) {
			dot->ends = EVPOP_DOT_CRLF;
			dot->lf = 0;
		}
		if (dot->reply.open || dot->ends == EVPOP_DOT_LF_SO_FAR)
			return at + 1;
	}
	do
		at += dot_find_mark(dot, data + at, length - at);
	while (
	    at < length && (!dot_begins_line(dot, data, at) ||
			       (data[at] != '.' &&
				   !dot_may_be_reply(data + at, length - at))));
	return at;
}

/* Follow a line that may be a reply, to its end. */
static void
dot_follow_reply(
    struct evpop_dot_reply *reply, const unsigned char *span, size_t length)
{
	struct evpop_status_line status;
	size_t i;

	for (i = 0; i < length && reply->length + i < sizeof reply->head; i++)
		reply->head[reply->length + i] = span[i];
	reply->length += length;
	if (span[length - 1] != '\n')
		return;
	reply->open = false;
	/* The line end, too, parts the indicator from what follows. */
	for (i = 0; i < sizeof reply->head && reply->head[i] != '\n'; i++)
		;
	if (!evpop_status_line_parse(reply->head, i, &status))
		return;
	if (reply->count < EVPOP_DOT_REPLIES)
		reply->lengths[reply->count] = reply->length;
	reply->count++;
}

/* Hand out octets of the message. */
static enum evpop_dot_status
dot_hand_out(struct evpop_dot *dot, const unsigned char *span, size_t length,
    const unsigned char **span_r, size_t *span_length_r)
{
	dot->octets += length;
	*span_r = span;
	*span_length_r = length;
	return EVPOP_DOT_SPAN;
}

bool
evpop_dot_fits(const struct evpop_dot *dot)
{
	size_t i;

	for (i = 0; i < EVPOP_DOT_SIZES; i++)
		if (dot->octets == dot->sizes[i] ||
		    (dot->lf > 0 && dot->octets + dot->lf == dot->sizes[i]))
			return true;
	return false;
}

/* Whether a dot and this line end, CRLF or LF, make the terminator. */
static bool
dot_terminates(const struct evpop_dot *dot, bool crlf)
{
	switch (dot->ends) {
	case EVPOP_DOT_CRLF:
		return crlf;
	case EVPOP_DOT_LF:
		return true;
	case EVPOP_DOT_LF_SO_FAR:
		break;
	}
	return (crlf && dot->lf == 0) || evpop_dot_fits(dot);
}

/*
 * The octet behind a dot that begins a line decides: another dot was stuffed
 * (the first is dropped), a line end makes the terminator, and anything else
 * came from a server that does not stuff, so the dot is the message's own.
 * MORE where that cannot be told yet.
 */
static enum evpop_dot_status
dot_decide(struct evpop_dot *dot, unsigned char next, size_t *used_r,
    const unsigned char **span_r, size_t *span_length_r)
{
	bool had_cr = dot->state == EVPOP_DOT_DOT_CR;

	*used_r = 0;
	if (next == '\n' && dot_terminates(dot, had_cr)) {
		dot->state = EVPOP_DOT_LINE_START;
		*used_r = 1;
		return EVPOP_DOT_END;
	}
	if (next == '\r' && !had_cr) {
		dot->state = EVPOP_DOT_DOT_CR;
		*used_r = 1;
		return EVPOP_DOT_MORE;
	}
	dot->state = had_cr ? EVPOP_DOT_AFTER_CR : EVPOP_DOT_INSIDE;
	/* No server is known to stuff dots behind LF alone. */
	if (next == '.' && !had_cr &&
	    (dot->ends != EVPOP_DOT_LF_SO_FAR || dot->lf == 0))
		return EVPOP_DOT_MORE;
	return dot_hand_out(
	    dot, held_back, had_cr ? 2 : 1, span_r, span_length_r);
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
			status = dot_decide(
			    dot, data[at], &used, span_r, span_length_r);
			at += used;
			if (status == EVPOP_DOT_MORE)
				continue;
			*used_r = at;
			return status;
		}
		span = dot_span_length(dot, data + at, length - at);
		if (span == 0) {
			dot->state = EVPOP_DOT_DOT;
			at++;
			continue;
		}
		if (dot->reply.open)
			dot_follow_reply(&dot->reply, data + at, span);
		dot->state = dot_state_behind(dot, data + at, span);
		if (dot->ends == EVPOP_DOT_LF_SO_FAR &&
		    dot->state == EVPOP_DOT_LINE_START)
			dot->lf++;
		*used_r = at + span;
		return dot_hand_out(
		    dot, data + at, span, span_r, span_length_r);
	}
	*used_r = at;
	return EVPOP_DOT_MORE;
}
