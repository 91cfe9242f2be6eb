#include "daemon/secret/child.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/secret/line.h"

/* Of standard error; what it begins with says what is wrong. */
#define ERRORS_MAX 512
/* Between two looks at a child on a system without pidfd_open(2). */
#define LOOK_INTERVAL_MS 20
/* Reads of a pipe in one turn of the loop, so that none can hold it. */
#define READS_PER_TURN 16

/* The reading end of one of the child's pipes, and what came out of it. */
struct outlet {
	struct secret_child *child;
	int fd; /* -1: at its end */
	struct event *event;
	char *bytes;
	size_t length, size;
	bool bounded; /* more than `size` ends the child; else it is dropped */
};

struct secret_child {
	struct event_base *base;
	pid_t pid;
	int pidfd;            /* -1: the system has none, and we look often */
	struct event *exited; /* the descriptor's, else a timer */
	struct event *deadline;
	int64_t farewell_ms; /* 0: it has none, or has had it */
	bool is_late;        /* it was told to end */
	struct outlet output, errors;
	secret_child_cb cb;
	void *arg;
	char error_bytes[ERRORS_MAX];
};

extern char **environ;

static void
outlet_close(struct outlet *outlet)
{
	if (outlet->event != NULL)
		event_free(outlet->event);
	outlet->event = NULL;
	if (outlet->fd >= 0)
		(void)close(outlet->fd);
	outlet->fd = -1;
}

/* Frees all but the process. */
static void
child_free(struct secret_child *child)
{
	outlet_close(&child->output);
	outlet_close(&child->errors);
	if (child->exited != NULL)
		event_free(child->exited);
	if (child->deadline != NULL)
		event_free(child->deadline);
	if (child->pidfd >= 0)
		(void)close(child->pidfd);
	sodium_free(child->output.bytes);
	sodium_memzero(child->error_bytes, sizeof(child->error_bytes));
	free(child);
}

static int
child_wait(const struct secret_child *child, siginfo_t *info, int options)
{
	*info = (siginfo_t){ 0 };
	if (child->pidfd >= 0)
		return waitid(
		    P_PIDFD, (id_t)child->pidfd, info, WEXITED | options);
	return waitid(P_PID, (id_t)child->pid, info, WEXITED | options);
}

static void
reap(evutil_socket_t pidfd, short what, void *arg)
{
	siginfo_t info;

	(void)what;
	(void)arg;
	(void)waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
	(void)close(pidfd);
}

/*
 * Kills the process group and leaves the reaping to the loop, for a process
 * may take its time to die.  The event needs nothing but the descriptor, so
 * that a loop that ends first leaves nothing behind.  Without a descriptor
 * there is nothing for it but to wait, which SIGKILL makes short.
 */
static void
kill_and_forget(struct secret_child *child)
{
	siginfo_t info;

	(void)kill(-child->pid, SIGKILL);
	if (child->exited != NULL)
		(void)event_del(child->exited);
	if (child_wait(child, &info, WNOHANG) != 0 || info.si_pid != 0)
		return;
	if (child->pidfd >= 0 && event_base_once(child->base, child->pidfd,
				     EV_READ, reap, NULL, NULL) == 0)
		child->pidfd = -1;
	else
		(void)child_wait(child, &info, 0);
}

/* Tells how it ended, and frees it; the process is reaped or forgotten. */
static void
finish(struct secret_child *child, enum secret_child_end end, int status)
{
	struct secret_child_result result = {
		.end = end,
		.status = status,
		.output = child->output.bytes,
		.output_length = child->output.length,
		.errors = child->errors.bytes,
		.errors_length = child->errors.length,
	};

	outlet_close(&child->output);
	outlet_close(&child->errors);
	(void)event_del(child->exited);
	(void)event_del(child->deadline);
	child->cb(&result, child->arg);
	child_free(child);
}

static void
kill_and_finish(struct secret_child *child, enum secret_child_end end)
{
	kill_and_forget(child);
	finish(child, end, 0);
}

/*
 * Takes what the pipe holds.  Returns false if that is too much.  At the end
 * of the stream, or when it cannot be read, the outlet is closed.
 */
static bool
outlet_read(struct outlet *outlet, int reads)
{
	char dropped[1024], *to;
	size_t room;
	ssize_t got;

	while (reads-- > 0 && outlet->fd >= 0) {
		to = outlet->bytes + outlet->length;
		room = outlet->size - outlet->length;
		if (room == 0) {
			to = dropped;
			room = sizeof(dropped);
		}
		got = read(outlet->fd, to, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			break;
		if (got <= 0) {
			outlet_close(outlet);
		} else if (to != dropped) {
			outlet->length += (size_t)got;
		} else {
			sodium_memzero(dropped, sizeof(dropped));
			if (outlet->bounded)
				return false;
		}
	}
	return true;
}

static void
on_output(evutil_socket_t fd, short what, void *arg)
{
	struct outlet *outlet = arg;

	(void)fd;
	(void)what;
	if (!outlet_read(outlet, READS_PER_TURN))
		kill_and_finish(outlet->child, SECRET_CHILD_TOO_MUCH);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct secret_child *child = arg;
	const struct timeval farewell = {
		.tv_sec = child->farewell_ms / 1000,
		.tv_usec = child->farewell_ms % 1000 * 1000,
	};

	(void)fd;
	(void)what;
	child->is_late = true;
	if (child->farewell_ms == 0 ||
	    event_add(child->deadline, &farewell) != 0) {
		kill_and_finish(child, SECRET_CHILD_TIMEOUT);
		return;
	}
	child->farewell_ms = 0;
	(void)kill(-child->pid, SIGTERM);
}

/*
 * The end of the shell is the end, not that of its output: a process that it
 * left in the background (an agent, say) may hold the pipes open for ever.
 */
static void
on_exit_seen(evutil_socket_t fd, short what, void *arg)
{
	struct secret_child *child = arg;
	siginfo_t info;
	int status;

	(void)fd;
	(void)what;
	if (child_wait(child, &info, WNOHANG) != 0) {
		finish(child, SECRET_CHILD_FAILED, 0);
		return;
	}
	if (info.si_pid == 0)
		return;
	status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0)
					    : W_EXITCODE(0, info.si_status);
	/* What the pipes still hold: a pipe has a bound of its own. */
	if (!outlet_read(&child->output, (int)SECRET_INPUT_MAX)) {
		finish(child, SECRET_CHILD_TOO_MUCH, 0);
		return;
	}
	(void)outlet_read(&child->errors, (int)ERRORS_MAX);
	finish(child,
	    child->is_late ? SECRET_CHILD_TIMEOUT : SECRET_CHILD_EXITED,
	    status);
}

static int
fill_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	int error;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	error = posix_spawnattr_setsigdefault(attributes, &all);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attributes, &none);
	if (error == 0)
		/* A session: no terminal, and a process group of its own. */
		error = posix_spawnattr_setflags(
		    attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
				    POSIX_SPAWN_SETSIGMASK);
	return error;
}

static int
fill_actions(
    posix_spawn_file_actions_t *actions, int input, int output, int errors)
{
	int error = input < 0 ? posix_spawn_file_actions_addopen(actions,
				    STDIN_FILENO, "/dev/null", O_RDONLY, 0)
			      : posix_spawn_file_actions_adddup2(
				    actions, input, STDIN_FILENO);

	if (error == 0)
		error = posix_spawn_file_actions_adddup2(
		    actions, output, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(
		    actions, errors, STDERR_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(
		    actions, STDERR_FILENO + 1);
	return error;
}

/* Whether a variable of ours is given anew. */
static bool
environment_is_given(const char *const *given, const char *variable)
{
	size_t length = strcspn(variable, "=");

	for (; *given != NULL; given++)
		if (strncmp(*given, variable, length) == 0 &&
		    (*given)[length] == '=')
			return true;
	return false;
}

/* Ours and what is given, for free(); NULL without memory. */
static char **
environment_make(const char *const *given)
{
	size_t count = 0, used = 0;
	char **all;

	while (environ[count] != NULL)
		count++;
	for (size_t i = 0; given[i] != NULL; i++)
		count++;
	all = calloc(count + 1, sizeof(*all));
	if (all == NULL)
		return NULL;
	for (size_t i = 0; environ[i] != NULL; i++)
		if (!environment_is_given(given, environ[i]))
			all[used++] = environ[i];
	for (size_t i = 0; given[i] != NULL; i++)
		all[used++] = (char *)(uintptr_t)given[i];
	return all;
}

/* The ends of the child's standard streams; -1: none. */
struct ends {
	int input, output, errors;
};

static int
spawn_with(pid_t *pid_r, const char *command, char **environment,
    const struct ends *ends)
{
	const char *const arguments[] = { "sh", "-c", "--", command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error;

	error = posix_spawnattr_init(&attributes);
	if (error != 0)
		return error;
	error = posix_spawn_file_actions_init(&actions);
	if (error != 0) {
		(void)posix_spawnattr_destroy(&attributes);
		return error;
	}
	error = fill_attributes(&attributes);
	if (error == 0)
		error = fill_actions(
		    &actions, ends->input, ends->output, ends->errors);
	if (error == 0)
		error = posix_spawn(pid_r, "/bin/sh", &actions, &attributes,
		    (char *const *)(uintptr_t)arguments, environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return error;
}

static int
spawn(pid_t *pid_r, const struct secret_child_options *options,
    const struct ends *ends)
{
	char **environment = NULL;
	int error;

	if (options->environment == NULL)
		return spawn_with(pid_r, options->command, environ, ends);
	environment = environment_make(options->environment);
	if (environment == NULL)
		return ENOMEM;
	error = spawn_with(pid_r, options->command, environment, ends);
	free(environment);
	return error;
}

static void
close_if_open(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/*
 * Opens the pipes and starts the shell; the outlets keep the reading ends.
 * The child's ends above the standard streams, or dup2 could overwrite one.
 */
static int
start_process(
    struct secret_child *child, const struct secret_child_options *options)
{
	int output[2] = { -1, -1 }, errors[2] = { -1, -1 }, error = 0;
	struct ends ends = { -1, -1, -1 };

	if (pipe2(output, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0)
		error = errno;
	child->output.fd = output[0];
	child->errors.fd = errors[0];
	if (error == 0) {
		ends.output = fcntl(output[1], F_DUPFD_CLOEXEC, 3);
		ends.errors = fcntl(errors[1], F_DUPFD_CLOEXEC, 3);
		if (options->input >= 0)
			ends.input = fcntl(options->input, F_DUPFD_CLOEXEC, 3);
		if (ends.output < 0 || ends.errors < 0 ||
		    (options->input >= 0 && ends.input < 0) ||
		    fcntl(output[0], F_SETFL, O_NONBLOCK) != 0 ||
		    fcntl(errors[0], F_SETFL, O_NONBLOCK) != 0)
			error = errno;
	}
	if (error == 0)
		error = spawn(&child->pid, options, &ends);
	if (error != 0)
		child->pid = -1;
	close_if_open(output[1]);
	close_if_open(errors[1]);
	close_if_open(ends.input);
	close_if_open(ends.output);
	close_if_open(ends.errors);
	return error;
}

static bool
watch(struct secret_child *child, int64_t timeout_ms)
{
	struct timeval timeout = { .tv_sec = timeout_ms / 1000,
		.tv_usec = timeout_ms % 1000 * 1000 };
	const struct timeval look = { 0, LOOK_INTERVAL_MS * 1000 };
	struct event_base *base = child->base;
	struct outlet *output = &child->output, *errors = &child->errors;

	output->event = event_new(
	    base, output->fd, EV_READ | EV_PERSIST, on_output, output);
	errors->event = event_new(
	    base, errors->fd, EV_READ | EV_PERSIST, on_output, errors);
	child->exited = event_new(base, child->pidfd,
	    EV_PERSIST | (child->pidfd >= 0 ? EV_READ : 0), on_exit_seen,
	    child);
	child->deadline = evtimer_new(base, on_deadline, child);
	return output->event != NULL && errors->event != NULL &&
	       child->exited != NULL && child->deadline != NULL &&
	       event_add(output->event, NULL) == 0 &&
	       event_add(errors->event, NULL) == 0 &&
	       event_add(child->exited, child->pidfd >= 0 ? NULL : &look) ==
		   0 &&
	       event_add(child->deadline, &timeout) == 0;
}

/* Zeroed but for its buffers; NULL without memory. */
static struct secret_child *
child_new(struct event_base *base, secret_child_cb cb, void *arg)
{
	struct secret_child *child = calloc(1, sizeof(*child));

	if (child == NULL)
		return NULL;
	child->base = base;
	child->pid = child->pidfd = -1;
	child->cb = cb;
	child->arg = arg;
	child->output = (struct outlet){ .child = child,
		.fd = -1,
		.bytes = sodium_malloc(SECRET_INPUT_MAX),
		.size = SECRET_INPUT_MAX,
		.bounded = true };
	child->errors = (struct outlet){ .child = child,
		.fd = -1,
		.bytes = child->error_bytes,
		.size = ERRORS_MAX };
	if (child->output.bytes == NULL) {
		free(child);
		return NULL;
	}
	return child;
}

struct secret_child *
secret_child_start(struct event_base *base,
    const struct secret_child_options *options, secret_child_cb cb, void *arg)
{
	struct secret_child *child = child_new(base, cb, arg);
	int error;

	if (child == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	child->farewell_ms = options->farewell_ms;
	child->output.bounded = !options->drops_output;
	error = start_process(child, options);
	if (error == 0) {
		child->pidfd = pidfd_open(child->pid, 0);
		if (!watch(child, options->timeout_ms)) {
			error = ENOMEM;
			kill_and_forget(child);
		}
	}
	if (error != 0) {
		child_free(child);
		errno = error;
		return NULL;
	}
	return child;
}

void
secret_child_kill(struct secret_child **child_p)
{
	struct secret_child *child = *child_p;

	if (child == NULL)
		return;
	kill_and_forget(child);
	child_free(child);
	*child_p = NULL;
}
