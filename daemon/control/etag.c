#include "daemon/control/etag.h"

#include <string.h>

bool
etag_is_listed(const char *list, const char *etag)
{
	size_t length = strlen(etag);
	const char *end;

	list += strspn(list, " \t");
	if (strcmp(list, "*") == 0)
		return true;
	for (;;) {
		list += strspn(list, " \t,");
		if (strncmp(list, "W/", 2) == 0)
			list += 2;
		/* A tag may contain a comma. */
		if (*list != '"' || (end = strchr(list + 1, '"')) == NULL)
			return false;
		end++;
		if ((size_t)(end - list) == length &&
		    memcmp(list, etag, length) == 0)
			return true;
		list = end;
	}
}
