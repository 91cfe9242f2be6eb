#include "daemon/store/mail/line.h"

#include <string.h>

void
mail_line_add(struct mail_line *line, const char *bytes, size_t length,
    bool ends, mail_line_take take, void *arg)
{
	size_t room = MAIL_LINE_SIZE - line->length;

	if (!line->is_long && length <= room) {
		if (ends && line->length == 0) {
			take(arg, bytes, length, false);
			return;
		}
		memcpy(line->bytes + line->length, bytes, length);
		line->length += length;
		if (ends)
			mail_line_finish(line, take, arg);
		return;
	}
	if (!line->is_long) {
		memcpy(line->bytes + line->length, bytes, room);
		line->length = MAIL_LINE_SIZE;
		mail_line_finish(line, take, arg);
		bytes += room;
		length -= room;
	}
	take(arg, bytes, length, true);
	line->is_long = !ends;
}

void
mail_line_finish(struct mail_line *line, mail_line_take take, void *arg)
{
	size_t length = line->length;

	line->length = 0;
	if (length > 0)
		take(arg, line->bytes, length, false);
}
