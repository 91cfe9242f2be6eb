#include "daemon/deliver/maildir_temporary.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"

/* "PID-TIME." */
#define RUN_SIZE 32

/* What tells this run of the program from others, also with the same id. */
static void
temporary_run(char run_r[RUN_SIZE])
{
	static atomic_int_least64_t begun;
	int_least64_t none = 0;

	(void)atomic_compare_exchange_strong(
	    &begun, &none, evpop_clock_unix_ms());
	snprintf(run_r, RUN_SIZE, "%d-%" PRIx64 ".", (int)getpid(),
	    (uint64_t)atomic_load(&begun));
}

/* "NAME-TARGET+RUN.ATTEMPT" */
void
maildir_temporary_name(
    const char *name, uint32_t target, char temporary_r[MAILDIR_TEMPORARY])
{
	static atomic_uint attempts;
	char run[RUN_SIZE];

	temporary_run(run);
	snprintf(temporary_r, MAILDIR_TEMPORARY, "%s-%08" PRIx32 "+%s%u", name,
	    target, run, atomic_fetch_add(&attempts, 1));
}

static bool
temporary_is_left(const char *name, const char *own, const char *run)
{
	const size_t prefix = strcspn(own, "+") + 1;

	return strncmp(name, own, prefix) == 0 &&
	       strncmp(name + prefix, run, strlen(run)) != 0;
}

void
maildir_temporary_sweep(int folder, const char *const *temporary, size_t count)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *one;
	char run[RUN_SIZE];

	if (all == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	temporary_run(run);
	while ((one = readdir(all)) != NULL)
		for (size_t i = 0; i < count; i++)
			if (temporary_is_left(one->d_name, temporary[i], run))
				(void)unlinkat(fd, one->d_name, 0);
	closedir(all);
}
