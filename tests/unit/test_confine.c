/*
 * What a process can still do after it has confined itself: all that it named,
 * and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/confine/confine.h"
#include "daemon/confine/landlock.h"

int __real_landlock_version(void);
int __wrap_landlock_version(void);

/* What the kernel is made to say; 0: what it does. */
static int said_version, said_error;

int
__wrap_landlock_version(void)
{
	if (said_error != 0) {
		errno = said_error;
		return -1;
	}
	return said_version != 0 ? said_version : __real_landlock_version();
}

struct folders {
	char top[PATH_MAX], named[PATH_MAX], other[PATH_MAX];
};

static void
file_make(const char *folder, const char *name)
{
	char path[PATH_MAX + 64];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	(void)dprintf(fd, "text");
	assert_int_equal(close(fd), 0);
}

static int
set_up(void **state)
{
	struct folders *folders = calloc(1, sizeof(*folders));

	assert_non_null(folders);
	strcpy(folders->top, "/tmp/evpop-confine-XXXXXX");
	assert_non_null(mkdtemp(folders->top));
	(void)snprintf(folders->named, PATH_MAX, "%.64s/named", folders->top);
	(void)snprintf(folders->other, PATH_MAX, "%.64s/other", folders->top);
	assert_int_equal(mkdir(folders->named, 0700), 0);
	assert_int_equal(mkdir(folders->other, 0700), 0);
	file_make(folders->named, "file");
	file_make(folders->other, "file");
	said_version = said_error = 0;
	*state = folders;
	return 0;
}

static int
tear_down(void **state)
{
	struct folders *folders = *state;
	char command[PATH_MAX + 16];

	(void)snprintf(command, sizeof(command), "rm -r %s", folders->top);
	assert_int_equal(system(command), 0);
	free(folders);
	return 0;
}

/* ---- tried in a child, which tells by an errno ---- */

static int
try_open(const char *folder, const char *name, int flags)
{
	char path[PATH_MAX + 64];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

static int
try_replace(const char *folder)
{
	char from[PATH_MAX + 64], to[PATH_MAX + 64];

	(void)snprintf(from, sizeof(from), "%s/new", folder);
	(void)snprintf(to, sizeof(to), "%s/file", folder);
	if (try_open(folder, "new", O_WRONLY | O_CREAT) != 0 ||
	    rename(from, to) != 0 || truncate(to, 0) != 0)
		return errno;
	return unlink(to) == 0 ? 0 : errno;
}

static int
try_bind_unix(const char *folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	(void)snprintf(
	    address.sun_path, sizeof(address.sun_path), "%.90s/s", folder);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0
		    ? 0
		    : errno;
	(void)close(fd);
	return error;
}

static int
try_bind_tcp(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	error = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0
		    ? 0
		    : errno;
	(void)close(fd);
	return error;
}

static int
try_execute(const char *program)
{
	char *const arguments[] = { (char *)(uintptr_t)program, NULL };

	(void)execv(program, arguments);
	return errno;
}

/* Whatever is not as it should be ends the child. */
#define EXPECT(condition)                                                     \
	do {                                                                  \
		if (!(condition)) {                                           \
			(void)dprintf(STDERR_FILENO, "line %d: not so: %s\n", \
			    __LINE__, #condition);                            \
			_exit(1);                                             \
		}                                                             \
	} while (0)

static void
in_child(void (*run)(const struct folders *), const struct folders *folders)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		run(folders);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- rules ---- */

static void
enter(const struct folders *folders, unsigned access)
{
	struct confine *confine = confine_new();

	EXPECT(confine != NULL);
	EXPECT(confine_allow(confine, access, folders->named));
	EXPECT(confine_allow(confine, CONFINE_OPEN, "/dev/null"));
	/* What is not there needs no rule. */
	EXPECT(confine_allow(confine, CONFINE_READ, "/nowhere/at/all"));
	EXPECT(confine_enter(confine) == CONFINE_ON);
	EXPECT(confine_abi(confine) == landlock_version());
	EXPECT(strncmp(confine_text(confine), "Landlock ABI ", 13) == 0);
	EXPECT(confine_allows(confine, access, folders->named));
	EXPECT(!confine_allows(confine, access, folders->other));
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(try_open("/dev", "null", O_RDWR) == 0);
	EXPECT(try_open(folders->other, "file", O_RDONLY) == EACCES);
	EXPECT(try_open(folders->other, "file", O_WRONLY) == EACCES);
	EXPECT(
	    try_open(folders->top, "other", O_RDONLY | O_DIRECTORY) == EACCES);
	EXPECT(try_open(folders->other, "new", O_WRONLY | O_CREAT) == EACCES);
	EXPECT(try_execute("/bin/true") == EACCES);
	EXPECT(try_bind_unix(folders->other) == EACCES);
	confine_free(&confine);
	EXPECT(confine == NULL);
}

static void
run_read(const struct folders *folders)
{
	enter(folders, CONFINE_READ);
	EXPECT(try_open(folders->named, "file", O_RDONLY) == 0);
	EXPECT(try_open(folders->top, "named", O_RDONLY | O_DIRECTORY) == 0);
	EXPECT(try_open(folders->named, "file", O_WRONLY) == EACCES);
	EXPECT(try_replace(folders->named) == EACCES);
	EXPECT(try_bind_unix(folders->named) == EACCES);
}

static void
run_write(const struct folders *folders)
{
	enter(folders, CONFINE_WRITE);
	EXPECT(try_open(folders->named, "file", O_RDWR) == 0);
	EXPECT(try_bind_unix(folders->named) == EACCES);
	EXPECT(try_replace(folders->named) == 0);
	file_make(folders->named, "program");
	EXPECT(chdir(folders->named) == 0);
	EXPECT(try_execute("./program") == EACCES);
}

/* From one folder to another, as a message comes into a Maildir. */
static int
try_file(const char *folder)
{
	char made[PATH_MAX + 64], moved[PATH_MAX + 64], old[PATH_MAX + 64];

	(void)snprintf(old, sizeof(old), "%s/file", folder);
	(void)snprintf(made, sizeof(made), "%s/cur", folder);
	(void)snprintf(moved, sizeof(moved), "%s/cur/file", folder);
	if (mkdir(made, 0700) != 0 || rename(old, moved) != 0)
		return errno;
	return 0;
}

static void
run_file(const struct folders *folders)
{
	enter(folders, CONFINE_FILE);
	/* Without LANDLOCK_REFER nothing is moved to another folder at all. */
	EXPECT(landlock_version() < 2 || try_file(folders->named) == 0);
	EXPECT(try_file(folders->other) == EACCES);
}

static void
run_no_file(const struct folders *folders)
{
	enter(folders, CONFINE_WRITE);
	EXPECT(try_file(folders->named) == EACCES);
}

static void
run_socket(const struct folders *folders)
{
	enter(folders, CONFINE_SOCKET);
	EXPECT(try_bind_unix(folders->named) == 0);
	EXPECT(try_open(folders->named, "file", O_RDONLY) == EACCES);
}

static void
run_ports(const struct folders *folders)
{
	enter(folders, CONFINE_READ);
	/* To connect from an address; not to be connected to. */
	EXPECT(try_bind_tcp(0) == 0);
	EXPECT(landlock_version() < 4 || try_bind_tcp(40110) == EACCES);
}

/* A kernel that knows less is asked for less. */
static void
run_first_version(const struct folders *folders)
{
	said_version = 1;
	enter(folders, CONFINE_WRITE);
	EXPECT(try_replace(folders->named) == 0);
	EXPECT(try_bind_tcp(40110) != EACCES);
}

/* One that knows more is asked for what is known here. */
static void
run_later_version(const struct folders *folders)
{
	said_version = __real_landlock_version() + 90;
	if (__real_landlock_version() < 6)
		return;
	enter(folders, CONFINE_WRITE);
	EXPECT(try_replace(folders->named) == 0);
}

/* The file is replaced, as editors do it, and is behind a link. */
static void
run_folder_of(const struct folders *folders)
{
	struct confine *confine = confine_new();
	char link[PATH_MAX + 64], file[PATH_MAX + 64];

	(void)snprintf(link, sizeof(link), "%s/link", folders->named);
	(void)snprintf(file, sizeof(file), "%s/file", folders->other);
	EXPECT(symlink(file, link) == 0);
	EXPECT(confine_allow_folder_of(confine, CONFINE_WRITE, link));
	EXPECT(confine_enter(confine) == CONFINE_ON);
	EXPECT(try_open(folders->named, "link", O_RDONLY) == 0);
	EXPECT(confine_allows(confine, CONFINE_READ | CONFINE_WRITE, file));
	EXPECT(try_open(folders->other, "new", O_WRONLY | O_CREAT) == 0);
	EXPECT(try_replace(folders->other) == 0);
	EXPECT(try_open("/etc", "passwd", O_RDONLY) == EACCES);
}

static void
test_rules(void **state)
{
	static void (*const runs[])(const struct folders *) = { run_read,
		run_write, run_file, run_no_file, run_socket, run_ports,
		run_first_version, run_later_version, run_folder_of };
	const struct folders *folders = *state;

	if (__real_landlock_version() < 1) {
		print_message("this kernel has no Landlock\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		void *again = NULL;

		print_message("rules %zu\n", i);
		in_child(runs[i], folders);
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(&again), 0);
		*state = again;
		folders = again;
	}
}

/* ---- no Landlock ---- */

static void
test_reasons(void **state)
{
	static const struct {
		int error;
		const char *words;
	} rows[] = {
		{ ENOSYS, "the kernel has no Landlock" },
		{ EOPNOTSUPP, "lsm= lacks it" },
		{ EPERM, "a filter of system calls forbids" },
		{ ENOMEM, "Cannot allocate memory" },
	};
	const struct folders *folders = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct confine *confine = confine_new();

		assert_non_null(confine);
		assert_int_equal(confine_status(confine), CONFINE_OFF);
		assert_string_equal(confine_text(confine), "not confined");
		said_error = rows[i].error;
		assert_int_equal(confine_enter(confine), CONFINE_UNAVAILABLE);
		assert_int_equal(confine_status(confine), CONFINE_UNAVAILABLE);
		assert_int_equal(confine_abi(confine), 0);
		assert_non_null(strstr(confine_text(confine), rows[i].words));
		assert_true(
		    confine_allows(confine, CONFINE_WRITE, folders->other));
		confine_free(&confine);
	}
	assert_int_equal(try_open(folders->other, "file", O_RDWR), 0);
	assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rules, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_reasons, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
