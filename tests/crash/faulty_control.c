/*
 * evpopd on a file system that fails as a test says.  EVPOP_FAULTS names a
 * file of lines "OPERATION CODE SKIP TIMES" (see test_store_faulty.h), which
 * may be replaced while the daemon runs; an operation that is not in it works.
 * Each failure becomes a line of that name with ".failed" behind it.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test_store_faulty.h"

static const char *const operations[] = { "read", "write", "sync" };
_Static_assert(
    sizeof operations / sizeof operations[0] == FAULTY_OPERATION_COUNT,
    "each operation has a name");

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *rules_path;
static struct stat rules_read;

static void
apply_line(char *line)
{
	long numbers[3];
	char *at = strchr(line, ' ');

	if (at == NULL)
		abort();
	*at++ = '\0';
	for (size_t i = 0; i < 3; i++)
		numbers[i] = strtol(at, &at, 10);
	for (size_t i = 0; i < FAULTY_OPERATION_COUNT; i++)
		if (strcmp(line, operations[i]) == 0)
			faulty_set_rule((enum faulty_operation)i,
			    (int)numbers[0], numbers[1], numbers[2]);
}

static void
apply_rules(void)
{
	char line[128];
	FILE *file = fopen(rules_path, "re");

	for (size_t i = 0; i < FAULTY_OPERATION_COUNT; i++)
		faulty_set_rule((enum faulty_operation)i, 0, 0, 0);
	if (file == NULL)
		return;
	while (fgets(line, sizeof line, file) != NULL)
		apply_line(line);
	fclose(file);
}

/* The file is replaced as a whole, and another file has another number. */
static void
look_at_rules(void)
{
	struct stat now;

	if (stat(rules_path, &now) != 0)
		memset(&now, 0, sizeof now);
	pthread_mutex_lock(&mutex);
	if (now.st_ino != rules_read.st_ino ||
	    now.st_mtim.tv_nsec != rules_read.st_mtim.tv_nsec) {
		rules_read = now;
		apply_rules();
	}
	pthread_mutex_unlock(&mutex);
}

static void
tell_failure(enum faulty_operation operation, int code)
{
	char path[4096], line[64];
	int fd, length;

	snprintf(path, sizeof path, "%s.failed", rules_path);
	length =
	    snprintf(line, sizeof line, "%s %d\n", operations[operation], code);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, line, (size_t)length) != length)
		abort();
	close(fd);
}

__attribute__((constructor)) static void
begin(void)
{
	rules_path = getenv("EVPOP_FAULTS");
	if (rules_path == NULL)
		return;
	faulty_install();
	faulty_watch(look_at_rules, tell_failure);
}
