#include "daemon/ctl/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the terminal does not tell. */
#define HEIGHT 24

extern char **environ;

/* Lines are kept until they are too many for the screen. */
struct pager {
	const char *command;
	FILE *screen, *out;
	size_t width, height;
	char *kept;
	size_t length, room;
	size_t rows, columns; /* of what is kept, and of its last line */
	pid_t process;        /* 0: not started */
	int fd;
	bool has_failed;
};

/* ---- which ---- */

static bool
pager_is_installed(const char *name)
{
	const char *path = getenv("PATH");
	char file[512];

	while (path != NULL && *path != '\0') {
		size_t length = strcspn(path, ":");

		snprintf(
		    file, sizeof(file), "%.*s/%s", (int)length, path, name);
		if (access(file, X_OK) == 0)
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

/* NULL for none. */
static const char *
pager_command(void)
{
	static const char *const usual[] = { "less", "more" };
	const char *command = getenv("PAGER"), *terminal = getenv("TERM");

	if (terminal != NULL && strcmp(terminal, "dumb") == 0)
		return NULL;
	if (command != NULL)
		return *command == '\0' || strcmp(command, "cat") == 0
			   ? NULL
			   : command;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (pager_is_installed(usual[i]))
			return usual[i];
	return NULL;
}

/* ---- its process ---- */

static bool
pager_spawn(struct pager *pager, int fd)
{
	char *const words[] = { (char[]){ "sh" }, (char[]){ "-c" },
		(char *)(uintptr_t)pager->command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int failed;

	/* Colours pass; one screen needs no keys; the text stays behind. */
	setenv("LESS", "FRX", 0);
	setenv("LESSCHARSET", "utf-8", 0);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGPIPE);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return false;
	}
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	failed = posix_spawnp(
	    &pager->process, "/bin/sh", &actions, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (failed != 0)
		pager->process = 0;
	return failed == 0;
}

static bool
pager_write(struct pager *pager, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(pager->fd, bytes, length);

		if (written == -1 && errno == EINTR)
			continue;
		if (written == -1)
			return false;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

/* Without a pager all goes to the screen. */
static bool
pager_start(struct pager *pager)
{
	int ends[2];
	bool done;

	fflush(pager->screen);
	pager->fd = -1;
	if (pipe2(ends, O_CLOEXEC) == 0) {
		if (pager_spawn(pager, ends[0]))
			pager->fd = ends[1];
		else
			close(ends[1]);
		close(ends[0]);
	}
	if (pager->fd == -1) {
		pager->has_failed = true;
		pager->fd = dup(fileno(pager->screen));
	} else
		/* It is for the pager. */
		signal(SIGINT, SIG_IGN);
	done = pager_write(pager, pager->kept, pager->length);
	pager->length = 0;
	return done;
}

/* ---- what is printed ---- */

static void
pager_count(struct pager *pager, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n' || pager->columns == pager->width) {
			pager->rows++;
			pager->columns = 0;
		} else if (((unsigned char)bytes[i] & 0xc0) != 0x80)
			pager->columns++;
	}
}

static bool
pager_keep(struct pager *pager, const char *bytes, size_t length)
{
	size_t room = pager->room == 0 ? 8192 : pager->room;
	char *grown;

	while (room < pager->length + length)
		room *= 2;
	if (room > pager->room) {
		grown = realloc(pager->kept, room);
		if (grown == NULL)
			return false;
		pager->kept = grown;
		pager->room = room;
	}
	memcpy(pager->kept + pager->length, bytes, length);
	pager->length += length;
	pager_count(pager, bytes, length);
	return true;
}

static bool
pager_is_started(const struct pager *pager)
{
	return pager->fd != -1;
}

static ssize_t
pager_take(void *cookie, const char *bytes, size_t length)
{
	struct pager *pager = cookie;
	bool done;

	if (pager_is_started(pager))
		done = pager_write(pager, bytes, length);
	else {
		done = pager_keep(pager, bytes, length);
		/* The last row is the prompt's. */
		if (done && pager->rows >= pager->height)
			done = pager_start(pager);
	}
	return done ? (ssize_t)length : 0;
}

struct pager *
pager_begin(const struct ctl *ctl, struct ctl *paged_r)
{
	static const cookie_io_functions_t functions = { .write = pager_take };
	const char *command =
	    ctl->is_terminal && !ctl->json ? pager_command() : NULL;
	struct pager *pager;
	struct winsize size;

	*paged_r = *ctl;
	pager = command != NULL ? calloc(1, sizeof(*pager)) : NULL;
	if (pager == NULL)
		return NULL;
	pager->command = command;
	pager->screen = ctl->out;
	pager->fd = -1;
	pager->width = ctl->width;
	pager->height = HEIGHT;
	if (ioctl(fileno(ctl->out), TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
		pager->height = size.ws_row;
	pager->out = fopencookie(pager, "w", functions);
	if (pager->out == NULL) {
		free(pager);
		return NULL;
	}
	*paged_r = ctl_with_output(ctl, pager->out);
	return pager;
}

enum ctl_exit
pager_end(struct pager *pager, const struct ctl *ctl, enum ctl_exit code)
{
	int status = 0;

	if (pager == NULL)
		return code;
	fclose(pager->out);
	if (!pager_is_started(pager))
		fwrite(pager->kept, 1, pager->length, pager->screen);
	else
		close(pager->fd);
	if (pager->process != 0) {
		while (
		    waitpid(pager->process, &status, 0) == -1 && errno == EINTR)
			;
		signal(SIGINT, SIG_DFL);
	}
	if (WIFEXITED(status) &&
	    (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127)) {
		ctl_warn(ctl, "the pager \"%s\" cannot be run", pager->command);
		ctl_hint(ctl, "PAGER names another; PAGER=cat for none");
		if (code == CTL_OK)
			code = CTL_UNAVAILABLE;
	}
	free(pager->kept);
	free(pager);
	return code;
}
