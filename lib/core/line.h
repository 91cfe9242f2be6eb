/*
 * Incremental reader of lines that end in CRLF or LF, with a bound.  A line
 * that lies whole in the input is handed out where it lies; only one that is
 * split between inputs is copied.
 */
#ifndef EVPOP_CORE_LINE_H
#define EVPOP_CORE_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <evpop/error.h>

/* Zeroed, it is ready for use. */
struct evpop_line {
	unsigned char *held; /* the front of a line that is still incomplete */
	size_t length, room;
	bool given;        /* held was handed out, and is done with */
	bool repeat, crlf; /* held is to be handed out again */
};

enum evpop_line_status {
	EVPOP_LINE_MORE, /* all of the input is taken, the line goes on */
	EVPOP_LINE_READY,
	EVPOP_LINE_TOO_LONG,
	EVPOP_LINE_NO_MEMORY
};

/*
 * Take input up to the end of a line.  When READY, *line_r has *line_length_r
 * octets without the line end, borrowed until the next call, and *crlf_r tells
 * which end it was.  TOO_LONG once the line has more than `limit` octets.
 */
enum evpop_line_status evpop_line_feed(struct evpop_line *,
    const unsigned char *data, size_t length, size_t limit, size_t *used_r,
    const unsigned char **line_r, size_t *line_length_r, bool *crlf_r);

/*
 * Hand out a line, the last that was READY, once more at the next call, which
 * takes no input.  False without memory.
 */
bool evpop_line_repeat(struct evpop_line *, const unsigned char *text,
    size_t length, bool crlf) EVPOP_MUST_USE;

/* Whether a line is held, or part of one. */
bool evpop_line_begun(const struct evpop_line *);

/* Whether the next call hands out a line without any input. */
bool evpop_line_waits(const struct evpop_line *);

void evpop_line_clear(struct evpop_line *);

#endif
