#include "daemon/secret/starter.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log/log.h"
#include "daemon/secret/arguments.h"
#include "daemon/secret/environment.h"
#include "daemon/secret/spawn.h"
#include "daemon/secret/starter_list.h"
#include "daemon/secret/starter_wire.h"
#include "lib/base/array.h"

/* Far more than the system takes of arguments and variables. */
#define PAYLOAD_MAX ((size_t)16 * 1024 * 1024)
/* As the first thread of a process has it. */
#define STACK_SIZE ((size_t)8 * 1024 * 1024)

/* Of the process that asks. */
static struct {
	pthread_mutex_t mutex; /* a request and its answer */
	int fd;
	pid_t starter;
	bool runs_commands;
} asker = { .mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

/* ---- the process that starts: a command ---- */

struct start {
	char **arguments, **environment;
	const int *streams; /* input, output, errors */
	int failed;         /* where an errno goes; closed by the command */
};

static void
start_reset_signals(void)
{
	const struct sigaction by_default = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &by_default, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A session of its own: no terminal, and a process group of its own. */
static int
start_become_command(void *arg)
{
	const struct start *start = arg;
	int error;

	start_reset_signals();
	if (setsid() >= 0 && dup2(start->streams[0], STDIN_FILENO) >= 0 &&
	    dup2(start->streams[1], STDOUT_FILENO) >= 0 &&
	    dup2(start->streams[2], STDERR_FILENO) >= 0)
		(void)execvpe(
		    start->arguments[0], start->arguments, start->environment);
	error = errno;
	while (
	    write(start->failed, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(127);
}

/*
 * A child of our parent, on a stack that it has a copy of; made once.  -1 with
 * errno.
 */
static pid_t
start_child(int (*run)(void *arg), void *arg)
{
	static char *stack;
	void *made;

	if (stack == NULL) {
		made = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1,
		    0);
		if (made == MAP_FAILED)
			return -1;
		stack = made;
	}
	return (pid_t)clone(
	    run, stack + STACK_SIZE, CLONE_PARENT | SIGCHLD, arg);
}

/* A child of our parent, who waits for it.  Returns an errno, or 0. */
static int
start_clone(struct start *start, int32_t *pid_r)
{
	int failed[2], error = 0;
	pid_t pid;

	if (pipe2(failed, O_CLOEXEC) != 0)
		return errno;
	start->failed = failed[1];
	pid = start_child(start_become_command, start);
	if (pid < 0)
		error = errno;
	(void)close(failed[1]);
	/* What failed is a child all the same, for whoever asked to wait for.
	 */
	if (pid > 0 && !starter_wire_read(failed[0], &error, sizeof(error)))
		error = 0;
	(void)close(failed[0]);
	*pid_r = pid > 0 ? pid : 0;
	return error;
}

struct starter {
	int fd;
	secret_starter_serve serve;
	secret_starter_reader reader;
	const char *config_path;
	struct starter_list *list;
};

/* Only variables of ours: others say what the shell and its kin load. */
static bool
command_variables_are_ours(const char *const *variables)
{
	for (; *variables != NULL; variables++)
		if (strncmp(*variables, "EVPOP_", 6) != 0)
			return false;
	return true;
}

/* The strings behind the first; NULL without memory. */
static const char **
command_variables(const char *payload, size_t length)
{
	const char **variables = NULL, **grown;
	size_t count = 0, room = 0;
	const char *at = payload + strlen(payload) + 1;

	for (;; at += strlen(at) + 1) {
		grown =
		    evpop_array_grow(variables, count, &room, sizeof(*grown));
		if (grown == NULL) {
			free(variables);
			return NULL;
		}
		variables = grown;
		if (at >= payload + length)
			break;
		variables[count++] = at;
	}
	variables[count] = NULL;
	return variables;
}

static int
command_start(const struct starter *starter,
    const struct starter_request *request, const char *payload,
    const int streams[STARTER_STREAMS], int32_t *pid_r)
{
	const struct arguments_command command = { payload,
		request->kind == STARTER_RUN_WORDS, request->memory };
	const char **variables;
	struct start start = { .streams = streams };
	int error;

	if (!starter_list_has(starter->list, payload)) {
		log_write(LOG_LEVEL_ERROR, NULL,
		    "a command that the configuration does not have is not "
		    "started; where the files were changed meanwhile, reload "
		    "them");
		return EPERM;
	}
	variables = command_variables(payload, request->length);
	if (variables == NULL)
		return ENOMEM;
	error = command_variables_are_ours(variables) ? 0 : EPERM;
	if (error == 0) {
		start.arguments = arguments_make(&command, variables);
		error = start.arguments == NULL ? errno : 0;
	}
	if (error == 0) {
		start.environment = environment_make(variables);
		error = start.environment == NULL ? ENOMEM
						  : start_clone(&start, pid_r);
	}
	free(start.arguments);
	free(start.environment);
	free(variables);
	return error;
}

/* ---- the process that starts ---- */

/* A command without input gets an empty one. */
static int
starter_add_input(int streams[STARTER_STREAMS], size_t *stream_count)
{
	int empty;

	if (*stream_count != STARTER_STREAMS - 1)
		return *stream_count == STARTER_STREAMS ? 0 : EINVAL;
	empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (empty < 0)
		return errno;
	memmove(streams + 1, streams, *stream_count * sizeof(*streams));
	streams[0] = empty;
	*stream_count = STARTER_STREAMS;
	return 0;
}

/* False where who asks is gone. */
static bool
starter_run(const struct starter *starter,
    const struct starter_request *request, int streams[STARTER_STREAMS],
    size_t *stream_count)
{
	struct starter_answer answer = { .error = EINVAL };
	const size_t length = request->length;
	char *payload =
	    length > 0 && length <= PAYLOAD_MAX ? malloc(length) : NULL;
	bool is_there =
	    payload != NULL && starter_wire_read(starter->fd, payload, length);

	if (is_there && payload[length - 1] == '\0') {
		answer.error = starter_add_input(streams, stream_count);
		if (answer.error == 0)
			answer.error = command_start(
			    starter, request, payload, streams, &answer.pid);
	}
	free(payload);
	return is_there &&
	       starter_wire_write(starter->fd, &answer, sizeof(answer));
}

struct serving {
	secret_starter_serve serve;
	const int *streams;
};

/*
 * What others write to the log, or read, is not its own.  It ends as the
 * starter does, not by signals.
 */
static int
serving_run(void *arg)
{
	const struct serving *serving = arg;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	int first = fcntl(serving->streams[0], F_DUPFD_CLOEXEC, 16);
	int second = fcntl(serving->streams[1], F_DUPFD_CLOEXEC, 16);

	if (nothing >= 0 && first >= 0 && second >= 0 &&
	    dup2(nothing, STDIN_FILENO) >= 0 &&
	    dup2(nothing, STDOUT_FILENO) >= 0 &&
	    dup2(nothing, STDERR_FILENO) >= 0 &&
	    dup2(first, STDERR_FILENO + 1) >= 0 &&
	    dup2(second, STDERR_FILENO + 2) >= 0) {
		closefrom(STDERR_FILENO + 3);
		serving->serve(STDERR_FILENO + 1, STDERR_FILENO + 2);
	}
	_exit(0);
}

/* False where who asks is gone. */
static bool
starter_serve(
    const struct starter *starter, const int *streams, size_t stream_count)
{
	struct starter_answer answer = { .error = EINVAL };
	struct serving serving = { starter->serve, streams };

	if (stream_count == 2 && starter->serve != NULL) {
		answer.pid = start_child(serving_run, &serving);
		answer.error = answer.pid < 0 ? errno : 0;
	}
	return starter_wire_write(starter->fd, &answer, sizeof(answer));
}

static void
starter_close(const int *streams, size_t stream_count)
{
	for (size_t i = 0; i < stream_count; i++)
		(void)close(streams[i]);
}

static void
starter_loop(struct starter *starter)
{
	int streams[STARTER_STREAMS];
	size_t stream_count;
	struct starter_request request;
	bool goes_on = true;

	while (goes_on && starter_wire_receive(
			      starter->fd, &request, streams, &stream_count)) {
		if (request.kind == STARTER_RUN ||
		    request.kind == STARTER_RUN_WORDS)
			goes_on = starter_run(
			    starter, &request, streams, &stream_count);
		else if (request.kind == STARTER_SERVE)
			goes_on = starter_serve(starter, streams, stream_count);
		else if (starter->reader != NULL &&
			 !starter_list_renew(starter->list, starter->reader,
			     starter->config_path))
			log_write(LOG_LEVEL_ERROR, NULL,
			    "the commands of the configuration cannot be read "
			    "anew; those that were there before stay");
		starter_close(streams, stream_count);
	}
}

/*
 * It ends when its parent does, by the end of the socket, and not before: while
 * a service stops, its hooks still run.
 */
static void
starter_main(struct starter *starter)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT,
		SIGUSR1, SIGUSR2, SIGPIPE };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)sigaction(ignored[i], &ignore, NULL);
	(void)prctl(PR_SET_NAME, "evpopd-starter");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDNAMES");
	/* What systemd hands in is not for it to keep. */
	if (dup3(starter->fd, STDERR_FILENO + 1, O_CLOEXEC) >= 0 ||
	    errno == EINVAL) {
		starter->fd = STDERR_FILENO + 1;
		closefrom(STDERR_FILENO + 2);
	}
	starter->list = starter_list_new();
	if (starter->list != NULL)
		starter_loop(starter);
	_exit(0);
}

bool
secret_starter_begin(secret_starter_reader reader, const char *config_path,
    secret_starter_serve serve)
{
	struct starter starter = {
		.reader = reader, .config_path = config_path, .serve = serve
	};
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	asker.starter = fork();
	if (asker.starter == 0) {
		starter.fd = ends[1];
		starter_main(&starter);
	}
	(void)close(ends[1]);
	if (asker.starter < 0) {
		(void)close(ends[0]);
		return false;
	}
	asker.fd = ends[0];
	return true;
}

/* ---- the process that asks ---- */

static void
asker_lock(void)
{
	int failed = pthread_mutex_lock(&asker.mutex);

	assert(failed == 0);
	(void)failed;
}

static void
asker_unlock(void)
{
	(void)pthread_mutex_unlock(&asker.mutex);
}

bool
secret_starter_is_used(void)
{
	return asker.runs_commands;
}

void
secret_starter_renew(void)
{
	const struct starter_request request = { .kind = STARTER_RENEW };

	bool is_sent;

	asker_lock();
	asker.runs_commands = asker.fd >= 0;
	is_sent =
	    asker.fd < 0 || starter_wire_send(asker.fd, &request, NULL, 0);
	asker_unlock();
	if (!is_sent)
		log_write(LOG_LEVEL_ERROR, NULL,
		    "the process that starts commands has ended: restart "
		    "evpopd");
}

void
secret_starter_end(void)
{
	if (asker.fd < 0)
		return;
	(void)close(asker.fd);
	asker.fd = -1;
	asker.runs_commands = false;
	while (waitpid(asker.starter, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The command and the variables, each with a NUL; NULL without memory. */
static char *
run_payload(const struct secret_spawn *spawn, size_t *length_r)
{
	const char *const *variables = spawn->environment;
	size_t length = strlen(spawn->command) + 1;
	char *payload, *at;

	for (size_t i = 0; variables != NULL && variables[i] != NULL; i++)
		length += strlen(variables[i]) + 1;
	payload = malloc(length);
	if (payload == NULL)
		return NULL;
	at = stpcpy(payload, spawn->command) + 1;
	for (size_t i = 0; variables != NULL && variables[i] != NULL; i++)
		at = stpcpy(at, variables[i]) + 1;
	*length_r = length;
	return payload;
}

/* False if it is gone. */
static bool
asker_ask(const struct starter_request *request, const char *payload,
    const int *streams, size_t stream_count, struct starter_answer *answer_r)
{
	bool is_answered;

	asker_lock();
	is_answered =
	    starter_wire_send(asker.fd, request, streams, stream_count) &&
	    starter_wire_write(asker.fd, payload, request->length) &&
	    starter_wire_read(asker.fd, answer_r, sizeof(*answer_r));
	asker_unlock();
	return is_answered;
}

static int
run_ask(pid_t *pid_r, const struct starter_request *request,
    const char *payload, const int *streams, size_t stream_count)
{
	struct starter_answer answer;

	if (!asker_ask(request, payload, streams, stream_count, &answer)) {
		log_write(LOG_LEVEL_ERROR, NULL,
		    "the process that starts commands has ended: restart "
		    "evpopd");
		return EPIPE;
	}
	/* It never became a command. */
	if (answer.error != 0 && answer.pid > 0)
		(void)waitpid(answer.pid, NULL, 0);
	*pid_r = answer.pid;
	return answer.error;
}

bool
secret_starter_start(int first, int second, pid_t *pid_r)
{
	const struct starter_request request = { .kind = STARTER_SERVE };
	const int streams[] = { first, second };
	struct starter_answer answer;

	if (asker.fd < 0 || !asker_ask(&request, "", streams, 2, &answer))
		return false;
	*pid_r = answer.pid;
	errno = answer.error;
	return answer.error == 0;
}

int
secret_starter_run(pid_t *pid_r, const struct secret_spawn *spawn)
{
	const bool has_input = spawn->input >= 0;
	const int streams[STARTER_STREAMS] = { has_input ? spawn->input
							 : spawn->output,
		has_input ? spawn->output : spawn->errors, spawn->errors };
	struct starter_request request = {
		.kind = spawn->is_words ? STARTER_RUN_WORDS : STARTER_RUN,
		.memory = spawn->memory,
	};
	size_t length;
	char *payload = run_payload(spawn, &length);
	int error;

	if (payload == NULL)
		return ENOMEM;
	if (length > PAYLOAD_MAX) {
		free(payload);
		return E2BIG;
	}
	request.length = (uint32_t)length;
	error = run_ask(pid_r, &request, payload, streams,
	    has_input ? STARTER_STREAMS : STARTER_STREAMS - 1);
	free(payload);
	return error;
}
