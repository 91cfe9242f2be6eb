#include "lib/core/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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
		slots[i] = *evpop_queue_at(queue, i);
	free(queue->slots);
	queue->slots = slots;
	queue->room = room;
	queue->head = 0;
	return true;
}

static void
queue_wipe(char *text)
{
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
		queued->text = strdup(request->text);
		if (queued->text == NULL)
			return false;
	}
	if (request->initial != NULL) {
		queued->initial = strdup(request->initial);
		if (queued->initial == NULL) {
			queue_wipe(queued->text);
			return false;
		}
	}
	queued->request.text = queued->text;
	queued->request.initial = queued->initial;
	return true;
}

bool
evpop_queue_push(struct evpop_queue *queue, const struct evpop_request *request)
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
	*evpop_queue_at(queue, queue->length - 1) = queued;
	return true;
}

struct evpop_queued *
evpop_queue_at(const struct evpop_queue *queue, size_t i)
{
	if (i >= queue->length)
		return NULL;
	return &queue->slots[(queue->head + i) & (queue->room - 1)];
}

void
evpop_queued_forget_texts(struct evpop_queued *queued)
{
	queue_wipe(queued->text);
	queue_wipe(queued->initial);
	queued->request.text = queued->text = NULL;
	queued->request.initial = queued->initial = NULL;
}

void
evpop_queue_retract(struct evpop_queue *queue)
{
	assert(queue->length > queue->sent);
	evpop_queued_forget_texts(evpop_queue_at(queue, queue->length - 1));
	queue->length--;
}

void
evpop_queue_pop(struct evpop_queue *queue)
{
	assert(queue->length > 0);
	evpop_queued_forget_texts(evpop_queue_at(queue, 0));
	queue->head = (queue->head + 1) & (queue->room - 1);
	queue->length--;
	if (queue->sent > 0)
		queue->sent--;
}

void
evpop_queue_clear(struct evpop_queue *queue)
{
	while (queue->length > 0)
		evpop_queue_pop(queue);
	free(queue->slots);
	memset(queue, 0, sizeof *queue);
}
