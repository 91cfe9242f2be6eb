#include "lib/core/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool
grow(struct evpop_queue *queue)
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

bool
evpop_queue_push(struct evpop_queue *queue, const struct evpop_request *request)
{
	struct evpop_queued *queued;
	char *text = NULL;

	if (queue->length == queue->room && !grow(queue))
		return false;
	if (request->text != NULL) {
		text = strdup(request->text);
		if (text == NULL)
			return false;
	}
	queue->length++;
	queued = evpop_queue_at(queue, queue->length - 1);
	memset(queued, 0, sizeof *queued);
	queued->request = *request;
	queued->request.text = queued->text = text;
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
evpop_queued_forget_text(struct evpop_queued *queued)
{
	if (queued->text == NULL)
		return;
	explicit_bzero(queued->text, strlen(queued->text));
	free(queued->text);
	queued->request.text = queued->text = NULL;
}

void
evpop_queue_pop(struct evpop_queue *queue)
{
	assert(queue->length > 0);
	evpop_queued_forget_text(evpop_queue_at(queue, 0));
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
