#include "daemon/deliver/mbox_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/deliver/path.h"

#define SPOOL_PIECE ((size_t)64 * 1024)

/* Not every file system has files without names. */
static int
spool_open_named(const char *folder)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/.evpop-spool.%d", folder, (int)getpid()) == -1)
		return -1;
	(void)unlink(path);
	fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd != -1)
		(void)unlink(path);
	free(path);
	return fd;
}

struct mbox_spool *
mbox_spool_new(const char *path)
{
	char *folder = path_above(path);
	struct mbox_spool *spool = calloc(1, sizeof(*spool));

	if (spool == NULL || folder == NULL) {
		free(folder);
		free(spool);
		errno = ENOMEM;
		return NULL;
	}
	spool->fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (spool->fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR))
		spool->fd = spool_open_named(folder);
	free(folder);
	if (spool->fd == -1) {
		free(spool);
		return NULL;
	}
	spool->users = 1;
	return spool;
}

void
mbox_spool_put(struct mbox_spool *spool)
{
	if (spool == NULL || --spool->users > 0)
		return;
	close(spool->fd);
	free(spool);
}

static bool
spool_write_at(int fd, const char *bytes, size_t length, off_t at)
{
	while (length > 0) {
		ssize_t done = pwrite(fd, bytes, length, at);

		if (done == -1 && errno == EINTR)
			continue;
		if (done == -1)
			return false;
		bytes += done;
		length -= (size_t)done;
		at += done;
	}
	return true;
}

bool
mbox_spool_write(struct mbox_spool *spool, const char *bytes, size_t length)
{
	if (!spool_write_at(spool->fd, bytes, length, spool->size))
		return false;
	spool->size += (off_t)length;
	return true;
}

void
mbox_spool_cut(struct mbox_spool *spool, off_t size)
{
	spool->size = size;
	/* It only saves room: what stays behind is written over. */
	while (ftruncate(spool->fd, size) == -1 && errno == EINTR)
		continue;
}

/* Exactly so many; false with errno. */
static bool
spool_read_at(int fd, char *bytes, size_t length, off_t at)
{
	while (length > 0) {
		ssize_t done = pread(fd, bytes, length, at);

		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0) {
			if (done == 0)
				errno = EIO;
			return false;
		}
		bytes += done;
		length -= (size_t)done;
		at += done;
	}
	return true;
}

bool
mbox_spool_copy(
    const struct mbox_spool *spool, off_t from, off_t length, int fd, off_t at)
{
	char *piece = malloc(SPOOL_PIECE);
	bool done = piece != NULL;

	while (done && length > 0) {
		size_t part =
		    (size_t)length < SPOOL_PIECE ? (size_t)length : SPOOL_PIECE;

		done = spool_read_at(spool->fd, piece, part, from) &&
		       spool_write_at(fd, piece, part, at);
		from += (off_t)part;
		at += (off_t)part;
		length -= (off_t)part;
	}
	free(piece);
	return done;
}

bool
mbox_spool_is_same(
    const struct mbox_spool *spool, off_t from, off_t length, int fd, off_t at)
{
	char *ours = malloc(SPOOL_PIECE), *theirs = malloc(SPOOL_PIECE);
	bool is_same = ours != NULL && theirs != NULL;

	while (is_same && length > 0) {
		size_t part =
		    (size_t)length < SPOOL_PIECE ? (size_t)length : SPOOL_PIECE;

		is_same = spool_read_at(spool->fd, ours, part, from) &&
			  spool_read_at(fd, theirs, part, at) &&
			  memcmp(ours, theirs, part) == 0;
		from += (off_t)part;
		at += (off_t)part;
		length -= (off_t)part;
	}
	free(ours);
	free(theirs);
	return is_same;
}
