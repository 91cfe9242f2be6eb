#include "daemon/secret/mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static uint64_t
mark_add(uint64_t mark, uint64_t value)
{
	mark = (mark ^ value) * UINT64_C(1099511628211);
	return mark ^ mark >> 32;
}

/* A change of its content, owner or mode is one of ctime, too. */
static uint32_t
mark_of_file(const char *path)
{
	uint64_t mark = UINT64_C(14695981039346656037);
	struct stat status;

	if (stat(path, &status) != 0)
		return 0;
	mark = mark_add(mark, status.st_dev);
	mark = mark_add(mark, status.st_ino);
	mark = mark_add(mark, (uint64_t)status.st_size);
	mark = mark_add(mark, (uint64_t)status.st_ctim.tv_sec);
	mark = mark_add(mark, (uint64_t)status.st_ctim.tv_nsec);
	mark = mark_add(mark, (uint64_t)status.st_mtim.tv_sec);
	mark = mark_add(mark, (uint64_t)status.st_mtim.tv_nsec);
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
