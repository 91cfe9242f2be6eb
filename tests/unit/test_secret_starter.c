/*
 * The process that starts commands: what it starts is a child of the process
 * that asks and what that asked for, and it starts nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/secret/secret.h"
#include "daemon/secret/spawn.h"
#include "daemon/secret/starter.h"

/* What the configuration says: a file with a line for each command. */
static char file[] = "/tmp/evpop-starter-XXXXXX";

static void
configure(const char *commands)
{
	int fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(
	    write(fd, commands, strlen(commands)), (ssize_t)strlen(commands));
	assert_int_equal(close(fd), 0);
}

static bool
list_commands(int fd, const char *path)
{
	char line[65536];
	FILE *from = fopen(path, "re");
	bool is_whole = from != NULL;

	while (from != NULL && fgets(line, sizeof(line), from) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "broken") == 0)
			is_whole = false;
		else if (write(fd, line, strlen(line) + 1) < 0)
			is_whole = false;
	}
	if (from != NULL)
		(void)fclose(from);
	return is_whole;
}

static int
set_up(void **state)
{
	int fd;

	(void)state;
	strcpy(file, "/tmp/evpop-starter-XXXXXX");
	fd = mkstemp(file);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_true(secret_init());
	assert_false(secret_starter_is_used());
	assert_true(secret_starter_begin(list_commands, file, NULL));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	secret_starter_end();
	assert_false(secret_starter_is_used());
	assert_int_equal(unlink(file), 0);
	/* No child is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

struct ran {
	int error, status;
	char output[4096];
};

static void
run_as(struct ran *ran, struct secret_spawn spawn)
{
	size_t length = 0;
	ssize_t got;
	int output[2];
	pid_t pid = 0;

	*ran = (struct ran){ .status = -1 };
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	spawn.output = spawn.errors = output[1];
	ran->error = secret_spawn(&pid, &spawn);
	assert_int_equal(close(output[1]), 0);
	while ((got = read(output[0], ran->output + length,
		    sizeof(ran->output) - 1 - length)) > 0)
		length += (size_t)got;
	assert_int_equal(close(output[0]), 0);
	if (ran->error == 0)
		assert_int_equal(waitpid(pid, &ran->status, 0), pid);
}

static void
run(struct ran *ran, const char *command, const char *const *environment,
    int input)
{
	run_as(ran, (struct secret_spawn){ .command = command,
			.environment = environment,
			.input = input });
}

static void
test_runs(void **state)
{
	struct ran ran;
	int input;

	(void)state;
	configure("cat; echo $PPID >&2; exit 7\nenv | grep ^EVPOP_ | sort\n"
		  "ls -l /proc/self/fd | grep -c socket\n"
		  "kill -TERM $$\n");
	secret_starter_renew();
	input = open(file, O_RDONLY | O_CLOEXEC);
	assert_true(input >= 0);
	run(&ran, "cat; echo $PPID >&2; exit 7", NULL, input);
	assert_int_equal(close(input), 0);
	assert_int_equal(ran.error, 0);
	assert_true(WIFEXITED(ran.status));
	assert_int_equal(WEXITSTATUS(ran.status), 7);
	/* What it read, and that it is our child. */
	assert_memory_equal(ran.output, "cat; echo", 9);
	assert_int_equal(
	    atoi(strstr(ran.output, "kill -TERM $$\n") + 14), getpid());
	/* Without input it is empty. */
	run(&ran, "cat; echo $PPID >&2; exit 7", NULL, -1);
	assert_int_equal(atoi(ran.output), getpid());
	run(&ran, "ls -l /proc/self/fd | grep -c socket", NULL, -1);
	assert_string_equal(ran.output, "0\n");
	run(&ran, "kill -TERM $$", NULL, -1);
	assert_true(WIFSIGNALED(ran.status));
	assert_int_equal(WTERMSIG(ran.status), SIGTERM);
}

/* Without a shell; and with a limit of memory, which a shell sets. */
static void
test_words(void **state)
{
	static const char words[] = "printf '%s|' {id} $HOME `id`";
	static const char missing[] = "/nowhere/at/all {id}";
	static const char limited[] = "sh -c 'ulimit -v'";
	const char *const variables[] = { "EVPOP_ID=x y", NULL };
	struct secret_spawn spawn = {
		.environment = variables, .input = -1, .is_words = true
	};
	struct ran ran;

	(void)state;
	configure("printf '%s|' {id} $HOME `id`\n/nowhere/at/all {id}\n"
		  "sh -c 'ulimit -v'\n");
	secret_starter_renew();
	spawn.command = words;
	run_as(&ran, spawn);
	assert_int_equal(ran.error, 0);
	assert_string_equal(ran.output, "x y|$HOME|`id`|");
	spawn.command = missing;
	run_as(&ran, spawn);
	assert_int_equal(ran.error, ENOENT);
	spawn.command = limited;
	spawn.memory = (uint64_t)512 * 1024 * 1024;
	run_as(&ran, spawn);
	assert_string_equal(ran.output, "524288\n");
	spawn.is_words = false;
	run_as(&ran, spawn);
	assert_string_equal(ran.output, "524288\n");
	/* What is not in the configuration is started in no way. */
	spawn.command = "printf x";
	spawn.is_words = true;
	run_as(&ran, spawn);
	assert_int_equal(ran.error, EPERM);
}

static void
test_variables(void **state)
{
	static const char *const given[] = { "EVPOP_TEXT=a  b\nEVPOP_X=c",
		"EVPOP_COUNT=", NULL };
	static const char *const loads[] = { "EVPOP_TEXT=a",
		"LD_PRELOAD=/tmp/evil.so", NULL };
	struct ran ran;

	(void)state;
	configure("env | grep ^EVPOP_ | sort; echo \"$HOME\"\n");
	secret_starter_renew();
	assert_int_equal(setenv("EVPOP_COUNT", "7", 1), 0);
	run(&ran, "env | grep ^EVPOP_ | sort; echo \"$HOME\"", given, -1);
	assert_int_equal(unsetenv("EVPOP_COUNT"), 0);
	assert_int_equal(ran.error, 0);
	assert_non_null(strstr(ran.output, "EVPOP_TEXT=a  b\n"));
	assert_non_null(strstr(ran.output, "EVPOP_COUNT=\n"));
	assert_non_null(strstr(ran.output, getenv("HOME")));
	run(&ran, "env | grep ^EVPOP_ | sort; echo \"$HOME\"", loads, -1);
	assert_int_equal(ran.error, EPERM);
	assert_string_equal(ran.output, "");
}

static void
test_only_what_is_configured(void **state)
{
	static char longest[32 * 1024];
	struct ran ran;

	(void)state;
	/* It has read that there are none, before there is one. */
	secret_starter_renew();
	run(&ran, "echo one", NULL, -1);
	assert_int_equal(ran.error, EPERM);
	configure("echo one\n");
	run(&ran, "echo one", NULL, -1);
	assert_int_equal(ran.error, EPERM);
	secret_starter_renew();
	run(&ran, "echo one", NULL, -1);
	assert_int_equal(ran.error, 0);
	assert_string_equal(ran.output, "one\n");
	run(&ran, "echo one; rm x", NULL, -1);
	assert_int_equal(ran.error, EPERM);
	run(&ran, "echo", NULL, -1);
	assert_int_equal(ran.error, EPERM);
	run(&ran, "", NULL, -1);
	assert_int_equal(ran.error, EPERM);
	/* What cannot be read leaves what was there. */
	configure("echo two\nbroken\n");
	secret_starter_renew();
	run(&ran, "echo one", NULL, -1);
	assert_int_equal(ran.error, 0);
	run(&ran, "echo two", NULL, -1);
	assert_int_equal(ran.error, EPERM);
	(void)snprintf(longest, sizeof(longest), "echo %*s", 30000, "three");
	configure(longest);
	secret_starter_renew();
	run(&ran, "echo one", NULL, -1);
	assert_int_equal(ran.error, EPERM);
	run(&ran, longest, NULL, -1);
	assert_int_equal(ran.error, 0);
	assert_string_equal(ran.output, "three\n");
	configure("");
	secret_starter_renew();
	run(&ran, longest, NULL, -1);
	assert_int_equal(ran.error, EPERM);
}

/* The system takes no argument of 128 KiB. */
static void
test_cannot_become_a_shell(void **state)
{
	static char longest[200 * 1024];
	const char *variables[] = { longest, NULL };
	struct ran ran;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	memcpy(longest, "EVPOP_X=", 8);
	configure("echo one\n");
	secret_starter_renew();
	run(&ran, "echo one", variables, -1);
	assert_int_equal(ran.error, E2BIG);
	run(&ran, "echo one", NULL, -1);
	assert_int_equal(ran.error, 0);
}

/* Its pid, from what the system knows of our children. */
static pid_t
starter_pid(void)
{
	char path[64], text[64] = "";
	int fd;
	ssize_t got;

	(void)snprintf(
	    path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	got = read(fd, text, sizeof(text) - 1);
	assert_true(got > 0);
	assert_int_equal(close(fd), 0);
	return atoi(text);
}

static void
test_it_ends_with_us_alone(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	pid_t pid = starter_pid();
	struct ran ran;

	(void)state;
	configure("trap\n");
	secret_starter_renew();
	/* First it is asked, so that it is there to be told. */
	run(&ran, "trap", NULL, -1);
	assert_int_equal(ran.error, 0);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		assert_int_equal(kill(pid, signals[i]), 0);
	run(&ran, "trap", NULL, -1);
	assert_int_equal(ran.error, 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	/* Until then a request may still be taken, and not be answered. */
	run(&ran, "trap", NULL, -1);
	assert_true(ran.error == EPIPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_variables, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_only_what_is_configured, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_cannot_become_a_shell, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_it_ends_with_us_alone, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
