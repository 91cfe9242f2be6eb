/* A file of a secret that has changed is noticed without being read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/secret/mark.h"

struct folder {
	char path[64], file[80], other[80];
};

static int
set_up(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	assert_non_null(folder);
	strcpy(folder->path, "/tmp/evpop-mark-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	(void)snprintf(
	    folder->file, sizeof(folder->file), "%s/a", folder->path);
	(void)snprintf(
	    folder->other, sizeof(folder->other), "%s/b", folder->path);
	*state = folder;
	return 0;
}

static int
tear_down(void **state)
{
	struct folder *folder = *state;

	(void)unlink(folder->file);
	(void)unlink(folder->other);
	assert_int_equal(rmdir(folder->path), 0);
	free(folder);
	return 0;
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	assert_int_equal(close(fd), 0);
}

/* Times of files are as fine as the kernel's clock: wait until it has gone on.
 */
static void
let_time_pass(void)
{
	struct timespec from, to;

	assert_int_equal(clock_gettime(CLOCK_REALTIME_COARSE, &from), 0);
	do
		assert_int_equal(clock_gettime(CLOCK_REALTIME_COARSE, &to), 0);
	while (from.tv_sec == to.tv_sec && from.tv_nsec == to.tv_nsec);
}

static void
test_changes(void **state)
{
	struct folder *folder = *state;
	const struct secret_source source = { .kind = SECRET_FILE,
		.value = folder->file };
	uint32_t marks[6];
	size_t i, j;

	marks[0] = secret_mark(&source);
	assert_true(marks[0] == 0);
	write_file(folder->file, "one\n");
	marks[1] = secret_mark(&source);
	assert_true(secret_mark(&source) == marks[1]);
	/* The same length, in the same file. */
	let_time_pass();
	write_file(folder->file, "two\n");
	marks[2] = secret_mark(&source);
	let_time_pass();
	assert_int_equal(chmod(folder->file, 0644), 0);
	marks[3] = secret_mark(&source);
	/* As editors and tools do: another file of the same name. */
	write_file(folder->other, "two\n");
	assert_int_equal(rename(folder->other, folder->file), 0);
	marks[4] = secret_mark(&source);
	/* Another one behind a symbolic link. */
	assert_int_equal(rename(folder->file, folder->other), 0);
	assert_int_equal(symlink("b", folder->file), 0);
	let_time_pass();
	write_file(folder->other, "three\n");
	marks[5] = secret_mark(&source);
	for (i = 0; i < 6; i++)
		for (j = 0; j < i; j++)
			assert_true(marks[i] != marks[j]);
	assert_int_equal(unlink(folder->file), 0);
	assert_true(secret_mark(&source) == 0);
}

static void
test_other_sources(void **state)
{
	struct folder *folder = *state;
	struct secret_source source = { .kind = SECRET_CREDENTIAL,
		.value = "a" };

	write_file(folder->file, "one\n");
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_true(secret_mark(&source) == 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder->path, 1), 0);
	assert_true(secret_mark(&source) != 0);
	source.value = "missing";
	assert_true(secret_mark(&source) == 0);
	source = (struct secret_source){ .kind = SECRET_COMMAND,
		.value = folder->file };
	assert_true(secret_mark(&source) == 0);
	source.kind = SECRET_LITERAL;
	assert_true(secret_mark(&source) == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes),
		TEST(test_other_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
