#include "lib/core/dot.h"

#include <string.h>

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
 * The length of the message's next span: up to the next dot that begins a
 * line.  Dots are rarer than lines in mail, and absent from base64.
 */
static size_t
span_length(
    const struct evpop_dot *dot, const unsigned char *data, size_t length)
{
	const unsigned char *found;
	size_t at = 0;

	while (at < length) {
		found = memchr(data + at, '.', length - at);
		if (found == NULL)
			return length;
		at = (size_t)(found - data);
		if (at_line_start(dot, data, at))
			return at;
		at++;
	}
	return length;
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
