#include "daemon/secret/child.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/secret/line.h"
#include "daemon/secret/spawn.h"
#include "lib/base/clock.h"
#include "lib/base/guarded.h"

/* Of standard error; what it begins with says what is wrong. */
#define ERRORS_MAX 512
/* Of standard output; a password is shorter, a long token is not. */
#define OUTPUT_FIRST SECRET_CHILD_OUTPUT_LEAST
_Static_assert(SECRET_INPUT_MAX % OUTPUT_FIRST == 0, "it is met by doubling");
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
	size_t most;  /* it grows up to this; guarded memory is scarce */
	bool bounded; /* more than that ends the child; else it is dropped */
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
	struct secret_spawn spawn; /* its own ends of the pipes: -1: closed */
	int64_t timeout_ms;
	secret_child_cb cb;
	void *arg;
	char error_bytes[ERRORS_MAX];
};

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

static void
close_if_open(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Frees all but the process. */
static void
child_free(struct secret_child *child)
{
	outlet_close(&child->output);
	outlet_close(&child->errors);
	close_if_open(&child->spawn.input);
	close_if_open(&child->spawn.output);
	close_if_open(&child->spawn.errors);
	if (child->exited != NULL)
		event_free(child->exited);
	if (child->deadline != NULL)
		event_free(child->deadline);
	if (child->pidfd >= 0)
		(void)close(child->pidfd);
	evpop_guarded_free(child->output.bytes);
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

/* Room for more, where there may be any; false without memory. */
static bool
outlet_grow(struct outlet *outlet)
{
	char *bytes;

	if (outlet->length < outlet->size || outlet->size == outlet->most)
		return true;
	bytes = evpop_guarded_alloc(outlet->size * 2);
	if (bytes == NULL)
		return false;
	memcpy(bytes, outlet->bytes, outlet->length);
	evpop_guarded_free(outlet->bytes);
	outlet->bytes = bytes;
	outlet->size *= 2;
	return true;
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
		if (!outlet_grow(outlet))
			return false;
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
	const struct timeval farewell = evpop_clock_wait(child->farewell_ms);

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

/*
 * Opens the pipes; the outlets keep the reading ends.  The child's ends lie
 * above the standard streams, or dup2 could overwrite one.
 */
static int
open_pipes(
    struct secret_child *child, const struct secret_child_options *options)
{
	struct secret_spawn *spawn = &child->spawn;
	int output[2] = { -1, -1 }, errors[2] = { -1, -1 }, error = 0;

	if (pipe2(output, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0)
		error = errno;
	child->output.fd = output[0];
	child->errors.fd = errors[0];
	if (error == 0) {
		spawn->output = fcntl(output[1], F_DUPFD_CLOEXEC, 3);
		spawn->errors = fcntl(errors[1], F_DUPFD_CLOEXEC, 3);
		if (options->input >= 0)
			spawn->input =
			    fcntl(options->input, F_DUPFD_CLOEXEC, 3);
		if (spawn->output < 0 || spawn->errors < 0 ||
		    (options->input >= 0 && spawn->input < 0) ||
		    fcntl(output[0], F_SETFL, O_NONBLOCK) != 0 ||
		    fcntl(errors[0], F_SETFL, O_NONBLOCK) != 0)
			error = errno;
	}
	close_if_open(&output[1]);
	close_if_open(&errors[1]);
	return error;
}

static bool
watch(struct secret_child *child)
{
	const struct timeval timeout = evpop_clock_wait(child->timeout_ms);
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
	child->spawn.input = child->spawn.output = child->spawn.errors = -1;
	child->cb = cb;
	child->arg = arg;
	child->output = (struct outlet){ .child = child,
		.fd = -1,
		.bytes = evpop_guarded_alloc(OUTPUT_FIRST),
		.size = OUTPUT_FIRST,
		.most = SECRET_INPUT_MAX,
		.bounded = true };
	child->errors = (struct outlet){ .child = child,
		.fd = -1,
		.bytes = child->error_bytes,
		.size = ERRORS_MAX,
		.most = ERRORS_MAX };
	if (child->output.bytes == NULL) {
		free(child);
		return NULL;
	}
	return child;
}

struct secret_child *
secret_child_prepare(struct event_base *base,
    const struct secret_child_options *options, secret_child_cb cb, void *arg)
{
	struct secret_child *child = child_new(base, cb, arg);
	int error;

	if (child == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	child->farewell_ms = options->farewell_ms;
	child->timeout_ms = options->timeout_ms;
	child->output.bounded = !options->drops_output;
	if (options->output_most != 0)
		child->output.most = options->output_most;
	child->spawn.command = options->command;
	child->spawn.is_words = options->is_words;
	child->spawn.memory = options->memory;
	child->spawn.environment = options->environment;
	error = open_pipes(child, options);
	if (error == 0)
		return child;
	child_free(child);
	errno = error;
	return NULL;
}

int
secret_child_spawn(struct secret_child *child)
{
	int error = secret_spawn(&child->pid, &child->spawn);

	if (error != 0)
		child->pid = -1;
	else
		child->pidfd = pidfd_open(child->pid, 0);
	close_if_open(&child->spawn.input);
	close_if_open(&child->spawn.output);
	close_if_open(&child->spawn.errors);
	return error;
}

int
secret_child_watch(struct secret_child *child)
{
	if (watch(child))
		return 0;
	kill_and_forget(child);
	child_free(child);
	return ENOMEM;
}

void
secret_child_abandon(struct secret_child **child_p)
{
	struct secret_child *child = *child_p;
	siginfo_t info;

	*child_p = NULL;
	if (child == NULL)
		return;
	if (child->pid > 0) {
		(void)kill(-child->pid, SIGKILL);
		(void)child_wait(child, &info, 0);
	}
	child_free(child);
}

struct secret_child *
secret_child_start(struct event_base *base,
    const struct secret_child_options *options, secret_child_cb cb, void *arg)
{
	struct secret_child *child =
	    secret_child_prepare(base, options, cb, arg);
	int error;

	if (child == NULL)
		return NULL;
	error = secret_child_spawn(child);
	if (error != 0)
		secret_child_abandon(&child);
	else
		error = secret_child_watch(child);
	if (error == 0)
		return child;
	errno = error;
	return NULL;
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
