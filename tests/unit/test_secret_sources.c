/*
 * Secrets given literally, in files, and as credentials of systemd.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/secret/line.h"
#include "daemon/secret/secret.h"

struct answer {
	struct secret *secret;
	char error[SECRET_ERROR_SIZE];
	int count;
	struct secret_request **cancel; /* to call inside the callback */
};

struct fixture {
	struct event_base *base;
	char folder[64];
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_true(secret_init());
	fixture->base = event_base_new();
	assert_non_null(fixture->base);
	strcpy(fixture->folder, "/tmp/evpop-secret-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;
	char path[128];

	for (char name = 'a'; name <= 'c'; name++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%c", fixture->folder, name);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(fixture->folder), 0);
	event_base_free(fixture->base);
	free(fixture);
	return 0;
}

static void
write_file(const struct fixture *fixture, const char *name, const void *bytes,
    size_t length, mode_t mode)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
take(struct secret *secret, const char *error, void *arg)
{
	struct answer *answer = arg;

	answer->count++;
	answer->secret = secret;
	assert_true((secret == NULL) == (error != NULL));
	if (error != NULL)
		(void)snprintf(
		    answer->error, sizeof(answer->error), "%s", error);
	if (answer->cancel != NULL)
		secret_cancel(answer->cancel);
}

static void
fetch(const struct fixture *fixture, enum secret_kind kind, const char *value,
    struct answer *answer)
{
	const struct secret_source source = { .kind = kind, .value = value };

	*answer = (struct answer){ 0 };
	assert_non_null(
	    secret_fetch(fixture->base, &source, 5000, take, answer));
	/* Never from inside the call. */
	assert_int_equal(answer->count, 0);
	assert_true(event_base_dispatch(fixture->base) >= 0);
	assert_int_equal(answer->count, 1);
}

static void
test_holds_any_bytes(void **state)
{
	static const char bytes[] = "a\0b\xff";
	struct secret *secret = secret_new(bytes, 4);

	(void)state;
	assert_non_null(secret);
	assert_int_equal(secret_length(secret), 4);
	assert_memory_equal(secret_text(secret), bytes, 5);
	secret_free(&secret);
	assert_null(secret);
	secret_free(&secret);
}

/* The flags of the mapping that an address is in; "" where they are not told.
 */
static void
read_mapping_flags(const void *address, char *flags_r, size_t size)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	char line[512];
	unsigned long first, end;
	bool is_in = false;

	*flags_r = '\0';
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
			is_in = (uintptr_t)address >= first &&
				(uintptr_t)address < end;
		else if (is_in && strncmp(line, "VmFlags:", 8) == 0)
			(void)snprintf(
			    flags_r, size, "%s", line + strlen("VmFlags:"));
	}
	if (maps != NULL)
		fclose(maps);
}

/* As secret.h says of it; elsewhere in memory nothing is locked. */
static void
test_memory_is_locked(void **state)
{
	struct answer answer;
	char flags[512];
	void *page = NULL;
	bool may_lock;

	assert_int_equal(posix_memalign(&page, 4096, 4096), 0);
	may_lock = mlock(page, 4096) == 0;
	read_mapping_flags(page, flags, sizeof(flags));
	may_lock = may_lock && strstr(flags, " lo") != NULL;
	(void)munlock(page, 4096);
	free(page);
	if (!may_lock)
		skip();
	fetch(*state, SECRET_LITERAL, "secret", &answer);
	read_mapping_flags(secret_text(answer.secret), flags, sizeof(flags));
	assert_non_null(strstr(flags, " lo"));
	assert_non_null(strstr(flags, " dd"));
	secret_free(&answer.secret);
}

static void
test_literal(void **state)
{
	struct answer answer;

	fetch(*state, SECRET_LITERAL, " p;#\"w ", &answer);
	assert_string_equal(secret_text(answer.secret), " p;#\"w ");
	secret_free(&answer.secret);
	fetch(*state, SECRET_LITERAL, "", &answer);
	assert_null(answer.secret);
	assert_string_equal(answer.error, "the password is empty");
}

static void
test_file_contents(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *secret, *error;
	} rows[] = {
		{ "secret\n", 7, "secret", NULL },
		{ "secret", 6, "secret", NULL },
		{ "secret\r\nmore\n", 13, "secret", NULL },
		{ " s p \t\nmore", 11, " s p \t", NULL },
		{ "", 0, NULL, "the first line is empty" },
		{ "\nsecret\n", 8, NULL, "the first line is empty" },
		{ "\r\n", 2, NULL, "the first line is empty" },
		{ "a\0b\n", 4, NULL, "contains a NUL" },
		{ "a\rb\n", 4, NULL, "a carriage return" },
		{ "ok\n\0", 4, "ok", NULL },
		{ "\xef\xbb\xbfsecret\n", 10, "secret", NULL },
		{ "\xef\xbb\xbf", 3, NULL, "the first line is empty" },
		{ "\xef\xbb\xbf\r\nsecret", 11, NULL, "the first line is" },
		/* Only where a file begins. */
		{ "a\xef\xbb\xbf\n", 5, "a\xef\xbb\xbf", NULL },
		{ "\xef\xbb\n", 3, "\xef\xbb", NULL },
		{ "\xff\xfep\0w\0\r\0\n\0", 10, NULL, "it is in UTF-16" },
		{ "\xfe\xff\0p\0w\0\n", 8, NULL, "it is in UTF-16" },
		{ "\xff\xfepw\n", 5, "\xff\xfepw", NULL },
	};
	struct fixture *fixture = *state;
	struct answer answer;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/a", fixture->folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_file(fixture, "a", rows[i].bytes, rows[i].length, 0600);
		fetch(fixture, SECRET_FILE, path, &answer);
		if (rows[i].secret != NULL) {
			assert_non_null(answer.secret);
			assert_string_equal(
			    secret_text(answer.secret), rows[i].secret);
			secret_free(&answer.secret);
			continue;
		}
		assert_null(answer.secret);
		assert_non_null(strstr(answer.error, rows[i].error));
		assert_ptr_equal(strstr(answer.error, path), answer.error);
	}
}

static void
test_file_bound(void **state)
{
	struct fixture *fixture = *state;
	char path[128], *bytes = malloc(SECRET_INPUT_MAX + 1);
	struct answer answer;

	assert_non_null(bytes);
	memset(bytes, 'x', SECRET_INPUT_MAX + 1);
	(void)snprintf(path, sizeof(path), "%s/a", fixture->folder);
	write_file(fixture, "a", bytes, SECRET_INPUT_MAX, 0600);
	fetch(fixture, SECRET_FILE, path, &answer);
	assert_int_equal(secret_length(answer.secret), SECRET_INPUT_MAX);
	secret_free(&answer.secret);
	write_file(fixture, "a", bytes, SECRET_INPUT_MAX + 1, 0600);
	fetch(fixture, SECRET_FILE, path, &answer);
	assert_null(answer.secret);
	assert_non_null(strstr(answer.error, "more than 65536 bytes"));
	free(bytes);
}

static void
test_file_modes(void **state)
{
	static const struct {
		mode_t mode;
		bool safe;
	} rows[] = { { 0600, true }, { 0400, true }, { 0700, true },
		{ 0640, false }, { 0620, false }, { 0610, false },
		{ 0604, false }, { 0602, false }, { 0644, false } };
	struct fixture *fixture = *state;
	char path[128], reason[256], link[128];
	struct answer answer;

	(void)snprintf(path, sizeof(path), "%s/a", fixture->folder);
	(void)snprintf(link, sizeof(link), "%s/b", fixture->folder);
	write_file(fixture, "a", "pw\n", 3, 0600);
	assert_int_equal(symlink(path, link), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(chmod(path, rows[i].mode), 0);
		assert_int_equal(secret_file_safe(path, reason, sizeof(reason)),
		    rows[i].safe);
		/* A link is as safe as what it leads to. */
		assert_int_equal(secret_file_safe(link, reason, sizeof(reason)),
		    rows[i].safe);
		fetch(fixture, SECRET_FILE, link, &answer);
		assert_int_equal(answer.secret != NULL, rows[i].safe);
		if (answer.secret == NULL)
			assert_non_null(strstr(answer.error, "chmod 600"));
		secret_free(&answer.secret);
	}
}

/* Whether files lie on a file system that is mounted read-only. */
static bool is_mounted_read_only;

int __real_fstatvfs(int fd, struct statvfs *);
int __wrap_fstatvfs(int fd, struct statvfs *);

int
__wrap_fstatvfs(int fd, struct statvfs *system)
{
	int result = __real_fstatvfs(fd, system);

	system->f_flag &= ~(unsigned long)ST_RDONLY;
	if (is_mounted_read_only)
		system->f_flag |= ST_RDONLY;
	return result;
}

/* As containers hand secrets in; what others may write never is one. */
static void
test_read_only_mount(void **state)
{
	static const struct {
		mode_t mode;
		bool safe;
	} rows[] = { { 0444, true }, { 0644, true }, { 0440, true },
		{ 0640, true }, { 0555, true }, { 0600, true }, { 0664, false },
		{ 0646, false }, { 0666, false }, { 0620, false } };
	struct fixture *fixture = *state;
	char path[128], reason[256];
	struct answer answer;

	if (geteuid() != 0)
		skip();
	(void)snprintf(path, sizeof(path), "%s/a", fixture->folder);
	write_file(fixture, "a", "pw\n", 3, 0600);
	is_mounted_read_only = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(chmod(path, rows[i].mode), 0);
		assert_int_equal(secret_file_safe(path, reason, sizeof(reason)),
		    rows[i].safe);
		fetch(fixture, SECRET_FILE, path, &answer);
		assert_int_equal(answer.secret != NULL, rows[i].safe);
		secret_free(&answer.secret);
	}
	/* Only root's. */
	assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
	assert_int_equal(chmod(path, 0444), 0);
	assert_false(secret_file_safe(path, reason, sizeof(reason)));
	is_mounted_read_only = false;
	assert_int_equal(chown(path, 0, (gid_t)-1), 0);
	assert_true(secret_file_safe(path, reason, sizeof(reason)));
	assert_int_equal(chmod(path, 0644), 0);
	assert_false(secret_file_safe(path, reason, sizeof(reason)));
}

static void
test_no_file(void **state)
{
	struct fixture *fixture = *state;
	char path[128], reason[256];
	struct answer answer;

	(void)snprintf(path, sizeof(path), "%s/a", fixture->folder);
	assert_false(secret_file_safe(path, reason, sizeof(reason)));
	assert_string_equal(reason, "cannot open: No such file or directory");
	fetch(fixture, SECRET_FILE, fixture->folder, &answer);
	assert_null(answer.secret);
	assert_non_null(strstr(answer.error, "expected a regular file"));
	/* A FIFO without a writer must not hold the loop. */
	assert_int_equal(mkfifo(path, 0600), 0);
	fetch(fixture, SECRET_FILE, path, &answer);
	assert_non_null(strstr(answer.error, "expected a regular file"));
}

static void
test_foreign_file(void **state)
{
	struct fixture *fixture = *state;
	char path[128], reason[256];

	if (geteuid() != 0)
		skip();
	(void)snprintf(path, sizeof(path), "%s/a", fixture->folder);
	write_file(fixture, "a", "pw\n", 3, 0600);
	assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
	assert_false(secret_file_safe(path, reason, sizeof(reason)));
	assert_string_equal(
	    reason, "expected a file of root or user 0, not of user 12345");
}

static void
test_credentials(void **state)
{
	static const char *const bad_names[] = { "", ".", "..", "../a", "/a" };
	struct fixture *fixture = *state;
	struct answer answer;

	write_file(fixture, "a", "pw\n", 3, 0400);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	fetch(fixture, SECRET_CREDENTIAL, "a", &answer);
	assert_null(answer.secret);
	assert_non_null(
	    strstr(answer.error, "$CREDENTIALS_DIRECTORY is not set"));
	assert_int_equal(
	    setenv("CREDENTIALS_DIRECTORY", fixture->folder, 1), 0);
	fetch(fixture, SECRET_CREDENTIAL, "a", &answer);
	assert_string_equal(secret_text(answer.secret), "pw");
	secret_free(&answer.secret);
	/* As the mask of an ACL shows it. */
	write_file(fixture, "b", "pw2\n", 4, 0440);
	fetch(fixture, SECRET_CREDENTIAL, "b", &answer);
	assert_string_equal(secret_text(answer.secret), "pw2");
	secret_free(&answer.secret);
	write_file(fixture, "c", "pw3\n", 4, 0644);
	fetch(fixture, SECRET_CREDENTIAL, "c", &answer);
	assert_null(answer.secret);
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++) {
		fetch(fixture, SECRET_CREDENTIAL, bad_names[i], &answer);
		assert_null(answer.secret);
		assert_non_null(strstr(answer.error, "expected a name"));
	}
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void
test_cancel(void **state)
{
	const struct secret_source source = { .kind = SECRET_LITERAL,
		.value = "pw" };
	struct fixture *fixture = *state;
	struct answer answer = { 0 };
	struct secret_request *request;

	request = secret_fetch(fixture->base, &source, 5000, take, &answer);
	assert_non_null(request);
	secret_cancel(&request);
	assert_null(request);
	secret_cancel(&request);
	assert_true(event_base_dispatch(fixture->base) >= 0);
	assert_int_equal(answer.count, 0);

	request = secret_fetch(fixture->base, &source, 5000, take, &answer);
	assert_non_null(request);
	answer.cancel = &request;
	assert_true(event_base_dispatch(fixture->base) >= 0);
	assert_int_equal(answer.count, 1);
	assert_null(request);
	secret_free(&answer.secret);
}

static void
test_printable(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *text;
	} rows[] = {
		{ "plain", 64, "plain" },
		{ "\none\r\n\ntwo\n", 64, "one; two" },
		{ "\x1b[31mred\x7f\xc3\xa9", 64, "?[31mred?\xc3\xa9" },
		{ "abcdef", 6, "abcde" },
		{ "abcdef", 1, "" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		secret_printable(
		    rows[i].bytes, strlen(rows[i].bytes), text, rows[i].size);
		assert_string_equal(text, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_holds_any_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_memory_is_locked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_literal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_file_contents, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_file_bound, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_file_modes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_read_only_mount, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_no_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_foreign_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_credentials, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_printable, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
