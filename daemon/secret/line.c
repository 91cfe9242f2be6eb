#include "daemon/secret/line.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/secret/secret.h"
#include "lib/base/text.h"

/* As some editors and shells write it, with a mark of its own. */
static bool
is_utf16(const char *bytes, size_t length)
{
	return length >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 ||
				  memcmp(bytes, "\xfe\xff", 2) == 0);
}

struct secret *
secret_of_first_line(const char *source, const char *what, const char *bytes,
    size_t length, char *error, size_t error_size)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t mark_length = sizeof(mark) - 1;
	const char *newline;
	struct secret *secret;

	/* Some editors begin every file with one, unseen. */
	if (length >= mark_length && memcmp(bytes, mark, mark_length) == 0) {
		bytes += mark_length;
		length -= mark_length;
	}
	newline = memchr(bytes, '\n', length);
	if (newline != NULL)
		length = (size_t)(newline - bytes);
	if (length > 0 && bytes[length - 1] == '\r')
		length--;
	if (length == 0) {
		(void)snprintf(error, error_size,
		    "%s: the first line is empty; expected the %s", source,
		    what);
		return NULL;
	}
	if (memchr(bytes, '\0', length) != NULL ||
	    memchr(bytes, '\r', length) != NULL) {
		(void)snprintf(error, error_size,
		    "%s: the first line contains a NUL or a carriage return, "
		    "which no %s can%s",
		    source, what,
		    is_utf16(bytes, length)
			? "; it is in UTF-16, but must be in UTF-8"
			: "");
		return NULL;
	}
	secret = secret_new(bytes, length);
	if (secret == NULL)
		(void)snprintf(
		    error, error_size, "%s: not enough memory", source);
	return secret;
}

void
secret_printable(const char *bytes, size_t length, char *text, size_t size)
{
	const char *end = bytes + length;
	size_t used = 0, line;

	text[0] = '\0';
	for (; bytes < end; bytes += line + 1) {
		for (line = 0; bytes + line < end && bytes[line] != '\n' &&
			       bytes[line] != '\r';)
			line++;
		if (line == 0)
			continue;
		if (used > 0)
			used += evpop_text_printable(
			    text + used, size - used, "; ", 2);
		used +=
		    evpop_text_printable(text + used, size - used, bytes, line);
	}
}
