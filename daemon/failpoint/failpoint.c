#include "daemon/failpoint/failpoint.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Names and deaths are in one order, whichever threads they come from; the only
 * mutable state that is shared by the whole process, and never in a release.
 */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	bool started;
	unsigned long fatal, stopping, reached;
	int log_fd;
} state;

static void
start(void)
{
	const char *fatal = getenv("EVPOP_FAILPOINT");
	const char *stopping = getenv("EVPOP_FAILPOINT_STOP");
	const char *log = getenv("EVPOP_FAILPOINT_LOG");

	state.started = true;
	state.fatal = fatal != NULL ? strtoul(fatal, NULL, 10) : 0;
	state.stopping = stopping != NULL ? strtoul(stopping, NULL, 10) : 0;
	state.log_fd = -1;
	if (log == NULL)
		return;
	state.log_fd =
	    open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	/* A test that cannot see must not pass. */
	if (state.log_fd == -1) {
		perror(log);
		abort();
	}
}

static void
write_name(const char *name)
{
	char line[64];
	int length = snprintf(line, sizeof line, "%s\n", name);

	if (state.log_fd != -1 &&
	    write(state.log_fd, line, (size_t)length) != length)
		abort();
}

void
failpoint_reached(const char *name)
{
	int failed = pthread_mutex_lock(&mutex);

	assert(failed == 0);
	if (!state.started)
		start();
	write_name(name);
	if (++state.reached == state.fatal) {
		(void)raise(SIGKILL);
		for (;;)
			(void)pause();
	}
	if (state.reached == state.stopping)
		(void)raise(SIGSTOP);
	pthread_mutex_unlock(&mutex);
}
