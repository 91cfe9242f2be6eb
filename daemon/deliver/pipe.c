/*
 * Messages for a command: it gets each on its standard input, with what there
 * is to know of it in its environment, and says by its exit status what became
 * of it.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/program.h"
#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/parcel.h"
#include "daemon/deliver/pipe_exit.h"
#include "daemon/deliver/pipe_variables.h"
#include "daemon/deliver/spool.h"
#include "daemon/deliver/worker.h"
#include "daemon/failpoint/failpoint.h"
#include "daemon/secret/child.h"

/* Between SIGTERM and SIGKILL, of a command that takes too long. */
#define FAREWELL_MS 5000

struct carrier {
	struct carrier_setup setup;
	struct spool *spool;
	struct worker *worker;      /* starts commands; NULL: none yet */
	struct secret_child *child; /* NULL: none runs, or it is started */
	struct parcel *parcel;      /* NULL: a probe, or nothing */
	struct event *probed;
};

static void
pipe_answer(struct carrier *carrier, const struct carried_result *result)
{
	struct parcel *parcel = carrier->parcel;

	carrier->parcel = NULL;
	/* It may be the end of the carrier. */
	carrier->setup.carried(parcel, result, carrier->setup.arg);
}

static void
pipe_ended(const struct secret_child_result *child, void *arg)
{
	struct carrier *carrier = arg;
	const int64_t timeout_ms = carrier->setup.target->timeout_ms;
	char text[PIPE_TEXT];
	const struct carried_result result =
	    pipe_exit_read(child, timeout_ms, text);

	carrier->child = NULL;
	FAILPOINT("pipe-ended");
	spool_clear(carrier->spool);
	pipe_answer(carrier, &result);
}

/* A program that is missing is for a person to mend, and full tables pass. */
static void
pipe_fail(struct carrier *carrier, int error)
{
	const bool is_wrong = error == ENOENT || error == EACCES ||
			      error == ENOEXEC || error == ENOTDIR ||
			      error == EPERM || error == EINVAL;
	char text[PIPE_TEXT];

	spool_clear(carrier->spool);
	(void)snprintf(text, sizeof(text), "the command cannot start: %s%s",
	    strerror(error),
	    error == EPERM ? "; reload the configuration if it has changed"
			   : "");
	pipe_answer(
	    carrier, &(struct carried_result){
			 .outcome = is_wrong ? CARRIED_WRONG : CARRIED_DOWN,
			 .answer = text });
}

/* ---- the start, on a thread: the system takes its time for it ---- */

/* A command that is to be started; it may outlive the carrier. */
struct start {
	struct worker_job job;
	struct secret_child *child;
	char *command, **variables;
	int error;
};

/* What the thread knows; it goes when that has ended. */
struct desk {
	struct worker *worker;
	struct carrier *carrier; /* the loop's */
};

static void
start_free(struct start *start)
{
	secret_child_abandon(&start->child);
	free(start->command);
	free(start->variables);
	free(start);
}

static void
start_run(struct worker_job *job, void *arg)
{
	struct start *start = (struct start *)job;
	struct desk *desk = arg;

	FAILPOINT("pipe-start");
	start->error = secret_child_spawn(start->child);
	FAILPOINT("pipe-started");
	worker_answer(desk->worker, job);
}

static void
start_rest(void *arg)
{
	(void)arg;
}

static void
start_drop(struct worker_job *job, void *arg)
{
	(void)arg;
	start_free((struct start *)job);
}

static void
start_ended(void *arg)
{
	free(arg);
}

static void
start_answered(struct worker_job *job, void *arg)
{
	struct start *start = (struct start *)job;
	struct carrier *carrier = ((struct desk *)arg)->carrier;
	int error = start->error;

	if (error == 0) {
		error = secret_child_watch(start->child);
		carrier->child = error == 0 ? start->child : NULL;
		start->child = NULL;
	}
	start_free(start);
	if (error != 0)
		pipe_fail(carrier, error);
}

/* False without memory, or where no thread can be started. */
static bool
pipe_open_desk(struct carrier *carrier)
{
	static const struct worker_handler handler = { start_run, start_rest,
		start_answered, start_drop, start_ended };
	struct desk *desk;

	if (carrier->worker != NULL)
		return true;
	desk = calloc(1, sizeof(*desk));
	if (desk == NULL)
		return false;
	desk->carrier = carrier;
	desk->worker = worker_new(carrier->setup.base, &handler, desk);
	if (desk->worker == NULL) {
		free(desk);
		return false;
	}
	carrier->worker = desk->worker;
	return true;
}

/* NULL with errno. */
static struct start *
start_new(struct carrier *carrier, int fd)
{
	const struct config_target *target = carrier->setup.target;
	struct start *start = calloc(1, sizeof(*start));
	struct secret_child_options options = {
		.is_words = !target->shell,
		.memory = target->memory_limit,
		.input = fd,
		.timeout_ms = target->timeout_ms,
		.farewell_ms = FAREWELL_MS,
		.output_most = SECRET_CHILD_OUTPUT_LEAST,
		.drops_output = true,
	};
	int error = ENOMEM;

	if (start == NULL)
		return NULL;
	start->command = strdup(target->command);
	start->variables = pipe_variables_make(carrier->parcel, target->name);
	options.command = start->command;
	options.environment = (const char *const *)start->variables;
	if (start->command != NULL && start->variables != NULL) {
		start->child = secret_child_prepare(
		    carrier->setup.base, &options, pipe_ended, carrier);
		error = errno;
	}
	if (start->child != NULL)
		return start;
	start_free(start);
	errno = error;
	return NULL;
}

static void
pipe_start(struct carrier *carrier, int fd)
{
	struct start *start = start_new(carrier, fd);

	if (start == NULL) {
		pipe_fail(carrier, errno);
	} else if (!pipe_open_desk(carrier) ||
		   !worker_push(carrier->worker, &start->job)) {
		start_free(start);
		pipe_fail(carrier, ENOMEM);
	}
}

static void
pipe_spooled(enum spooled spooled, int fd, const char *why, void *arg)
{
	struct carrier *carrier = arg;

	if (spooled == SPOOL_DONE) {
		pipe_start(carrier, fd);
		return;
	}
	spool_clear(carrier->spool);
	pipe_answer(carrier,
	    &(struct carried_result){ .outcome = spooled == SPOOL_UNREAD
						     ? CARRIED_UNREAD
						     : CARRIED_DOWN,
		.answer = spooled == SPOOL_UNREAD ? NULL : why });
}

static void
pipe_carry(struct carrier *carrier, struct parcel *parcel)
{
	carrier->parcel = parcel;
	spool_take(carrier->spool, parcel);
}

/* ---- without a message ---- */

static void
pipe_probed(evutil_socket_t fd, short what, void *arg)
{
	struct carrier *carrier = arg;
	const struct config_target *target = carrier->setup.target;
	char text[PIPE_TEXT], word[256];
	int error = config_program_look(
	    target->command, target->shell, word, sizeof(word));

	(void)fd;
	(void)what;
	if (error != 0)
		(void)snprintf(text, sizeof(text), "%s: %s", word,
		    error == ENOENT ? "there is no such program"
				    : strerror(error));
	else
		(void)snprintf(text, sizeof(text),
		    "%s; it is not started without a message",
		    *word != '\0' ? word : "the command is for a shell");
	carrier->setup.carried(NULL,
	    &(struct carried_result){
		.outcome = error == 0 ? CARRIED_DELIVERED : CARRIED_WRONG,
		.answer = text },
	    carrier->setup.arg);
}

static void
pipe_probe(struct carrier *carrier)
{
	event_active(carrier->probed, EV_TIMEOUT, 0);
}

/* ---- its life ---- */

static void
pipe_end(struct carrier *carrier)
{
	if (carrier->worker != NULL)
		worker_free(&carrier->worker);
	secret_child_kill(&carrier->child);
	spool_free(&carrier->spool);
	if (carrier->probed != NULL)
		event_free(carrier->probed);
	free(carrier);
}

static struct carrier *
pipe_begin(const struct carrier_setup *setup)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));

	if (carrier == NULL)
		return NULL;
	carrier->setup = *setup;
	carrier->spool = spool_new(setup->base, setup->folder,
	    setup->target->line_ends, pipe_spooled, carrier);
	carrier->probed = evtimer_new(setup->base, pipe_probed, carrier);
	if (carrier->spool == NULL || carrier->probed == NULL) {
		pipe_end(carrier);
		return NULL;
	}
	return carrier;
}

const struct carrier_type carrier_pipe = {
	.depth = 1,
	.begin = pipe_begin,
	.carry = pipe_carry,
	.end = pipe_end,
	.probe = pipe_probe,
};
