#include "daemon/secret/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/secret/arguments.h"
#include "daemon/secret/environment.h"
#include "daemon/secret/starter.h"

extern char **environ;

static int
spawn_fill_attributes(posix_spawnattr_t *attributes)
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
spawn_fill_actions(
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

/* As posix_spawn(3) does it. */
static int
spawn_here(pid_t *pid_r, const struct secret_spawn *spawn, char **arguments,
    char **environment)
{
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
	error = spawn_fill_attributes(&attributes);
	if (error == 0)
		error = spawn_fill_actions(
		    &actions, spawn->input, spawn->output, spawn->errors);
	if (error == 0)
		error = posix_spawnp(pid_r, arguments[0], &actions, &attributes,
		    arguments, environment);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return error;
}

int
secret_spawn(pid_t *pid_r, const struct secret_spawn *spawn)
{
	const struct arguments_command command = { spawn->command,
		spawn->is_words, spawn->memory };
	char **arguments, **environment = NULL;
	int error = 0;

	if (secret_starter_is_used())
		return secret_starter_run(pid_r, spawn);
	arguments = arguments_make(&command, spawn->environment);
	if (arguments == NULL)
		return errno;
	if (spawn->environment != NULL) {
		environment = environment_make(spawn->environment);
		error = environment == NULL ? ENOMEM : 0;
	}
	if (error == 0)
		error = spawn_here(pid_r, spawn, arguments,
		    environment != NULL ? environment : environ);
	free(environment);
	free(arguments);
	return error;
}
