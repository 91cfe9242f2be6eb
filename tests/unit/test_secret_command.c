/*
 * Secrets that a command prints: what becomes of its output, its errors, its
 * signals, and of those that do not end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/secret/secret.h"

#define LONG_MS 60000

struct answer {
	struct secret *secret;
	char error[2048];
	int count;
};

static int
set_up(void **state)
{
	assert_true(secret_init());
	*state = event_base_new();
	return *state == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	event_base_free(*state);
	return 0;
}

static void
take(struct secret *secret, const char *error, void *arg)
{
	struct answer *answer = arg;

	answer->count++;
	answer->secret = secret;
	if (error != NULL)
		(void)snprintf(
		    answer->error, sizeof(answer->error), "%s", error);
}

static struct secret_request *
begin(struct event_base *base, const char *command, int64_t timeout_ms,
    struct answer *answer)
{
	const struct secret_source source = { .kind = SECRET_COMMAND,
		.value = command };
	struct secret_request *request;

	*answer = (struct answer){ 0 };
	request = secret_fetch(base, &source, timeout_ms, take, answer);
	assert_non_null(request);
	assert_int_equal(answer->count, 0);
	return request;
}

static void
fetch(struct event_base *base, const char *command, int64_t timeout_ms,
    struct answer *answer)
{
	(void)begin(base, command, timeout_ms, answer);
	assert_true(event_base_dispatch(base) >= 0);
	assert_int_equal(answer->count, 1);
}

static void
test_output(void **state)
{
	static const struct {
		const char *command, *secret, *error;
	} rows[] = {
		{ "echo secret", "secret", NULL },
		{ "printf ' s p '", " s p ", NULL },
		{ "printf 'one\\r\\ntwo\\n'", "one", NULL },
		{ "echo pw; echo note >&2", "pw", NULL },
		{ "printf 'a'; sleep 0.05; printf 'b'", "ab", NULL },
		/* An agent left behind holds the pipes, and is no reason. */
		{ "sleep 0.5 & echo pw", "pw", NULL },
		{ "exec >&-; sleep 0.05; exit 3", NULL,
		    "password_command failed (exit status 3)" },
		{ "true", NULL,
		    "password_command: the first line is empty; expected the "
		    "password" },
		{ "echo; echo pw", NULL,
		    "password_command: the first line is empty; expected the "
		    "password" },
		{ "printf 'a\\0b\\n'", NULL,
		    "password_command: the first line contains a NUL or a "
		    "carriage return, which no password can" },
		{ "echo secret; printf 'no \\033[1mkey\\n\\nsorry\\n' >&2; "
		  "exit 7",
		    NULL,
		    "password_command failed (exit status 7): no ?[1mkey; "
		    "sorry" },
		{ "kill -TERM $$", NULL,
		    "password_command failed (signal 15, Terminated)" },
		{ "yes", NULL,
		    "password_command printed more than 65536 bytes" },
		{ "yes | head -c 65536", "y", NULL },
		/* Some programs begin what they print with a mark. */
		{ "printf '\\357\\273\\277pw\\r\\n'", "pw", NULL },
		{ "yes | head -c 65537", NULL,
		    "password_command printed more than 65536 bytes" },
		/* Standard error may be as long as it likes. */
		{ "yes | head -c 300000 >&2; echo pw", "pw", NULL },
	};
	struct answer answer;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fetch(*state, rows[i].command, LONG_MS, &answer);
		if (rows[i].secret != NULL) {
			assert_string_equal(answer.error, "");
			assert_string_equal(
			    secret_text(answer.secret), rows[i].secret);
		} else {
			assert_null(answer.secret);
			assert_string_equal(answer.error, rows[i].error);
		}
		secret_free(&answer.secret);
	}
}

/* What is in memory that is given back. */
static const char *forbidden;
static size_t freed_with_it;

void __real_free(void *);
void __wrap_free(void *);

void
__wrap_free(void *memory)
{
	if (memory != NULL && forbidden != NULL &&
	    memmem(memory, malloc_usable_size(memory), forbidden,
		strlen(forbidden)) != NULL)
		freed_with_it++;
	__real_free(memory);
}

/* Neither of its outputs stays in memory; no command has these words. */
static void
test_outputs_are_wiped(void **state)
{
	static const struct {
		const char *command, *forbidden;
	} rows[] = {
		{ "w=orange; echo $w-$w", "orange-orange" },
		{ "echo pw; w=orange; echo $w-$w >&2", "orange-orange" },
	};
	struct answer answer;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		forbidden = rows[i].forbidden;
		freed_with_it = 0;
		fetch(*state, rows[i].command, LONG_MS, &answer);
		assert_non_null(answer.secret);
		secret_free(&answer.secret);
		forbidden = NULL;
		assert_int_equal(freed_with_it, 0);
	}
}

/* Nobody looks for a password where a token fails. */
static void
test_token_is_no_password(void **state)
{
	static const struct {
		const char *command, *error;
	} rows[] = {
		{ "echo token", NULL },
		{ "exit 3", "token_command failed (exit status 3)" },
		{ "kill -TERM $$",
		    "token_command failed (signal 15, Terminated)" },
		{ "yes", "token_command printed more than 65536 bytes" },
		{ "true",
		    "token_command: the first line is empty; expected the "
		    "token" },
		{ "printf 'a\\0b\\n'",
		    "token_command: the first line contains a NUL or a "
		    "carriage return, which no token can" },
	};
	struct answer answer;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct secret_source source = {
			.kind = SECRET_TOKEN_COMMAND, .value = rows[i].command
		};

		answer = (struct answer){ 0 };
		assert_non_null(
		    secret_fetch(*state, &source, LONG_MS, take, &answer));
		assert_true(event_base_dispatch(*state) >= 0);
		assert_int_equal(answer.count, 1);
		if (rows[i].error == NULL)
			assert_string_equal(
			    secret_text(answer.secret), "token");
		else
			assert_string_equal(answer.error, rows[i].error);
		secret_free(&answer.secret);
	}
}

static void
test_surroundings(void **state)
{
	static const struct {
		const char *command, *secret;
	} rows[] = {
		/* Standard input is at its end. */
		{ "cat; echo end", "end" },
		/* No terminal. */
		{ "if (: </dev/tty) 2>/dev/null; then echo tty; else echo "
		  "none; fi",
		    "none" },
		/* The shell leads a session. */
		{ "cut -d' ' -f6 /proc/$$/stat | grep -qx $$ && echo leads",
		    "leads" },
		/* What is blocked or ignored here is not there. */
		{ "grep -E '^Sig(Blk|Ign):' /proc/$$/status | cut -f2 | sort "
		  "-u",
		    "0000000000000000" },
		/* What is open here, and not closed by exec, is not there. */
		{ "if [ -e /proc/$$/fd/57 ]; then echo open; else echo closed; "
		  "fi",
		    "closed" },
	};
	int leaked = dup2(STDERR_FILENO, 57);
	sigset_t blocked, before;
	struct answer answer;

	assert_int_equal(leaked, 57);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, &before), 0);
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fetch(*state, rows[i].command, LONG_MS, &answer);
		assert_string_equal(answer.error, "");
		assert_string_equal(secret_text(answer.secret), rows[i].secret);
		secret_free(&answer.secret);
	}
	assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	(void)close(leaked);
}

/* Whether a process is gone; waits for it up to ten seconds. */
static bool
is_gone(pid_t pid)
{
	const struct timespec pause = { 0, 10 * 1000 * 1000 };
	char path[64], state = 'X';
	FILE *file;

	for (int i = 0; i < 6000; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		file = fopen(path, "r");
		if (file == NULL)
			return true;
		if (fscanf(file, "%*d %*s %c", &state) != 1)
			state = 'X';
		(void)fclose(file);
		/* Whose parent does not wait for it has ended as well. */
		if (state == 'Z' || state == 'X')
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

static pid_t
read_pid(const char *path)
{
	const struct timespec pause = { 0, 10 * 1000 * 1000 };
	int pid = 0;
	FILE *file;

	for (int i = 0; i < 6000 && pid == 0; i++) {
		file = fopen(path, "r");
		if (file != NULL) {
			if (fscanf(file, "%d\n", &pid) != 1)
				pid = 0;
			(void)fclose(file);
		}
		if (pid == 0)
			(void)nanosleep(&pause, NULL);
	}
	assert_true(pid > 0);
	return pid;
}

/* A command whose own child tells its number and sleeps. */
static void
make_sleeper(char *path, char *command, size_t size)
{
	int fd;

	strcpy(path, "/tmp/evpop-sleeper-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)close(fd);
	(void)snprintf(command, size,
	    "trap '' TERM HUP; sh -c 'echo $$ >%s; exec sleep 600'; echo pw",
	    path);
}

static void
no_children_left(struct event_base *base)
{
	/* What was killed is reaped from the loop. */
	assert_true(event_base_dispatch(base) >= 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
test_deadline_kills_the_group(void **state)
{
	char path[64], command[256];
	struct answer answer;
	pid_t pid;

	make_sleeper(path, command, sizeof(command));
	(void)begin(*state, command, 1000, &answer);
	/* It sleeps, however long it took to start; the loop turns only now. */
	pid = read_pid(path);
	assert_true(event_base_dispatch(*state) >= 0);
	assert_int_equal(answer.count, 1);
	assert_null(answer.secret);
	assert_string_equal(
	    answer.error, "password_command did not finish within 1000 ms");
	assert_true(is_gone(pid));
	no_children_left(*state);
	assert_int_equal(unlink(path), 0);
}

static void
test_cancel_kills_the_group(void **state)
{
	char path[64], command[256];
	struct secret_request *request;
	struct answer answer;
	pid_t pid;

	make_sleeper(path, command, sizeof(command));
	request = begin(*state, command, LONG_MS, &answer);
	pid = read_pid(path);
	secret_cancel(&request);
	assert_null(request);
	assert_true(is_gone(pid));
	no_children_left(*state);
	assert_int_equal(answer.count, 0);
	assert_int_equal(unlink(path), 0);
}

/* Waiting by others for their own children, and ours, do not mix. */
static void
test_leaves_other_children_alone(void **state)
{
	struct answer answer;
	pid_t other = fork();
	int status;

	if (other == 0)
		_exit(5);
	assert_true(other > 0);
	fetch(*state, "sleep 0.05; echo pw", LONG_MS, &answer);
	assert_non_null(answer.secret);
	secret_free(&answer.secret);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(WEXITSTATUS(status), 5);
}

static void
test_children_not_waited_for(void **state)
{
	struct answer answer;

	/* The system itself reaps: the status is lost, and this is told. */
	assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	fetch(*state, "echo pw", LONG_MS, &answer);
	assert_true(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	assert_null(answer.secret);
	assert_non_null(strstr(answer.error, "its exit status was lost"));
}

static void
test_many_at_once(void **state)
{
	enum {
		COUNT = 20
	};
	struct answer answers[COUNT];
	char command[64], expected[32];

	for (int i = 0; i < COUNT; i++) {
		(void)snprintf(
		    command, sizeof(command), "sleep 0.05; echo pw%d", i);
		(void)begin(*state, command, LONG_MS, &answers[i]);
	}
	assert_true(event_base_dispatch(*state) >= 0);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(answers[i].count, 1);
		(void)snprintf(expected, sizeof(expected), "pw%d", i);
		assert_string_equal(secret_text(answers[i].secret), expected);
		secret_free(&answers[i].secret);
	}
	no_children_left(*state);
}

static int
count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

static void
test_no_descriptor_left(void **state)
{
	int before = count_descriptors();
	struct secret_request *request;
	struct answer answer;

	fetch(*state, "echo pw", LONG_MS, &answer);
	secret_free(&answer.secret);
	request = begin(*state, "sleep 600", LONG_MS, &answer);
	secret_cancel(&request);
	no_children_left(*state);
	assert_int_equal(count_descriptors(), before);
}

/* From now on pidfd_open(2) fails, as it does on systems before it. */
static bool
forbid_pidfd(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
	       syscall(SYS_pidfd_open, getpid(), 0) == -1 && errno == ENOSYS;
}

/* In a process of its own: 0, or the number of the step that failed. */
static int
work_without_pidfd(struct event_base *base)
{
	const struct secret_source prints = { .kind = SECRET_COMMAND,
		.value = "sleep 0.1; echo pw" };
	const struct secret_source sleeps = { .kind = SECRET_COMMAND,
		.value = "sleep 600" };
	struct secret_request *request;
	struct answer answer = { 0 };

	if (!forbid_pidfd())
		return 77;
	if (secret_fetch(base, &prints, LONG_MS, take, &answer) == NULL)
		return 1;
	(void)event_base_dispatch(base);
	if (answer.count != 1 || answer.secret == NULL ||
	    strcmp(secret_text(answer.secret), "pw") != 0)
		return 2;
	secret_free(&answer.secret);
	if (secret_fetch(base, &sleeps, 100, take, &answer) == NULL)
		return 3;
	(void)event_base_dispatch(base);
	if (answer.count != 2 || strstr(answer.error, "100 ms") == NULL)
		return 4;
	request = secret_fetch(base, &sleeps, LONG_MS, take, &answer);
	secret_cancel(&request);
	(void)event_base_dispatch(base);
	if (answer.count != 2)
		return 5;
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 6;
}

static void
test_without_pidfd(void **state)
{
	pid_t worker;
	int status;

	assert_int_equal(fflush(NULL), 0);
	worker = fork();
	if (worker == 0) {
		if (event_reinit(*state) != 0)
			_exit(7);
		_exit(work_without_pidfd(*state));
	}
	assert_true(worker > 0);
	assert_int_equal(waitpid(worker, &status, 0), worker);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_output, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_outputs_are_wiped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_token_is_no_password, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_surroundings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_deadline_kills_the_group, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_cancel_kills_the_group, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_leaves_other_children_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_children_not_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_many_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_no_descriptor_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_without_pidfd, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
