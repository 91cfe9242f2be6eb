#include "daemon/deliver/mbox_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/deliver/path.h"
#include "daemon/deliver/worker.h"
#include "lib/base/clock.h"

/* How long another program may have it: then the message waits. */
#define LOCK_PATIENCE_MS 10000
#define LOCK_PAUSE_MS    50

/* A lock file that is older was left behind; all programs take it so. */
#define LOCK_STALE_S 300

/* "PID:HOST", of whoever made it. */
#define LOCK_TEXT 320

/* ---- the file beside it ---- */

static int
lock_text(char text_r[LOCK_TEXT])
{
	char host[256];

	if (gethostname(host, sizeof(host)) != 0)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	return snprintf(text_r, LOCK_TEXT, "%d:%s", (int)getpid(), host);
}

/* One of this machine whose program is gone. */
static bool
lock_is_orphan(const char *path)
{
	char text[LOCK_TEXT], own[LOCK_TEXT], *end;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t length;
	long pid;

	if (fd == -1)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	(void)lock_text(own);
	pid = strtol(text, &end, 10);
	return pid > 0 && pid < 1 << 22 && *end == ':' &&
	       strcmp(end, strchr(own, ':')) == 0 && kill((pid_t)pid, 0) != 0 &&
	       errno == ESRCH;
}

static bool
lock_is_stale(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
	       (time(NULL) - status.st_mtime > LOCK_STALE_S ||
		   lock_is_orphan(path));
}

enum taken {
	TAKEN = 0,
	TAKEN_BY_OTHER,
	TAKEN_NEVER
};

static bool
lock_write(int fd)
{
	char text[LOCK_TEXT];
	int length = lock_text(text);

	return write(fd, text, (size_t)length) == length;
}

/*
 * With its text from the first moment on: a crash leaves none that does not say
 * whose it is.  False with errno.
 */
static bool
lock_link(const char *path)
{
	char *folder = path_above(path), own[64];
	int fd = -1, error;
	bool done = false;

	if (folder != NULL)
		fd = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);
	free(folder);
	if (fd == -1)
		return false;
	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	done = lock_write(fd) &&
	       linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
	error = errno;
	close(fd);
	errno = error;
	return done;
}

/* Where there are no files without names.  False with errno. */
static bool
lock_create(const char *path)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	int error;
	bool done;

	if (fd == -1)
		return false;
	done = lock_write(fd);
	error = errno;
	if (close(fd) == 0 && done)
		return true;
	(void)unlink(path);
	errno = error;
	return false;
}

static enum taken
lock_try_file(const char *path)
{
	if (lock_link(path))
		return TAKEN;
	if (errno != EEXIST && lock_create(path))
		return TAKEN;
	if (errno != EEXIST)
		return TAKEN_NEVER;
	if (lock_is_stale(path))
		(void)unlink(path);
	return TAKEN_BY_OTHER;
}

/* ---- both ---- */

static enum taken
lock_try_fcntl(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return TAKEN;
	return errno == EAGAIN || errno == EACCES ? TAKEN_BY_OTHER
						  : TAKEN_NEVER;
}

/*
 * Both or none: two programs that take them in another order would wait for
 * each other.
 */
static enum taken
lock_try(struct mbox_lock *lock, const char *beside, int fd)
{
	enum taken taken = lock_try_file(beside);
	bool has_file = taken == TAKEN;

	if (taken == TAKEN_BY_OTHER)
		return taken;
	/* Not everybody may make files in the folder of an mbox. */
	if (taken == TAKEN_NEVER && errno != EACCES && errno != EPERM &&
	    errno != EROFS)
		return taken;
	taken = lock_try_fcntl(fd);
	if (taken == TAKEN && has_file)
		lock->path = strdup(beside);
	if (has_file && lock->path == NULL) {
		(void)unlink(beside);
		if (taken == TAKEN)
			errno = ENOMEM;
		return taken == TAKEN ? TAKEN_NEVER : taken;
	}
	return taken;
}

static void
lock_pause(void)
{
	const struct timespec time = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };

	(void)nanosleep(&time, NULL);
}

bool
mbox_lock_take(struct mbox_lock *lock, const char *path, int fd,
    const struct filing_options *options, const struct letter *letter)
{
	const int64_t end_ms =
	    evpop_clock_monotonic_ms() + (options->timeout_ms < LOCK_PATIENCE_MS
						 ? options->timeout_ms
						 : LOCK_PATIENCE_MS);
	enum taken taken;
	char *beside;
	bool done;

	lock->path = NULL;
	if (asprintf(&beside, "%s.lock", path) == -1)
		return letter_fail(letter, ENOMEM, "lock", path);
	taken = lock_try(lock, beside, fd);
	while (taken == TAKEN_BY_OTHER && evpop_clock_monotonic_ms() < end_ms &&
	       !worker_is_stopping(options->worker)) {
		lock_pause();
		taken = lock_try(lock, beside, fd);
	}
	if (taken == TAKEN_BY_OTHER)
		done = letter_fail_words(letter, CARRIED_LATER,
		    "another program has %s locked (fcntl, or %s)", path,
		    beside);
	else
		done =
		    taken == TAKEN || letter_fail(letter, errno, "lock", path);
	free(beside);
	return done;
}

void
mbox_lock_give(struct mbox_lock *lock)
{
	if (lock->path != NULL)
		(void)unlink(lock->path);
	free(lock->path);
	lock->path = NULL;
}
