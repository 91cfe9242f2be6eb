#include "daemon/secret/mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/hash.h"

/* A change of the content, the owner or the mode is one of ctime, too. */
static uint32_t
mark_of_file(const char *path)
{
	struct stat status;
	uint64_t figures[7], mark;

	if (stat(path, &status) != 0)
		return 0;
	figures[0] = status.st_dev;
	figures[1] = status.st_ino;
	figures[2] = (uint64_t)status.st_size;
	figures[3] = (uint64_t)status.st_ctim.tv_sec;
	figures[4] = (uint64_t)status.st_ctim.tv_nsec;
	figures[5] = (uint64_t)status.st_mtim.tv_sec;
	figures[6] = (uint64_t)status.st_mtim.tv_nsec;
	mark = evpop_hash_add(EVPOP_HASH_START, figures, sizeof(figures));
	mark ^= mark >> 32;
	return (uint32_t)mark != 0 ? (uint32_t)mark : 1;
}

uint32_t
secret_mark(const struct secret_source *source)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	uint32_t mark;
	char *path;

	if (source->kind == SECRET_FILE)
		return mark_of_file(source->value);
	if (source->kind != SECRET_CREDENTIAL || folder == NULL ||
	    asprintf(&path, "%s/%s", folder, source->value) < 0)
		return 0;
	mark = mark_of_file(path);
	free(path);
	return mark;
}
