#include "daemon/store/error.h"

#include <stdarg.h>
#include <stdio.h>

enum store_status
store_error_set(struct store_error *error_r, enum store_status status,
    const char *format, ...)
{
	va_list arguments;

	error_r->status = status;
	va_start(arguments, format);
	vsnprintf(error_r->text, sizeof(error_r->text), format, arguments);
	va_end(arguments);
	return status;
}
