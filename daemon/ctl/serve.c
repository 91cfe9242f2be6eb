#include "daemon/ctl/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKLOG 16

/* A store's error with its path. */
#define LINE_SIZE 8192

/* ---- the socket ---- */

/* The kernel chooses a name that nobody has (unix(7), autobind). */
static int
serve_listen(char name_r[SERVE_NAME_SIZE])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(address.sun_family);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, length) == 0 &&
	    listen(fd, BACKLOG) == 0) {
		length = sizeof(address);
		if (getsockname(fd, (struct sockaddr *)&address, &length) ==
		    0) {
			snprintf(name_r, SERVE_NAME_SIZE, "@%.*s",
			    (int)(length - sizeof(address.sun_family) - 1),
			    address.sun_path + 1);
			return fd;
		}
	}
	close(fd);
	return -1;
}

/* ---- the process ---- */

/* Where it may lie, seen from this program; then where it was installed. */
static void
serve_exec(const char *store_path, const char *option)
{
	static const char *const places[] = { "", "../sbin/", "../" };
	const char *named = getenv("EVPOPCTL_EVPOPD");
	char own[4096], path[sizeof(own) + 32];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	if (named != NULL && *named != '\0') {
		execl(named, named, option, store_path, (char *)NULL);
		return;
	}
	own[length > 0 ? length : 0] = '\0';
	slash = strrchr(own, '/');
	for (size_t i = 0;
	     slash != NULL && i < sizeof(places) / sizeof(places[0]); i++) {
		slash[1] = '\0';
		snprintf(path, sizeof(path), "%s%sevpopd", own, places[i]);
		if (access(path, X_OK) == 0)
			execl(path, "evpopd", option, store_path, (char *)NULL);
	}
	execl(EVPOPD_PROGRAM, "evpopd", option, store_path, (char *)NULL);
}

/*
 * What root writes there, the daemon could not: be the owner of the store, or
 * of the folder that it will be in.
 */
static bool
serve_as_owner(const char *store_path)
{
	char folder[PATH_MAX];
	struct stat status;
	char *slash;

	if (geteuid() != 0)
		return true;
	snprintf(folder, sizeof(folder), "%s", store_path);
	slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder] = '\0';
	return (stat(store_path, &status) == 0 ||
		   stat(slash != NULL ? folder : ".", &status) == 0) &&
	       (status.st_uid == 0 ||
		   (setgroups(0, NULL) == 0 && setgid(status.st_gid) == 0 &&
		       setuid(status.st_uid) == 0));
}

/* In the new process. */
static _Noreturn void
serve_become(const struct serve *serve, const char *store_path, int listener,
    int line, pid_t parent)
{
	/* However this one ends, the other does. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent ||
	    dup2(listener, STDIN_FILENO) == -1 ||
	    dup2(line, STDOUT_FILENO) == -1)
		_exit(CTL_TEMPORARY);
	if (serve->fills && !serve_as_owner(store_path)) {
		dprintf(STDOUT_FILENO, "cannot become the owner of %s: %s\n",
		    store_path, strerror(errno));
		_exit(CTL_NO_PERMISSION);
	}
	serve_exec(store_path, serve->fills ? "--fill-store" : "--serve-store");
	dprintf(STDOUT_FILENO,
	    "evpopd, which reads the store, cannot be started: %s; name it in "
	    "the environment: EVPOPCTL_EVPOPD\n",
	    strerror(errno));
	_exit(CTL_UNAVAILABLE);
}

/* The line that it says, without its end; "" for none. */
static void
serve_read_line(int fd, char line_r[LINE_SIZE])
{
	size_t length = 0;
	ssize_t got;

	while (length < LINE_SIZE - 1) {
		got = read(fd, line_r + length, LINE_SIZE - 1 - length);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t)got;
		if (memchr(line_r, '\n', length) != NULL)
			break;
	}
	line_r[length] = '\0';
	line_r[strcspn(line_r, "\n")] = '\0';
}

static enum ctl_exit
serve_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return CTL_SOFTWARE;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return (enum ctl_exit)WEXITSTATUS(status);
	return CTL_SOFTWARE;
}

static enum ctl_exit
serve_start(const struct ctl *ctl, struct serve *serve, const char *store_path,
    int listener, const int pipe[2])
{
	const pid_t parent = getpid();
	char line[LINE_SIZE];
	enum ctl_exit code;

	serve->pid = fork();
	if (serve->pid == 0)
		serve_become(serve, store_path, listener, pipe[1], parent);
	close(listener);
	close(pipe[1]);
	if (serve->pid == -1) {
		serve->pid = 0;
		close(pipe[0]);
		ctl_warn(ctl, "no process for the store: %s", strerror(errno));
		return CTL_TEMPORARY;
	}
	serve_read_line(pipe[0], line);
	close(pipe[0]);
	if (strcmp(line, "ready") == 0)
		return CTL_OK;
	code = serve_wait(serve->pid);
	serve->pid = 0;
	ctl_warn(ctl, "%s",
	    *line != '\0' ? line : "evpopd ended and did not say why");
	return code;
}

enum ctl_exit
serve_begin(const struct ctl *ctl, struct serve *serve_r,
    const char *store_path, bool fills)
{
	int listener, pipe[2];

	memset(serve_r, 0, sizeof(*serve_r));
	serve_r->fills = fills;
	listener = serve_listen(serve_r->name);
	if (listener != -1 && pipe2(pipe, O_CLOEXEC) == 0)
		return serve_start(ctl, serve_r, store_path, listener, pipe);
	ctl_warn(ctl, "no socket for the store: %s", strerror(errno));
	if (listener != -1)
		close(listener);
	return CTL_TEMPORARY;
}

void
serve_end(struct serve *serve)
{
	if (serve->pid == 0)
		return;
	kill(serve->pid, SIGTERM);
	(void)serve_wait(serve->pid);
	serve->pid = 0;
}
