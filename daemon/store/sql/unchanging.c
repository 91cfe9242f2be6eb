#include "daemon/store/sql/unchanging.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/sql/files.h"

/* What may stand in a URI's path as it is; RFC 3986 section 3.3. */
static bool
uri_is_plain(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') ||
	       (byte != '\0' && strchr("/-._~", byte) != NULL);
}

/* Whether the folder of the file can be written. */
static bool
folder_is_writable(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL   ? strdup(".")
		       : slash == path ? strdup("/")
				       : strndup(path, (size_t)(slash - path));
	bool is_writable = folder == NULL || access(folder, W_OK) == 0;

	free(folder);
	return is_writable;
}

char *
sqlite_reading_uri(const char *path)
{
	static const char scheme[] = "file:", immutable[] = "?immutable=1";
	char *uri =
	    malloc(sizeof(scheme) + 3 * strlen(path) + sizeof(immutable));
	size_t length = sizeof(scheme) - 1;

	if (uri == NULL)
		return NULL;
	memcpy(uri, scheme, sizeof(scheme));
	for (const char *at = path; *at != '\0'; at++) {
		/* "//" would begin a host's name. */
		if (uri_is_plain(*at) && !(at == path && at[1] == '/'))
			uri[length++] = *at;
		else
			length += (size_t)sprintf(
			    uri + length, "%%%02X", (unsigned char)*at);
	}
	uri[length] = '\0';
	if (!folder_is_writable(path) && !store_files_have_log(path))
		strcpy(uri + length, immutable);
	return uri;
}
