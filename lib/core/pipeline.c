#include "lib/core/pipeline.h"

#include <string.h>

#include "lib/core/command.h"

struct evpop_queued *
evpop_pipeline_first(const struct evpop_pipeline *pipeline)
{
	return evpop_queue_at(&pipeline->queue, 0);
}

struct evpop_queued *
evpop_pipeline_owed(const struct evpop_pipeline *pipeline, size_t i)
{
	return i < pipeline->queue.sent ? evpop_queue_at(&pipeline->queue, i)
					: NULL;
}

const struct evpop_request *
evpop_pipeline_unsent(const struct evpop_pipeline *pipeline)
{
	const struct evpop_queued *next =
	    evpop_queue_at(&pipeline->queue, pipeline->queue.sent);

	return next == NULL ? NULL : &next->request;
}

/* An AUTH that was challenged once may be challenged again. */
static bool
pipeline_stops(const struct evpop_queued *queued)
{
	return evpop_command_stops(&queued->request) || queued->challenges > 0;
}

/* Count a command among those that are owed an answer, or no longer. */
static void
pipeline_count(
    struct evpop_pipeline *pipeline, const struct evpop_queued *queued, int n)
{
	if (evpop_command_rule(queued->request.command)->login)
		pipeline->logins += (size_t)n;
	if (pipeline_stops(queued))
		pipeline->stops += (size_t)n;
	if (queued->is_early)
		pipeline->early += (size_t)n;
}

/*
 * A NOOP that is lost holds nothing up: whoever sends it there wants to see by
 * what follows whether it was.
 */
static bool
pipeline_is_early(
    const struct evpop_pipeline *pipeline, const struct evpop_request *request)
{
	return pipeline->logins > 0 && request->command != EVPOP_COMMAND_NOOP;
}

static bool
pipeline_has_room(const struct evpop_pipeline *pipeline, size_t length)
{
	return pipeline->queue.sent == 0 ||
	       (pipeline->queue.sent < pipeline->window_commands &&
		   pipeline->outstanding_octets + length <=
		       pipeline->window_octets);
}

enum evpop_pipeline_status
evpop_pipeline_encode(
    struct evpop_pipeline *pipeline, const char **line_r, size_t *length_r)
{
	const struct evpop_request *next = evpop_pipeline_unsent(pipeline);
	struct evpop_queued *queued;
	size_t length;
	char *line;

	if (next == NULL || pipeline->stops > 0 ||
	    (pipeline->logins == 0 && pipeline->early > 0))
		return EVPOP_PIPELINE_WAITS;
	line =
	    evpop_output_reserve(&pipeline->output, evpop_command_room(next));
	if (line == NULL)
		return EVPOP_PIPELINE_NO_MEMORY;
	length = evpop_command_encode(next, line);
	if (!pipeline_has_room(pipeline, length)) {
		explicit_bzero(line, length);
		return EVPOP_PIPELINE_WAITS;
	}
	evpop_output_commit(&pipeline->output, length,
	    evpop_command_rule(next->command)->secret);
	pipeline->encoded += length;
	pipeline->outstanding_octets += length;
	queued = evpop_queue_at(&pipeline->queue, pipeline->queue.sent++);
	queued->wire_length = length;
	queued->wire_end = pipeline->encoded;
	queued->is_early = pipeline_is_early(pipeline, next);
	pipeline_count(pipeline, queued, 1);
	*line_r = line;
	*length_r = length - 2;
	return EVPOP_PIPELINE_SENT;
}

void
evpop_pipeline_sent(struct evpop_pipeline *pipeline)
{
	evpop_queued_forget_texts(
	    evpop_pipeline_owed(pipeline, pipeline->queue.sent - 1));
}

bool
evpop_pipeline_challenge(struct evpop_pipeline *pipeline)
{
	struct evpop_queued *auth = evpop_pipeline_first(pipeline), *queued;
	size_t i = 1;

	pipeline_count(pipeline, auth, -1);
	auth->challenges++;
	pipeline_count(pipeline, auth, 1);
	while ((queued = evpop_pipeline_owed(pipeline, i)) != NULL &&
	       queued->consumed)
		i++;
	if (queued == NULL)
		return true;
	pipeline_count(pipeline, queued, -1);
	queued->consumed = true;
	auth->swallowed = true;
	auth->wire_end = queued->wire_end;
	return false;
}

bool
evpop_pipeline_respond(
    struct evpop_pipeline *pipeline, const char *response, bool final)
{
	struct evpop_queued *auth = evpop_pipeline_first(pipeline);
	size_t length = strlen(response);
	char *line = evpop_output_reserve(&pipeline->output, length + 2);

	if (line == NULL)
		return false;
	memcpy(line, response, length);
	memcpy(line + length, "\r\n", 2);
	evpop_output_commit(&pipeline->output, length + 2, true);
	pipeline->encoded += length + 2;
	auth->wire_end = pipeline->encoded;
	auth->final = final;
	return true;
}

void
evpop_pipeline_pop(struct evpop_pipeline *pipeline)
{
	const struct evpop_queued *queued = evpop_pipeline_first(pipeline);

	if (pipeline->queue.sent > 0 && !queued->consumed)
		pipeline_count(pipeline, queued, -1);
	pipeline->outstanding_octets -= queued->wire_length;
	evpop_queue_pop(&pipeline->queue);
}

void
evpop_pipeline_written(struct evpop_pipeline *pipeline, size_t length)
{
	evpop_output_drain(&pipeline->output, length);
	pipeline->written += length;
}

void
evpop_pipeline_clear(struct evpop_pipeline *pipeline)
{
	evpop_queue_clear(&pipeline->queue);
	evpop_output_clear(&pipeline->output);
}
