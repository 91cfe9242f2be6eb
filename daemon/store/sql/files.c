#include "daemon/store/sql/files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/store/status.h"

static enum store_status
files_status(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
	case EROFS:
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
		return STORE_READ_ONLY;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return STORE_FULL;
	case ENOMEM:
		return STORE_MEMORY;
	default:
		return STORE_IO;
	}
}

/* The folder part of a path, allocated; NULL without memory. */
static char *
files_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	if (slash == path)
		return strdup("/");
	return strndup(path, (size_t)(slash - path));
}

static enum store_status
files_check_folder(const char *path, struct store_error *error_r)
{
	char *folder = files_folder(path);
	enum store_status status = STORE_OK;
	struct stat found;

	if (folder == NULL)
		return store_error_set(error_r, STORE_MEMORY, "out of memory");
	if (stat(folder, &found) != 0)
		status = store_error_set(error_r, files_status(errno),
		    "the store's folder %s: %s; make it with: "
		    "install -d -m 0700 %s",
		    folder, strerror(errno), folder);
	else if (!S_ISDIR(found.st_mode))
		status = store_error_set(error_r, STORE_READ_ONLY,
		    "%s is not a folder; give a path inside one", folder);
	free(folder);
	return status;
}

static enum store_status
lock_name_owner(int fd, const char *path, struct store_error *error_r)
{
	char owner[24];
	ssize_t length = pread(fd, owner, sizeof(owner) - 1, 0);

	if (length < 0)
		length = 0;
	owner[length] = '\0';
	owner[strspn(owner, "0123456789")] = '\0';
	return store_error_set(error_r, STORE_BUSY,
	    "%s belongs to the running evpopd (pid %s); to poll now, type: "
	    "evpopctl poll ACCOUNT",
	    path, owner[0] != '\0' ? owner : "unknown");
}

static enum store_status
lock_fail(
    int fd, const char *path, const char *name, struct store_error *error_r)
{
	if (errno == EWOULDBLOCK)
		return lock_name_owner(fd, path, error_r);
	return store_error_set(error_r, files_status(errno),
	    "cannot lock %s: %s; put the store on a file system that has locks",
	    name, strerror(errno));
}

/* For people and for the message above; the lock itself is the kernel's. */
static bool
lock_write_pid(int fd)
{
	char pid[24];
	int length = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());

	return ftruncate(fd, 0) == 0 &&
	       pwrite(fd, pid, (size_t)length, 0) == length;
}

static enum store_status
lock_take(const char *path, int *fd_r, struct store_error *error_r)
{
	char *name;
	enum store_status status = STORE_OK;
	int fd;

	if (asprintf(&name, "%s.lock", path) < 0)
		return store_error_set(error_r, STORE_MEMORY, "out of memory");
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		status = store_error_set(error_r, files_status(errno),
		    "cannot open %s: %s; the daemon's user must be able to "
		    "write it",
		    name, strerror(errno));
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		status = lock_fail(fd, path, name, error_r);
	else if (!lock_write_pid(fd))
		status = store_error_set(error_r, files_status(errno),
		    "cannot write %s: %s; %s", name, strerror(errno),
		    store_status_hint(files_status(errno)));
	free(name);
	if (status != STORE_OK && fd != -1) {
		close(fd);
		fd = -1;
	}
	*fd_r = fd;
	return status;
}

/*
 * SQLite would make the file as the umask says, and gives its journals the
 * mode of the file.
 */
static enum store_status
files_make(const char *path, struct store_error *error_r)
{
	struct stat found;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);

	if (fd == -1)
		return store_error_set(error_r, files_status(errno),
		    "cannot open %s: %s; the daemon's user must be able to "
		    "write it",
		    path, strerror(errno));
	if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
		close(fd);
		return store_error_set(error_r, STORE_DAMAGED,
		    "%s is not a regular file; give another path", path);
	}
	close(fd);
	return STORE_OK;
}

enum store_status
store_files_lock(const char *path, int *fd_r, struct store_error *error_r)
{
	enum store_status status;

	*fd_r = -1;
	status = files_check_folder(path, error_r);
	if (status == STORE_OK)
		status = lock_take(path, fd_r, error_r);
	if (status == STORE_OK)
		status = files_make(path, error_r);
	if (status != STORE_OK)
		store_files_unlock(fd_r);
	return status;
}

void
store_files_unlock(int *fd)
{
	if (*fd == -1)
		return;
	/* The name stays: removing it would race with who waits for it. */
	if (ftruncate(*fd, 0) != 0)
		assert(errno != EBADF);
	close(*fd);
	*fd = -1;
}

enum store_status
store_files_exist(const char *path, struct store_error *error_r)
{
	struct stat found;
	enum store_status status = STORE_OK;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return store_error_set(error_r, files_status(errno),
		    "cannot read %s: %s", path, strerror(errno));
	/* No connection is open yet whose locks this would lose. */
	if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode))
		status = store_error_set(error_r, STORE_DAMAGED,
		    "%s is not a regular file; give the store's file", path);
	close(fd);
	return status;
}

bool
store_files_have_log(const char *path)
{
	struct stat found;
	bool has_log = true;
	char *name;

	if (asprintf(&name, "%s-wal", path) < 0)
		return has_log;
	if (stat(name, &found) == 0)
		has_log = found.st_size > 0;
	else
		has_log = errno != ENOENT;
	free(name);
	return has_log;
}

uint64_t
store_files_room(const char *path)
{
	struct statvfs found;

	if (statvfs(path, &found) != 0 || found.f_blocks == 0)
		return UINT64_MAX;
	return (uint64_t)found.f_bavail * found.f_frsize;
}

static enum store_status
files_sync_one(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum store_status status = STORE_OK;

	if (fd == -1)
		return files_status(errno);
	if (fsync(fd) != 0)
		status = files_status(errno);
	close(fd);
	return status;
}

enum store_status
store_files_sync(const char *path)
{
	enum store_status status = files_sync_one(path);
	char *folder;

	if (status != STORE_OK)
		return status;
	folder = files_folder(path);
	if (folder == NULL)
		return STORE_MEMORY;
	status = files_sync_one(folder);
	free(folder);
	return status;
}
