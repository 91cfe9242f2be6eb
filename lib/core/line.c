#include "lib/core/line.h"

#include <stdlib.h>
#include <string.h>

static bool
line_hold(struct evpop_line *line, const unsigned char *data, size_t length)
{
	unsigned char *grown;
	size_t room;

	if (length > line->room - line->length) {
		room = line->room == 0 ? 128 : line->room;
		while (room - line->length < length)
			room *= 2;
		grown = realloc(line->held, room);
		if (grown == NULL)
			return false;
		line->held = grown;
		line->room = room;
	}
	memcpy(line->held + line->length, data, length);
	line->length += length;
	return true;
}

enum evpop_line_status
evpop_line_feed(struct evpop_line *line, const unsigned char *data,
    size_t length, size_t limit, size_t *used_r, const unsigned char **line_r,
    size_t *line_length_r, bool *crlf_r)
{
	const unsigned char *end, *text;
	size_t taken, text_length, so_far;

	*used_r = 0;
	if (line->repeat) {
		line->repeat = false;
		line->given = true;
		*line_r = line->held;
		*line_length_r = line->length;
		*crlf_r = line->crlf;
		return EVPOP_LINE_READY;
	}
	if (line->given) {
		line->given = false;
		line->length = 0;
	}
	if (length == 0)
		return EVPOP_LINE_MORE;
	end = memchr(data, '\n', length);
	taken = end == NULL ? length : (size_t)(end - data) + 1;
	/* One more than the limit, since a CR may belong to the line end. */
	so_far = line->length + taken - (end != NULL);
	if (so_far > limit && so_far - 1 > limit)
		return EVPOP_LINE_TOO_LONG;
	if (end == NULL || line->length > 0) {
		if (!line_hold(line, data, taken))
			return EVPOP_LINE_NO_MEMORY;
		text = line->held;
		text_length = line->length;
	} else {
		text = data;
		text_length = taken;
	}
	*used_r = taken;
	if (end == NULL)
		return EVPOP_LINE_MORE;
	line->given = true;
	text_length--;
	*crlf_r = text_length > 0 && text[text_length - 1] == '\r';
	if (*crlf_r)
		text_length--;
	if (text_length > limit)
		return EVPOP_LINE_TOO_LONG;
	*line_r = text;
	*line_length_r = text_length;
	return EVPOP_LINE_READY;
}

bool
evpop_line_repeat(struct evpop_line *line, const unsigned char *text,
    size_t length, bool crlf)
{
	if (text != line->held) {
		line->length = 0;
		if (!line_hold(line, text, length))
			return false;
	}
	line->length = length;
	line->given = false;
	line->repeat = true;
	line->crlf = crlf;
	return true;
}

bool
evpop_line_waits(const struct evpop_line *line)
{
	return line->repeat;
}

bool
evpop_line_begun(const struct evpop_line *line)
{
	return line->length > 0 && !line->given;
}

void
evpop_line_clear(struct evpop_line *line)
{
	free(line->held);
	memset(line, 0, sizeof *line);
}
