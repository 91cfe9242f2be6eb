/*
 * Decoder of a message in a multi-line response (RFC 1939 section 3): finds
 * the terminator and removes byte-stuffing.  It hands out spans of the
 * caller's input; nothing is copied.
 */
#ifndef EVPOP_CORE_DOT_H
#define EVPOP_CORE_DOT_H

#include <stdbool.h>
#include <stddef.h>

enum evpop_dot_state {
	EVPOP_DOT_LINE_START = 0,
	EVPOP_DOT_INSIDE,
	EVPOP_DOT_AFTER_CR,
	EVPOP_DOT_DOT,   /* a dot at the start of a line, not handed out */
	EVPOP_DOT_DOT_CR /* and a CR behind it */
};

/* Zeroed, it stands at the first octet of a response's first line. */
struct evpop_dot {
	enum evpop_dot_state state;
	/*
	 * On a server whose status lines end in LF alone, lines do so in
	 * bodies too.  On any other, LF alone is an octet of the message.
	 */
	bool lf_only;
};

enum evpop_dot_status {
	EVPOP_DOT_MORE, /* all of the input is taken */
	EVPOP_DOT_SPAN,
	EVPOP_DOT_END /* the terminator is taken */
};

/*
 * Take input up to the next event: a span of the message (its octets lie in
 * `data` or in static memory), the end, or the end of the input.
 */
enum evpop_dot_status evpop_dot_feed(struct evpop_dot *,
    const unsigned char *data, size_t length, size_t *used_r,
    const unsigned char **span_r, size_t *span_length_r);

#endif
