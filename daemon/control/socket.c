#include "daemon/control/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Clients that may wait to be accepted.  All users share this queue; if it is
 * short, a user who fills it makes the others wait only briefly.
 */
#define BACKLOG 128

/* Larger than any entry of a group database without its members. */
#define GROUP_SIZE 65536

static bool
socket_fill_address(struct sockaddr_un *address_r, const char *path,
    char *error_r, size_t error_size)
{
	size_t length = strlen(path);

	memset(address_r, 0, sizeof(*address_r));
	address_r->sun_family = AF_UNIX;
	if (length == 0 || length >= sizeof(address_r->sun_path)) {
		snprintf(error_r, error_size,
		    "%.200s: a socket's path has 1 to %zu bytes, this one "
		    "%zu",
		    path, sizeof(address_r->sun_path) - 1, length);
		return false;
	}
	memcpy(address_r->sun_path, path, length);
	return true;
}

/*
 * Whether a new socket can take the place of what is there.  A socket on which
 * nobody listens was left by a dead daemon.
 */
static bool
socket_clear_stale(
    const struct sockaddr_un *address, char *error_r, size_t error_size)
{
	const char *path = address->sun_path;
	struct stat status;
	int fd, failure = 0;

	if (lstat(path, &status) != 0) {
		if (errno == ENOENT)
			return true;
		snprintf(error_r, error_size, "%s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISSOCK(status.st_mode)) {
		snprintf(error_r, error_size,
		    "%s: exists and is not a socket; move it away, or choose "
		    "another [control] socket",
		    path);
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		snprintf(error_r, error_size, "%s: %s", path, strerror(errno));
		return false;
	}
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) !=
	    0)
		failure = errno;
	close(fd);
	if (failure != ECONNREFUSED && failure != ENOENT) {
		/* EAGAIN: its queue is full, so somebody listens. */
		snprintf(error_r, error_size, "%s: %s", path,
		    failure == 0 || failure == EAGAIN
			? "another daemon answers there; stop it, or choose "
			  "another [control] socket"
			: strerror(failure));
		return false;
	}
	if (unlink(path) != 0 && errno != ENOENT) {
		snprintf(error_r, error_size,
		    "%s: cannot remove the socket of a dead daemon: %s", path,
		    strerror(errno));
		return false;
	}
	return true;
}

static bool
socket_find_group(
    const char *name, gid_t *gid_r, char *error_r, size_t error_size)
{
	char *buffer = malloc(GROUP_SIZE);
	struct group entry, *found = NULL;
	int failure = ENOMEM;

	if (buffer != NULL)
		failure = getgrnam_r(name, &entry, buffer, GROUP_SIZE, &found);
	if (found != NULL)
		*gid_r = found->gr_gid;
	else
		snprintf(error_r, error_size, "[control] group \"%.200s\": %s",
		    name, failure == 0 ? "no such group" : strerror(failure));
	free(buffer);
	return found != NULL;
}

/*
 * Create the file without access for group and others, set its group, and only
 * then its mode, so that no other user can connect meanwhile.
 */
static bool
socket_bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode,
    bool has_group, gid_t gid)
{
	mode_t old = umask(0177);
	int failed =
	    bind(fd, (const struct sockaddr *)address, sizeof(*address));

	umask(old);
	if (failed != 0)
		return false;
	if ((has_group && lchown(address->sun_path, (uid_t)-1, gid) != 0) ||
	    chmod(address->sun_path, mode & 0777) != 0) {
		failed = errno;
		unlink(address->sun_path);
		errno = failed;
		return false;
	}
	return true;
}

bool
socket_bind(struct socket_bound *bound_r, const char *path, mode_t mode,
    const char *group, char *error_r, size_t error_size)
{
	struct sockaddr_un address;
	struct stat status;
	gid_t gid = 0;
	int fd;

	memset(bound_r, 0, sizeof(*bound_r));
	bound_r->fd = -1;
	if (!socket_fill_address(&address, path, error_r, error_size) ||
	    (group != NULL &&
		!socket_find_group(group, &gid, error_r, error_size)) ||
	    !socket_clear_stale(&address, error_r, error_size))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 ||
	    !socket_bind_with_mode(fd, &address, mode, group != NULL, gid)) {
		snprintf(error_r, error_size, "%s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return false;
	}
	if (listen(fd, BACKLOG) != 0 || lstat(path, &status) != 0 ||
	    (bound_r->path = strdup(path)) == NULL) {
		snprintf(error_r, error_size, "%s: %s", path, strerror(errno));
		unlink(path);
		close(fd);
		return false;
	}
	bound_r->fd = fd;
	bound_r->device = status.st_dev;
	bound_r->inode = status.st_ino;
	return true;
}

bool
socket_adopt(
    struct socket_bound *bound_r, int fd, char *error_r, size_t error_size)
{
	int family = 0, listening = 0, flags = fcntl(fd, F_GETFL);
	socklen_t length = sizeof(int);

	memset(bound_r, 0, sizeof(*bound_r));
	bound_r->fd = -1;
	if (flags == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) !=
		0) {
		snprintf(error_r, error_size,
		    "the socket given to the daemon (descriptor %d): %s", fd,
		    strerror(errno));
		return false;
	}
	if (family != AF_UNIX || !listening) {
		snprintf(error_r, error_size,
		    "the socket given to the daemon (descriptor %d) is not a "
		    "listening Unix socket",
		    fd);
		return false;
	}
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
		snprintf(error_r, error_size,
		    "the socket given to the daemon (descriptor %d): %s", fd,
		    strerror(errno));
		return false;
	}
	bound_r->fd = fd;
	return true;
}

bool
socket_differs(int fd, const char *path, mode_t mode, const char *group,
    char *text_r, size_t text_size)
{
	struct sockaddr_un address = { 0 };
	socklen_t length = sizeof(address) - 1;
	bool other_path, other_mode, other_group;
	struct stat status;
	char error[256];
	gid_t gid;

	if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
	    lstat(address.sun_path, &status) != 0)
		return false;
	other_path = strcmp(address.sun_path, path) != 0;
	other_mode = (status.st_mode & 0777) != mode;
	other_group = group != NULL &&
		      (!socket_find_group(group, &gid, error, sizeof(error)) ||
			  gid != status.st_gid);
	snprintf(text_r, text_size,
	    "systemd gave the control socket, %.108s:%s%s%s in [control] "
	    "do%s not apply; evpopd.socket has%s%s%s",
	    address.sun_path, other_path ? " socket" : "",
	    other_mode ? " mode" : "", other_group ? " group" : "",
	    other_path + other_mode + other_group == 1 ? "es" : "",
	    other_path ? " ListenStream=" : "",
	    other_mode ? " SocketMode=" : "",
	    other_group ? " SocketGroup=" : "");
	return other_path || other_mode || other_group;
}

void
socket_unlink(struct socket_bound *bound)
{
	struct stat status;

	if (bound->path == NULL)
		return;
	if (lstat(bound->path, &status) == 0 &&
	    status.st_dev == bound->device && status.st_ino == bound->inode)
		unlink(bound->path);
	free(bound->path);
	bound->path = NULL;
}
