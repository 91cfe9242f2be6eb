#include "daemon/deliver/pipe_exit.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "daemon/secret/child.h"
#include "daemon/secret/line.h"
#include "lib/base/unit.h"

/* What a shell says of what it cannot execute, or find. */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND      127

/*
 * What is about the message or its recipient is refused: it stays, and a
 * person may try it again.  What says that the command is called wrongly is for
 * a person to mend, and holds up all.  Anything else may pass.
 */
static const struct {
	int status;
	enum carried outcome;
	const char *words;
} exits[] = {
	{ EX_OK, CARRIED_DELIVERED, "" },
	{ EX_USAGE, CARRIED_WRONG, "wrong usage" },
	{ EX_DATAERR, CARRIED_REFUSED, "the message is bad" },
	{ EX_NOINPUT, CARRIED_REFUSED, "the message is bad" },
	{ EX_NOUSER, CARRIED_REFUSED, "no such user" },
	{ EX_NOHOST, CARRIED_REFUSED, "no such host" },
	{ EX_UNAVAILABLE, CARRIED_LATER, "service unavailable" },
	{ EX_SOFTWARE, CARRIED_LATER, "internal error" },
	{ EX_OSERR, CARRIED_LATER, "system error" },
	{ EX_OSFILE, CARRIED_LATER, "a system file is missing" },
	{ EX_CANTCREAT, CARRIED_LATER, "cannot create output" },
	{ EX_IOERR, CARRIED_LATER, "input or output error" },
	{ EX_TEMPFAIL, CARRIED_LATER, "temporary failure" },
	{ EX_PROTOCOL, CARRIED_LATER, "protocol error" },
	/* Senders that are banned get it from help desks. */
	{ EX_NOPERM, CARRIED_REFUSED, "permission denied" },
	{ EX_CONFIG, CARRIED_WRONG, "its configuration is wrong" },
	{ EXIT_NOT_EXECUTABLE, CARRIED_WRONG, "it cannot be executed" },
	{ EXIT_NOT_FOUND, CARRIED_WRONG, "there is no such program" },
};

static enum carried
exit_find(int status, const char **words_r)
{
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
		if (exits[i].status != status)
			continue;
		*words_r = exits[i].words;
		return exits[i].outcome;
	}
	*words_r = "";
	return CARRIED_LATER;
}

/* Errors before all else. */
static void
exit_read_output(
    const struct secret_child_result *result, char *text, size_t size)
{
	bool has_errors = result->errors_length > 0;

	secret_printable(has_errors ? result->errors : result->output,
	    has_errors ? result->errors_length : result->output_length, text,
	    size);
}

static enum carried
exit_read_status(int status, char *why, size_t size, bool *was_cut_r)
{
	enum carried outcome = CARRIED_LATER;
	const char *words;

	if (WIFEXITED(status)) {
		outcome = exit_find(WEXITSTATUS(status), &words);
		if (outcome != CARRIED_DELIVERED)
			(void)snprintf(why, size, "exit status %d%s%s",
			    WEXITSTATUS(status), *words == '\0' ? "" : ", ",
			    words);
		return outcome;
	}
	*was_cut_r = true;
	(void)snprintf(why, size, "signal %d, %s", WTERMSIG(status),
	    strsignal(WTERMSIG(status)));
	return CARRIED_LATER;
}

struct carried_result
pipe_exit_read(const struct secret_child_result *child, int64_t timeout_ms,
    char text[PIPE_TEXT])
{
	char why[128] = "", output[PIPE_TEXT - sizeof(why) - 2], limit[24];
	enum carried outcome = CARRIED_LATER;
	bool was_cut = false;

	switch (child->end) {
	case SECRET_CHILD_EXITED:
		outcome =
		    exit_read_status(child->status, why, sizeof(why), &was_cut);
		break;
	case SECRET_CHILD_TIMEOUT:
		was_cut = true;
		evpop_unit_text(
		    timeout_ms, evpop_unit_durations, limit, sizeof(limit));
		(void)snprintf(why, sizeof(why),
		    "the command did not finish within %s, and was ended",
		    limit);
		break;
	case SECRET_CHILD_TOO_MUCH:
	case SECRET_CHILD_FAILED:
		was_cut = true;
		(void)snprintf(
		    why, sizeof(why), "the command's exit status was lost");
		break;
	}
	exit_read_output(child, output, sizeof(output));
	(void)snprintf(text, PIPE_TEXT, "%s%s%s", why,
	    *why != '\0' && *output != '\0' ? ": " : "", output);
	return (struct carried_result){ .outcome = outcome,
		.may_be_there = was_cut,
		.answer = *text != '\0' ? text : NULL };
}
