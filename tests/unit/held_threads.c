#include "tests/unit/held_threads.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

static struct {
	bool are_refused;
	size_t created;
	pthread_mutex_t gate;
	struct {
		void *(*run)(void *);
		void *arg;
	} starts[1024];
} threads = { .gate = PTHREAD_MUTEX_INITIALIZER };

int __real_pthread_create(
    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(
    pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static void *
pass_the_gate(void *arg)
{
	const size_t i = (size_t)(uintptr_t)arg;

	pthread_mutex_lock(&threads.gate);
	pthread_mutex_unlock(&threads.gate);
	return threads.starts[i].run(threads.starts[i].arg);
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*run)(void *), void *arg)
{
	const size_t i = threads.created;

	if (threads.are_refused)
		return EAGAIN;
	assert(i < sizeof threads.starts / sizeof threads.starts[0]);
	threads.created++;
	threads.starts[i].run = run;
	threads.starts[i].arg = arg;
	return __real_pthread_create(
	    thread, attributes, pass_the_gate, (void *)(uintptr_t)i);
}

size_t
held_threads_created(void)
{
	return threads.created;
}

void
held_threads_refuse(bool refuse)
{
	threads.are_refused = refuse;
}

void
held_threads_hold(void)
{
	pthread_mutex_lock(&threads.gate);
}

void
held_threads_release(void)
{
	pthread_mutex_unlock(&threads.gate);
}

size_t
held_threads_count(void)
{
	DIR *folder = opendir("/proc/self/task");
	const struct dirent *entry;
	size_t count = 0;

	assert(folder != NULL);
	while ((entry = readdir(folder)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

void
held_threads_wait(size_t count)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	while (held_threads_count() > count)
		nanosleep(&pause, NULL);
}
