/*
 * evpopctl as people run it, against the real API over a store and a poller
 * of straw in a process of their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test_ctl_daemon.h"

/* What is printed and how it ends, for commands that need no more. */
static void
test_commands(void **state)
{
	static const struct {
		const char *line;
		int code;
		const char *wanted, *unwanted;
	} cases[] = {
		{ "status", 1, "Accounts       5, 0 failing\n", "\033" },
		{ "accounts", 0, "work", "\033" },
		{ "accounts", 0,
		    "failing since 1970-01-01T00:00:02.000Z, connection "
		    "refused",
		    NULL },
		{ "account weak", 0, "State          failing\n", NULL },
		{ "account weak", 0,
		    "Failing        since 1970-01-01T00:00:02.000Z\n", NULL },
		{ "account weak", 0, "What to do     correct weak\n", NULL },
		{ "account weak", 0, "Failures       4 in a row\n", NULL },
		{ "account work", 0, "Server         pop.example.org", NULL },
		{ "account nobody", 66, "there is no account \"nobody\"",
		    NULL },
		{ "messages --limit 2", 0,
		    "\xef\xbf\xbd]0;evil\xef\xbf\xbd gr\xc3\xbc\xc3\x9f",
		    "\033" },
		{ "messages --account nobody", 0, "ACCOUNT", NULL },
		{ "messages --since never", 64, "invalid since \"never\"",
		    NULL },
		{ "messages --limit 0", 64, "bad --limit", NULL },
		{ "messages --all --limit 3", 64, "either", NULL },
		{ "messages --al --limit 3", 64, "either", NULL },
		{ "messages --acount x", 64, "did you mean \"--account\"?",
		    NULL },
		{ "messages --jason", 64, "did you mean \"--json\"?", NULL },
		{ "raw --passphrase-fdd 3", 64,
		    "did you mean \"--passphrase-fd\"?", NULL },
		{ "messages -x", 64, "bad option \"-x\"", NULL },
		{ "messages --account", 64, "needs an argument", NULL },
		{ "messages extra", 64, "too many arguments", NULL },
		{ "show 1205", 0, "From      A <a@example.org>\n", "\033" },
		{ "show 1205", 0, "\n\nwords ?[2J\n", "\033" },
		{ "show 1205", 0,
		    "Attached  2: a.pdf (application/pdf, 3.0 MiB)\n"
		    "          4: image/png, 5 B\n",
		    "3:" },
		{ "show -d 1205", 0, "From           A <a@example.org>", NULL },
		{ "show -d 1205", 0, "   4  image/png            5 B  -",
		    NULL },
		{ "show -H 1205", 0, "Subject: \xef\xbf\xbd[31m\n", "\033" },
		{ "show -H -r 1205", 64, "either --headers or --raw", NULL },
		{ "show -o f 1205", 64, "--output and --force are for", NULL },
		{ "--json show -p 1 1205", 64, "either --json or --part",
		    NULL },
		{ "show -p 5 1205", 66, "message 1205 has no part \"5\"",
		    NULL },
		{ "show -p x 1205", 66, "no part \"x\"", NULL },
		{ "show -p '' 1205", 66, "no part \"\"", NULL },
		{ "show 99999", 66, "there is no message 99999", NULL },
		{ "show x", 64, "is no id", NULL },
		{ "show", 64, "usage: evpopctl show [OPTION...] ID\n", NULL },
		{ "raw 99999", 66, "there is no message", NULL },
		{ "polls", 0, "1970-01-01T00:00:01.000Z  work", NULL },
		{ "pause work", 0, "paused", NULL },
		{ "resume work nobody", 66, "resumed", NULL },
		{ "poll", 64, "name accounts, or say --all", NULL },
		{ "poll --all work", 64, "name accounts, or say --all", NULL },
		{ "poll nobody", 66, "no account", NULL },
		{ "poll work", 0, "queued         work", NULL },
		{ "reload", 78, "evpopd.conf:3: prot: unknown key", NULL },
		{ "mesages", 64, "did you mean \"messages\"?", NULL },
		{ "frobnicate", 64, "\"evpopctl help\"", NULL },
		{ "", 64, "usage: evpopctl ", NULL },
		{ "--bad", 64, "usage: evpopctl", NULL },
		{ "--version", 0, "evpopctl ", NULL },
		{ "--help", 0, "resume NAME...", NULL },
		{ "help raw", 0, "-o, --output FILE", NULL },
		{ "help rwa", 64, "did you mean \"raw\"?", NULL },
		{ "messages --help", 0, "-S, --since TIME", NULL },
		{ "messages -h", 0, "-S, --since TIME", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect(cases[i].code, cases[i].wanted, cases[i].unwanted,
		    "ctl %s", cases[i].line);
	}
}

/* One that was forgotten would not be missed. */
static void
test_no_option_is_forgotten(void **state)
{
	(void)state;
	expect(0, "work", NULL,
	    "ctl messages $(printf -- '--account nobody %%.0s' $(seq 15)) "
	    "--account work");
	expect(64, "at most 15", NULL,
	    "ctl messages $(printf -- '--account nobody %%.0s' $(seq 16)) "
	    "--account work");
}

/* Whoever had to say sudo has to say it again. */
static void
test_what_to_type_next(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("SUDO_USER"), 0);
	expect(
	    66, "\"evpopctl accounts\" lists them", "sudo", "ctl account 'x*'");
	expect(1, "\"evpopctl outbox\" shows why", "sudo", "ctl status");
	assert_int_equal(setenv("SUDO_USER", "anna", 1), 0);
	if (geteuid() == 0) {
		expect(66, "\"sudo evpopctl accounts\" lists them", NULL,
		    "ctl account 'x*'");
		expect(1, "\"sudo evpopctl outbox\" shows why", NULL,
		    "ctl status");
		expect(1, "\"sudo evpopctl outbox retry --all\"", "sudo sudo",
		    "ctl status");
	}
	assert_int_equal(unsetenv("SUDO_USER"), 0);
}

static void
test_lists_go_on(void **state)
{
	struct result result;

	(void)state;
	run(&result, "ctl messages --all");
	assert_int_equal(result.code, 0);
	assert_int_equal(lines_of(result.out), MESSAGES + 1);
	free(result.out);
	run(&result, "ctl messages --limit 1001");
	assert_int_equal(lines_of(result.out), 1002);
	free(result.out);
	run(&result, "ctl messages");
	assert_int_equal(lines_of(result.out), 51);
	free(result.out);
}

static void
test_json_is_printed(void **state)
{
	struct result result;
	json_t *json;

	(void)state;
	run(&result, "ctl --json account work");
	json = json_loads(result.out, 0, NULL);
	assert_string_equal(
	    json_string_value(json_object_get(json, "account")), "work");
	assert_int_equal(lines_of(result.out), 1);
	json_decref(json);
	free(result.out);
	run(&result, "ctl messages --all --json");
	assert_int_equal(lines_of(result.out), 2);
	free(result.out);
}

static void
test_raw_messages(void **state)
{
	struct fixture *fixture = *state;
	struct result result;
	char path[128];
	struct stat status;

	run(&result, "ctl raw 1205");
	assert_int_equal(result.code, 0);
	assert_int_equal(result.length, BODY_SIZE);
	assert_memory_equal(result.out, "\x1b[31mHello\r\n", 12);
	for (size_t i = 12; i < BODY_SIZE; i++)
		assert_int_equal((unsigned char)result.out[i],
		    (unsigned char)(i * 7 + i / 253));
	free(result.out);

	snprintf(path, sizeof(path), "%s/m.eml", fixture->folder);
	run(&result, "ctl raw -o %s 1205", path);
	assert_int_equal(result.code, 0);
	assert_int_equal(result.length, 0);
	free(result.out);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, BODY_SIZE);
	assert_int_equal(status.st_mode & 0777, 0600);

	/* What is there stays, whatever it is. */
	run(&result, "echo mine > %s; ctl raw -o %s 1205; cat %s", path, path,
	    path);
	assert_int_equal(result.code, 0);
	assert_non_null(strstr(result.out, "File exists"));
	assert_non_null(strstr(result.out, "--force"));
	assert_non_null(strstr(result.out, "mine\n"));
	free(result.out);
	expect(74, NULL, NULL, "ctl raw -o %s 1205", path);
	expect(74, NULL, NULL, "ln -s nowhere %s.link; ctl raw -o %s.link 1205",
	    path, path);
	run(&result, "rm %s.link", path);
	free(result.out);
	expect(0, NULL, "evpopctl:", "ctl raw -o %s --force 1205", path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, BODY_SIZE);

	/* A message that ends too soon leaves what was there before. */
	expect(75, "too early", NULL, "ctl raw --force -o %s 1204", path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, BODY_SIZE);
	run(&result, "ls -A %s", fixture->folder);
	assert_string_equal(result.out, "m.eml\ns\n");
	free(result.out);
	assert_int_equal(unlink(path), 0);

	expect(74, "No such file", NULL, "ctl raw -o %s/none/m.eml 1205",
	    fixture->folder);
	/* A device is written to and stays one. */
	expect(0, NULL, NULL, "ctl raw -o /dev/null 1205 && test -c /dev/null");
	run(&result, "ctl raw -o /dev/stdout 1205 | wc -c");
	assert_int_equal(atoi(result.out), BODY_SIZE);
	free(result.out);
	run(&result, "ctl raw -o /dev/stdout 1205 > %s; wc -c < %s; rm %s",
	    path, path, path);
	assert_int_equal(atoi(result.out), BODY_SIZE);
	free(result.out);
	run(&result,
	    "mkfifo %s && { cat %s | wc -c & ctl raw -o %s 1205; wait; }", path,
	    path, path);
	assert_int_equal(atoi(result.out), BODY_SIZE);
	free(result.out);
	assert_int_equal(unlink(path), 0);
}

static void
test_writes_that_fail(void **state)
{
	struct result result;

	(void)state;
	expect(74, "No space left", NULL, "ctl raw -o /dev/full 1205");
	expect(74, "standard output", NULL, "ctl raw 1205 >/dev/full");
	expect(74, NULL, NULL, "ctl messages --all >/dev/full");
	expect(74, "No space left", NULL, "ctl status >/dev/full");
	/* A reader that has enough is no reason for words. */
	run(&result, "{ ctl messages --all; echo $? >&2; } | head -n 1");
	assert_non_null(strstr(result.out, "SUBJECT\n74\n"));
	free(result.out);
}

static void
test_polls_are_waited_for(void **state)
{
	struct result result;

	(void)state;
	expect(0,
	    "work           ok, 3 fetched (0 B), "
	    "9 known under other unique-ids, 1200 deletions held",
	    NULL, "ctl poll --wait work");
	run(&result, "ctl poll -w broken");
	assert_int_equal(result.code, 77);
	assert_non_null(strstr(result.out, "broken         refused"));
	assert_null(strchr(result.out, 0x1b));
	free(result.out);
	expect(0, "work", "off", "ctl poll --all");
}

static void
test_a_terminal(void **state)
{
	struct result result;

	(void)state;
	run(&result, "command -v script >/dev/null");
	if (result.code != 0) {
		free(result.out);
		skip();
	}
	free(result.out);
	assert_int_equal(setenv("TERM", "xterm", 1), 0);
	assert_int_equal(unsetenv("NO_COLOR"), 0);
	run(&result,
	    "script -qec 'stty cols 70; %s messages --stored -n 3' /dev/null "
	    "</dev/null",
	    EVPOPCTL);
	assert_non_null(strstr(result.out, "\033[1m"));
	assert_non_null(strstr(result.out, " ago"));
	assert_non_null(strstr(result.out, "\xef\xbf\xbd]0;evil\xef\xbf\xbd"));
	free(result.out);
	run(&result,
	    "NO_COLOR=1 script -qec '%s accounts' /dev/null </dev/null",
	    EVPOPCTL);
	assert_null(strchr(result.out, 0x1b));
	free(result.out);
	run(&result, "script -qec '%s raw 1205' /dev/null </dev/null",
	    EVPOPCTL);
	assert_non_null(strstr(result.out, "?[31mHello\r\n"));
	assert_null(memchr(result.out, 0x1b, result.length));
	free(result.out);
	run(&result, "script -qec '%s --json show 1205' /dev/null </dev/null",
	    EVPOPCTL);
	assert_non_null(strstr(result.out, "\r\n  \"id\": 1205"));
	free(result.out);
}

/*
 * Answer every connection of a socket with the same bytes, and make a file
 * before, unless it is NULL.
 */
static pid_t
babble(const char *path, const char *bytes, const char *file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t child;

	memcpy(address.sun_path, path, strlen(path));
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child != 0) {
		close(fd);
		return child;
	}
	for (;;) {
		int client = accept(fd, NULL, NULL);
		char request[4096];

		if (client == -1 ||
		    recv(client, request, sizeof(request), 0) <= 0)
			_exit(1);
		if (file != NULL)
			close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		(void)!send(client, bytes, strlen(bytes), MSG_NOSIGNAL);
		close(client);
	}
}

static void
test_daemons_that_make_no_sense(void **state)
{
	static const struct {
		const char *bytes;
		int code;
		const char *wanted;
	} cases[] = {
		{ "", 75, "too early" },
		{ "+OK POP3 ready\r\n", 70, "makes no sense" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\":", 75,
		    "too early" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 70,
		    "no JSON object" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 70,
		    "no list of accounts" },
		{ "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 70,
		    "status 500" },
		{ "HTTP/1.1 503 No\r\nConnection: close\r\n\r\n"
		  "{\"error\":{\"code\":\"x\",\"message\":\"full \\u001b[1m\","
		  "\"hint\":\"y\"}}",
		    75, "full ?[1m" },
		{ "HTTP/1.1 403 No\r\nConnection: close\r\n\r\n"
		  "{\"error\":{\"code\":\"x\",\"message\":\"not an admin\"}}",
		    77, "not an admin" },
	};
	struct fixture *fixture = *state;
	struct result result;
	char path[128];

	snprintf(path, sizeof(path), "%s/babble", fixture->folder);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t child = babble(path, cases[i].bytes, NULL);

		run(&result, "ctl -s %s accounts", path);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		assert_int_equal(unlink(path), 0);
		if (result.code != cases[i].code ||
		    strstr(result.out, cases[i].wanted) == NULL)
			fail_msg(
			    "case %zu: %d: %s", i, result.code, result.out);
		free(result.out);
	}
}

/* A stream of events that ends before the first. */
static void
test_no_events_at_all(void **state)
{
	struct fixture *fixture = *state;
	struct result result;
	char path[128];
	pid_t child;

	snprintf(path, sizeof(path), "%s/babble", fixture->folder);
	child =
	    babble(path, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL);
	run(&result, "ctl -s %s events", path);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(result.code, 75);
	assert_non_null(
	    strstr(result.out, "evpopctl: the daemon has ended the stream\n"));
	free(result.out);
}

/* From now on renameat2(2) fails so, also in programs that are run. */
static bool
forbid_renameat2(unsigned int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* The exit code of "evpopctl raw" on such a system; 1 if it cannot be had. */
static int
raw_where_renameat2_fails(
    unsigned int error, const char *server, const char *path)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if ((error != 0 && !forbid_renameat2(error)) ||
		    freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		execl(EVPOPCTL, EVPOPCTL, "-s", server, "raw", "-o", path, "1",
		    (char *)NULL);
		_exit(1);
	}
	assert_int_not_equal(child, -1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What comes meanwhile stays, and a file system may be an old one. */
static void
test_files_that_come_meanwhile(void **state)
{
	static const struct {
		unsigned int error; /* of renameat2(); 0: none */
		bool comes;
		int code;
		off_t size; /* -1: there is no file */
	} cases[] = {
		{ 0, false, 0, 5 },
		{ 0, true, 74, 0 },
		{ EINVAL, false, 0, 5 },
		{ EINVAL, true, 74, 0 },
		{ ENOSYS, false, 0, 5 },
		{ ENOSYS, true, 74, 0 },
		{ EPERM, false, 74, -1 },
	};
	struct fixture *fixture = *state;
	char server[128], path[128];
	struct stat status;

	snprintf(server, sizeof(server), "%s/babble", fixture->folder);
	snprintf(path, sizeof(path), "%s/m", fixture->folder);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t child = babble(server,
		    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		    cases[i].comes ? path : NULL);
		int code =
		    raw_where_renameat2_fails(cases[i].error, server, path);

		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		assert_int_equal(unlink(server), 0);
		if (code == 1)
			skip();
		assert_int_equal(code, cases[i].code);
		assert_int_equal(
		    stat(path, &status), cases[i].size == -1 ? -1 : 0);
		if (cases[i].size != -1) {
			assert_int_equal(status.st_size, cases[i].size);
			assert_int_equal(unlink(path), 0);
		}
		/* Nothing else is left, as teardown() sees. */
	}
}

static void
test_daemons_out_of_reach(void **state)
{
	struct fixture *fixture = *state;
	struct result result;

	run(&result, "ctl -s %s/none status", fixture->folder);
	assert_int_equal(result.code, 69);
	assert_non_null(strstr(result.out, "systemctl status evpopd"));
	assert_non_null(strstr(result.out, "No such file"));
	free(result.out);

	expect(64, "at most 107 bytes", NULL, "ctl -s /%0200d status", 7);

	kill(fixture->daemon, SIGKILL);
	waitpid(fixture->daemon, NULL, 0);
	expect(69, "Connection refused", NULL, "ctl status");
	fixture->daemon = fork(); /* for teardown() to end */
	if (fixture->daemon == 0) {
		pause();
		_exit(0);
	}

	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(fixture->folder, 0700), 0);
	run(&result, "setpriv --reuid 65533 --clear-groups '%s' status",
	    EVPOPCTL);
	if (result.code != 127 && strstr(result.out, "setpriv") == NULL) {
		assert_int_equal(result.code, 77);
		assert_non_null(strstr(result.out, "Permission denied"));
	}
	free(result.out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_commands),
		LIVE(test_no_option_is_forgotten),
		LIVE(test_what_to_type_next),
		LIVE(test_lists_go_on),
		LIVE(test_json_is_printed),
		LIVE(test_raw_messages),
		LIVE(test_writes_that_fail),
		LIVE(test_polls_are_waited_for),
		LIVE(test_a_terminal),
		LIVE(test_daemons_that_make_no_sense),
		LIVE(test_no_events_at_all),
		LIVE(test_files_that_come_meanwhile),
		LIVE(test_daemons_out_of_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
