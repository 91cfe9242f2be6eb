#include "daemon/store/sql/unchanging.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store/sql/files.h"
#include "lib/base/url.h"

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
		if (*at == '/' && !(at == path && at[1] == '/'))
			uri[length++] = '/';
		else
			length += evpop_url_quote(*at, uri + length);
	}
	uri[length] = '\0';
	if (!folder_is_writable(path) && !store_files_have_log(path))
		strcpy(uri + length, immutable);
	return uri;
}
