/*
 * Decoder of a message in a multi-line response (RFC 1939 section 3): finds
 * the terminator and removes byte-stuffing.  It hands out spans of the
 * caller's input; nothing is copied.
 *
 * It also notes what tells a broken server: lines that end in LF alone, and
 * lines that look like replies.
 */
#ifndef EVPOP_CORE_DOT_H
#define EVPOP_CORE_DOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum evpop_dot_state {
	EVPOP_DOT_LINE_START = 0,
	EVPOP_DOT_INSIDE,
	EVPOP_DOT_AFTER_CR,
	EVPOP_DOT_DOT,   /* a dot at the start of a line, not handed out */
	EVPOP_DOT_DOT_CR /* and a CR behind it */
};

/* The end of a line; any other LF is an octet of the message. */
enum evpop_dot_ends {
	EVPOP_DOT_CRLF = 0,
	EVPOP_DOT_LF, /* as in the server's status lines */
	/*
	 * CRLF in the status lines, but no line of the message has ended so
	 * far, or in LF alone.  A terminator in such lines is one where the
	 * message has the size that was named.  The first CRLF decides.
	 */
	EVPOP_DOT_LF_SO_FAR
};

#define EVPOP_DOT_SIZE_UNKNOWN UINT64_MAX
#define EVPOP_DOT_SIZES        2

/* The most lines that look like replies to be kept; more are only counted. */
#define EVPOP_DOT_REPLIES 8

struct evpop_dot_reply {
	bool open;             /* such a line may be under way */
	unsigned char head[5]; /* its first octets */
	uint64_t length;       /* its octets so far, line end included */
	uint64_t count, lengths[EVPOP_DOT_REPLIES];
};

/* Zeroed, it stands at the first octet of a response's first line. */
struct evpop_dot {
	enum evpop_dot_state state;
	enum evpop_dot_ends ends;
	uint64_t octets; /* of the message, handed out */
	uint64_t lf;     /* with LF_SO_FAR: line ends so far */
	/* Sizes that were named, or ..._UNKNOWN. */
	uint64_t sizes[EVPOP_DOT_SIZES];
	/* Lines that look like replies are noted; it may begin at any time. */
	bool seeks_replies;
	struct evpop_dot_reply reply;
};

enum evpop_dot_status {
	EVPOP_DOT_MORE, /* all of the input is taken */
	EVPOP_DOT_SPAN,
	EVPOP_DOT_END /* the terminator is taken */
};

/*
 * Whether the octets handed out are a size that was named, as they are or with
 * a CR added to each line end that is LF alone.
 */
bool evpop_dot_fits(const struct evpop_dot *);

/*
 * Take input up to the next event: a span of the message (its octets lie in
 * `data` or in static memory), the end, or the end of the input.
 */
enum evpop_dot_status evpop_dot_feed(struct evpop_dot *,
    const unsigned char *data, size_t length, size_t *used_r,
    const unsigned char **span_r, size_t *span_length_r);

#endif
