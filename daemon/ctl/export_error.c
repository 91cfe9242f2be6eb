#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/ctl/export.h"

bool
export_fail(struct export_error *error_r, int number, const char *path)
{
	error_r->number = number;
	snprintf(error_r->text, sizeof(error_r->text), "%s: %s", path,
	    strerror(number));
	return false;
}

bool
export_fail_words(struct export_error *error_r, const char *format, ...)
{
	va_list arguments;

	error_r->number = 0;
	va_start(arguments, format);
	vsnprintf(error_r->text, sizeof(error_r->text), format, arguments);
	va_end(arguments);
	return false;
}

bool
export_write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written == -1 && errno == EINTR)
			continue;
		if (written == -1)
			return false;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}
