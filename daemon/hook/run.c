#include "daemon/hook/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/secret/child.h"
#include "daemon/secret/line.h"
#include "lib/base/clock.h"

/* Why a run failed; false if it did not. */
static bool
run_explain(const struct hook_run *run,
    const struct secret_child_result *result, char *text, size_t size)
{
	switch (result->end) {
	case SECRET_CHILD_EXITED:
		if (result->status == 0)
			return false;
		if (WIFEXITED(result->status))
			snprintf(text, size, "exit status %d",
			    WEXITSTATUS(result->status));
		else
			snprintf(text, size, "signal %d, %s",
			    WTERMSIG(result->status),
			    strsignal(WTERMSIG(result->status)));
		return true;
	case SECRET_CHILD_TIMEOUT:
		snprintf(text, size, "it did not finish within %" PRId64 " s",
		    run->pace->timeout_ms / 1000);
		return true;
	case SECRET_CHILD_TOO_MUCH:
	case SECRET_CHILD_FAILED:
		break;
	}
	snprintf(text, size, "its exit status was lost");
	return true;
}

/* The beginning of what it printed, errors before all else. */
static void
run_read_output(
    const struct secret_child_result *result, char output_r[HOOK_OUTPUT_SIZE])
{
	bool has_errors = result->errors_length > 0;

	secret_printable(has_errors ? result->errors : result->output,
	    has_errors ? result->errors_length : result->output_length,
	    output_r, HOOK_OUTPUT_SIZE);
}

static void
run_ended(const struct secret_child_result *result, void *arg)
{
	struct hook_run *run = arg;
	char output[HOOK_OUTPUT_SIZE], why[128], text[HOOK_TEXT_SIZE];
	bool has_failed = run_explain(run, result, why, sizeof(why));

	run_read_output(result, output);
	if (has_failed)
		snprintf(text, sizeof(text), "%s%s%s", why,
		    *output != '\0' ? ": " : "", output);
	run->child = NULL;
	batch_clear(&run->batch);
	run->ended(run, has_failed ? text : NULL, output, run->arg);
}

/*
 * A file without a name, so that a command may read it when and as far as it
 * likes; -1 with errno.
 */
static int
run_input(const struct hook_run *run)
{
	char *line = report_json(
	    run->kind, &run->batch, run->is_reminder, evpop_clock_unix_ms());
	int fd = -1;

	if (line == NULL)
		errno = ENOMEM;
	else
		fd = memfd_create("evpop-hook", MFD_CLOEXEC);
	if (fd >= 0 &&
	    (dprintf(fd, "%s\n", line) < 0 || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		fd = -1;
	}
	free(line);
	return fd;
}

bool
hook_run_start(struct hook_run *run, struct event_base *base,
    const char *command, char text[HOOK_TEXT_SIZE])
{
	char **environment =
	    report_environment(run->kind, &run->batch, run->is_reminder);
	struct secret_child_options options = {
		.command = command,
		.environment = (const char *const *)environment,
		.input = run_input(run),
		.timeout_ms = run->pace->timeout_ms,
		.farewell_ms = run->pace->farewell_ms,
		.drops_output = true,
	};

	if (environment == NULL)
		errno = ENOMEM;
	else if (options.input >= 0)
		run->child = secret_child_start(base, &options, run_ended, run);
	if (run->child == NULL) {
		snprintf(text, HOOK_TEXT_SIZE, "it cannot start: %s",
		    strerror(errno));
		batch_clear(&run->batch);
	}
	if (options.input >= 0)
		close(options.input);
	report_environment_free(environment);
	return run->child != NULL;
}

void
hook_run_kill(struct hook_run *run)
{
	secret_child_kill(&run->child);
	batch_clear(&run->batch);
}
