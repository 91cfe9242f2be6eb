#include "daemon/ctl/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
fail(struct new_file *file, int failure)
{
	file->failure = failure;
	return false;
}

bool
new_file_open(struct new_file *file_r, const char *path, bool replaces)
{
	struct stat status;
	const char *slash = strrchr(path, '/');
	int folder = slash == NULL ? 0 : (int)(slash - path) + 1;

	memset(file_r, 0, sizeof(*file_r));
	file_r->fd = -1;
	file_r->path = path;
	file_r->replaces = replaces;
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
		/* A device or a pipe is written to, never replaced. */
		file_r->fd = open(path, O_WRONLY | O_CLOEXEC);
		return file_r->fd != -1 || fail(file_r, errno);
	}
	/* A name that leads nowhere is taken, too. */
	if (!replaces && lstat(path, &status) == 0)
		return fail(file_r, EEXIST);
	if (asprintf(&file_r->temporary, "%.*s.evpopctl.XXXXXX", folder,
		path) == -1) {
		file_r->temporary = NULL;
		return fail(file_r, ENOMEM);
	}
	/* Mail is private: the file is its owner's alone. */
	file_r->fd = mkostemp(file_r->temporary, O_CLOEXEC);
	if (file_r->fd == -1) {
		fail(file_r, errno);
		free(file_r->temporary);
		file_r->temporary = NULL;
		return false;
	}
	return true;
}

bool
new_file_write(struct new_file *file, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(file->fd, bytes, length);

		if (written == -1 && errno == EINTR)
			continue;
		if (written == -1)
			return fail(file, errno);
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

/* Something may have come there meanwhile. */
static bool
give_name(const struct new_file *file)
{
	if (file->replaces)
		return rename(file->temporary, file->path) == 0;
	if (renameat2(AT_FDCWD, file->temporary, AT_FDCWD, file->path,
		RENAME_NOREPLACE) == 0)
		return true;
	/* Not every file system can do that. */
	return (errno == EINVAL || errno == ENOSYS) &&
	       link(file->temporary, file->path) == 0 &&
	       unlink(file->temporary) == 0;
}

bool
new_file_finish(struct new_file *file)
{
	bool done = file->temporary == NULL || fsync(file->fd) == 0 ||
		    fail(file, errno);

	if (close(file->fd) != 0 && done)
		done = fail(file, errno);
	file->fd = -1;
	if (done && file->temporary != NULL && !give_name(file))
		done = fail(file, errno);
	if (done) {
		free(file->temporary);
		file->temporary = NULL;
	}
	new_file_discard(file);
	return done;
}

void
new_file_discard(struct new_file *file)
{
	if (file->fd != -1)
		close(file->fd);
	file->fd = -1;
	if (file->temporary != NULL)
		unlink(file->temporary);
	free(file->temporary);
	file->temporary = NULL;
}
