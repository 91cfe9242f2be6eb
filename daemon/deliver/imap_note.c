#include "daemon/deliver/imap_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
imap_note_write(char text_r[IMAP_NOTE], const struct imap_note *note)
{
	int length = snprintf(text_r, IMAP_NOTE,
	    "imap %" PRIu32 " %" PRIu32 " %" PRId64 " %s", note->state.validity,
	    note->state.next, note->noted_ms, note->folder);

	return length > 0 && length < IMAP_NOTE;
}

/* A number and the blank behind it. */
static bool
note_take(const char **at, int64_t *number_r)
{
	const char *digits = *at;
	char *end;

	if (*digits < '0' || *digits > '9')
		return false;
	*number_r = strtoll(digits, &end, 10);
	if (*end != ' ')
		return false;
	*at = end + 1;
	return true;
}

bool
imap_note_read(const char *text, struct imap_note *note_r)
{
	static const char prefix[] = "imap ";
	int64_t validity, next;

	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return false;
	text += strlen(prefix);
	if (!note_take(&text, &validity) || !note_take(&text, &next) ||
	    !note_take(&text, &note_r->noted_ms) || validity > UINT32_MAX ||
	    next > UINT32_MAX)
		return false;
	note_r->state.validity = (uint32_t)validity;
	note_r->state.next = (uint32_t)next;
	note_r->folder = text;
	return true;
}
