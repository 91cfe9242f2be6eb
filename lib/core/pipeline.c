#include "lib/core/pipeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/guarded.h"
#include "lib/core/command.h"

#define OUTPUT_FIRST 256

/* ---- the queue of commands ---- */

/* The i-th from the front; NULL past the end. */
static struct evpop_queued *
queue_at(const struct evpop_queue *queue, size_t i)
{
	if (i >= queue->length)
		return NULL;
	return &queue->slots[(queue->head + i) & (queue->room - 1)];
}

static bool
queue_grow(struct evpop_queue *queue)
{
	struct evpop_queued *slots;
	size_t room, i;

	room = queue->room == 0 ? 8 : queue->room * 2;
	slots = calloc(room, sizeof *slots);
	if (slots == NULL)
		return false;
	for (i = 0; i < queue->length; i++)
		slots[i] = *queue_at(queue, i);
	free(queue->slots);
	queue->slots = slots;
	queue->room = room;
	queue->head = 0;
	return true;
}

/* Texts of commands that carry a secret lie in guarded memory. */
static bool
queued_is_secret(const struct evpop_queued *queued)
{
	return evpop_command_rule(queued->request.command)->secret;
}

static char *
queued_copy_text(const struct evpop_queued *queued, const char *text)
{
	return queued_is_secret(queued) ? evpop_guarded_copy(text, strlen(text))
					: strdup(text);
}

static void
queued_free_text(const struct evpop_queued *queued, char *text)
{
	if (queued_is_secret(queued)) {
		evpop_guarded_free(text);
		return;
	}
	/* A user name says more than others need to know. */
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* False without memory, having copied nothing. */
static bool
queue_copy_texts(
    struct evpop_queued *queued, const struct evpop_request *request)
{
	if (request->text != NULL) {
		queued->text = queued_copy_text(queued, request->text);
		if (queued->text == NULL)
			return false;
	}
	if (request->initial != NULL) {
		queued->initial = queued_copy_text(queued, request->initial);
		if (queued->initial == NULL) {
			queued_free_text(queued, queued->text);
			return false;
		}
	}
	queued->request.text = queued->text;
	queued->request.initial = queued->initial;
	return true;
}

static bool
queue_push(struct evpop_queue *queue, const struct evpop_request *request)
{
	struct evpop_queued queued = {
		.request = *request,
		.had_text = request->text != NULL,
		.final = request->final,
	};

	if (queue->length == queue->room && !queue_grow(queue))
		return false;
	if (!queue_copy_texts(&queued, request))
		return false;
	queue->length++;
	*queue_at(queue, queue->length - 1) = queued;
	return true;
}

static void
queued_forget_texts(struct evpop_queued *queued)
{
	queued_free_text(queued, queued->text);
	queued_free_text(queued, queued->initial);
	queued->request.text = queued->text = NULL;
	queued->request.initial = queued->initial = NULL;
}

static void
queue_retract(struct evpop_queue *queue)
{
	assert(queue->length > queue->sent);
	queued_forget_texts(queue_at(queue, queue->length - 1));
	queue->length--;
}

static void
queue_pop(struct evpop_queue *queue)
{
	assert(queue->length > 0);
	queued_forget_texts(queue_at(queue, 0));
	queue->head = (queue->head + 1) & (queue->room - 1);
	queue->length--;
	if (queue->sent > 0)
		queue->sent--;
}

static void
queue_clear(struct evpop_queue *queue)
{
	while (queue->length > 0)
		queue_pop(queue);
	free(queue->slots);
	memset(queue, 0, sizeof *queue);
}

/* ---- the output ---- */

static void
output_free(struct evpop_output *output)
{
	if (output->is_guarded)
		evpop_guarded_free(output->bytes);
	else
		free(output->bytes);
	*output = (struct evpop_output){ .bytes = NULL };
}

/*
 * Room for `length` more octets, to be confirmed; NULL without memory.  What
 * holds a secret is guarded until all of it is written.
 */
static char *
output_reserve(struct evpop_output *output, size_t length, bool is_secret)
{
	const bool is_guarded = output->is_guarded || is_secret;
	size_t unsent = output->end - output->start;
	size_t room = output->room == 0 ? OUTPUT_FIRST : output->room;
	char *bytes;

	if (is_guarded == output->is_guarded &&
	    output->room - output->end >= length)
		return output->bytes + output->end;
	while (room - unsent < length)
		room *= 2;
	bytes = is_guarded ? evpop_guarded_alloc(room) : malloc(room);
	if (bytes == NULL)
		return NULL;
	if (unsent > 0) {
		memcpy(bytes, output->bytes + output->start, unsent);
		explicit_bzero(output->bytes + output->start, unsent);
	}
	output_free(output);
	*output = (struct evpop_output){
		.bytes = bytes,
		.end = unsent,
		.room = room,
		.is_guarded = is_guarded,
	};
	return bytes + unsent;
}

/* The first `length` octets were written. */
static void
output_drain(struct evpop_output *output, size_t length)
{
	assert(length <= output->end - output->start);
	if (length > 0)
		explicit_bzero(output->bytes + output->start, length);
	output->start += length;
	if (output->start < output->end)
		return;
	output->start = output->end = 0;
	/* Guarded memory is scarce, and the commands that follow have no need.
	 */
	if (output->is_guarded)
		output_free(output);
}

static void
output_clear(struct evpop_output *output)
{
	output_drain(output, output->end - output->start);
	output_free(output);
}

/* ---- what may go out, and what is owed ---- */

void
evpop_pipeline_set_window(
    struct evpop_pipeline *pipeline, uint32_t commands, size_t octets)
{
	if (commands > 0)
		pipeline->window_commands = commands;
	if (octets > 0)
		pipeline->window_octets = octets;
}

bool
evpop_pipeline_push(
    struct evpop_pipeline *pipeline, const struct evpop_request *request)
{
	return queue_push(&pipeline->queue, request);
}

void
evpop_pipeline_retract(struct evpop_pipeline *pipeline)
{
	queue_retract(&pipeline->queue);
}

size_t
evpop_pipeline_length(const struct evpop_pipeline *pipeline)
{
	return pipeline->queue.length;
}

size_t
evpop_pipeline_outstanding(const struct evpop_pipeline *pipeline)
{
	return pipeline->queue.sent;
}

bool
evpop_pipeline_awaits_login(const struct evpop_pipeline *pipeline)
{
	return pipeline->logins > 0;
}

const struct evpop_queued *
evpop_pipeline_last(const struct evpop_pipeline *pipeline)
{
	return queue_at(&pipeline->queue, pipeline->queue.length - 1);
}

struct evpop_queued *
evpop_pipeline_first(const struct evpop_pipeline *pipeline)
{
	return queue_at(&pipeline->queue, 0);
}

struct evpop_queued *
evpop_pipeline_owed(const struct evpop_pipeline *pipeline, size_t i)
{
	return i < pipeline->queue.sent ? queue_at(&pipeline->queue, i) : NULL;
}

const struct evpop_request *
evpop_pipeline_unsent(const struct evpop_pipeline *pipeline)
{
	const struct evpop_queued *next =
	    queue_at(&pipeline->queue, pipeline->queue.sent);

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
	line = output_reserve(&pipeline->output, evpop_command_room(next),
	    evpop_command_rule(next->command)->secret);
	if (line == NULL)
		return EVPOP_PIPELINE_NO_MEMORY;
	length = evpop_command_encode(next, line);
	if (!pipeline_has_room(pipeline, length)) {
		explicit_bzero(line, length);
		return EVPOP_PIPELINE_WAITS;
	}
	pipeline->output.end += length;
	pipeline->encoded += length;
	pipeline->outstanding_octets += length;
	queued = queue_at(&pipeline->queue, pipeline->queue.sent++);
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
	queued_forget_texts(
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
	char *line = output_reserve(&pipeline->output, length + 2, true);

	if (line == NULL)
		return false;
	memcpy(line, response, length);
	memcpy(line + length, "\r\n", 2);
	pipeline->output.end += length + 2;
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
	queue_pop(&pipeline->queue);
}

bool
evpop_pipeline_is_written(
    const struct evpop_pipeline *pipeline, const struct evpop_queued *queued)
{
	return queued->wire_end <= pipeline->written;
}

const unsigned char *
evpop_pipeline_output(const struct evpop_pipeline *pipeline, size_t *length_r)
{
	const struct evpop_output *output = &pipeline->output;

	*length_r = output->end - output->start;
	return *length_r == 0
		   ? NULL
		   : (const unsigned char *)output->bytes + output->start;
}

void
evpop_pipeline_drop_output(struct evpop_pipeline *pipeline)
{
	output_clear(&pipeline->output);
}

void
evpop_pipeline_written(struct evpop_pipeline *pipeline, size_t length)
{
	output_drain(&pipeline->output, length);
	pipeline->written += length;
}

void
evpop_pipeline_clear(struct evpop_pipeline *pipeline)
{
	queue_clear(&pipeline->queue);
	output_clear(&pipeline->output);
}
