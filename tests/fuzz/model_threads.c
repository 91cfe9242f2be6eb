#include "tests/fuzz/model_threads.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

int __wrap_pthread_create(
    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __real_pthread_create(
    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static bool was_started;
static unsigned others; /* than the library's: a fuzzer's, a sanitizer's */

/* The library is linked with this in place of the C library's. */
int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*run)(void *), void *arg)
{
	was_started = true;
	return __real_pthread_create(thread, attributes, run, arg);
}

static unsigned
threads_count(void)
{
	DIR *folder = opendir("/proc/self/task");
	const struct dirent *entry;
	unsigned count = 0;

	if (folder == NULL)
		abort();
	while ((entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

void
model_threads_begin(void)
{
	was_started = false;
	others = threads_count();
}

bool
model_threads_wait(void)
{
	if (!was_started)
		return false;
	was_started = false;
	while (threads_count() > others)
		usleep(50);
	return true;
}
