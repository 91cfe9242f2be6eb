#include "daemon/deliver/imap_queue.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/deliver/parcel.h"

/* Octets of the place that is told; a longer name of a folder is cut. */
#define QUEUE_PLACE 320

/* An item, and what became of it. */
struct queue_slot {
	struct imap_item item; /* without a parcel: unused */
	struct carried_result result;
	char answer[EVPOP_TEXT_SIZE], place[QUEUE_PLACE];
};

struct imap_queue {
	const struct carrier_setup *setup;
	struct event tell;
	/* One more: from inside carried() another may come. */
	struct queue_slot slots[IMAP_DEPTH + 1];
	struct queue_slot *waiting[IMAP_DEPTH], *settled[IMAP_DEPTH];
	size_t waiting_count, settled_count;
	struct imap_verdict probe;
	bool is_probed, is_closed;
	bool is_telling, is_freed;
};

/* ---- telling ---- */

static void
queue_tell_settled(struct imap_queue *queue)
{
	struct queue_slot *slot = queue->settled[0];
	struct parcel *parcel = slot->item.parcel;

	queue->settled_count--;
	memmove(&queue->settled[0], &queue->settled[1],
	    queue->settled_count * sizeof(queue->settled[0]));
	queue->setup->carried(parcel, &slot->result, queue->setup->arg);
	slot->item.parcel = NULL;
}

static void
queue_tell_probed(struct imap_queue *queue)
{
	const struct carried_result result = {
		.outcome = queue->probe.outcome,
		.retry_after_ms = queue->probe.retry_after_ms,
		.answer = queue->probe.answer,
	};

	queue->is_probed = false;
	queue->setup->carried(NULL, &result, queue->setup->arg);
}

static void
queue_tell(evutil_socket_t fd, short what, void *arg)
{
	struct imap_queue *queue = arg;

	(void)fd;
	(void)what;
	queue->is_telling = true;
	while (queue->settled_count > 0 && !queue->is_freed)
		queue_tell_settled(queue);
	if (queue->is_probed && !queue->is_freed)
		queue_tell_probed(queue);
	if (queue->is_closed && !queue->is_freed) {
		queue->is_closed = false;
		queue->setup->closed(queue->setup->arg);
	}
	queue->is_telling = false;
	if (queue->is_freed)
		free(queue);
}

static void
queue_tell_soon(struct imap_queue *queue)
{
	event_active(&queue->tell, EV_TIMEOUT, 0);
}

/* ---- from outside ---- */

struct imap_queue *
imap_queue_new(const struct carrier_setup *setup)
{
	struct imap_queue *queue = calloc(1, sizeof(*queue));

	if (queue == NULL)
		return NULL;
	queue->setup = setup;
	(void)evtimer_assign(&queue->tell, setup->base, queue_tell, queue);
	return queue;
}

void
imap_queue_free(struct imap_queue **queue_p)
{
	struct imap_queue *queue = *queue_p;
	size_t i;

	*queue_p = NULL;
	for (i = 0; i < queue->waiting_count; i++)
		parcel_stop(queue->waiting[i]->item.parcel);
	event_del(&queue->tell);
	if (queue->is_telling)
		queue->is_freed = true;
	else
		free(queue);
}

void
imap_queue_add(struct imap_queue *queue, struct parcel *parcel, unsigned marks)
{
	struct queue_slot *slot = queue->slots;

	while (slot->item.parcel != NULL) {
		slot++;
		assert(slot <= queue->slots + IMAP_DEPTH);
	}
	slot->item = (struct imap_item){ parcel, marks, queue };
	queue->waiting[queue->waiting_count++] = slot;
}

size_t
imap_queue_count(const struct imap_queue *queue)
{
	return queue->waiting_count;
}

const struct imap_item *
imap_queue_at(const struct imap_queue *queue, size_t at)
{
	assert(at < queue->waiting_count);
	return &queue->waiting[at]->item;
}

/* Its place among those that wait. */
static size_t
queue_find(const struct imap_item *item)
{
	size_t at = 0;

	while (&item->queue->waiting[at]->item != item)
		assert(++at < item->queue->waiting_count);
	return at;
}

void
imap_queue_mark(const struct imap_item *item, enum imap_mark mark)
{
	item->queue->waiting[queue_find(item)]->item.marks |= mark;
}

bool
imap_item_is(const struct imap_item *item, enum imap_mark mark)
{
	return (item->marks & mark) != 0;
}

bool
imap_item_goes_to(
    const struct imap_item *item, const struct imap_folder *folder)
{
	return folder->name != NULL &&
	       strcmp(item->parcel->folder, folder->name) == 0;
}

void
imap_queue_settle(
    const struct imap_item *item, const struct carried_result *result)
{
	struct imap_queue *queue = item->queue;
	size_t at = queue_find(item);
	struct queue_slot *slot = queue->waiting[at];

	slot->result = *result;
	(void)snprintf(
	    slot->answer, sizeof(slot->answer), "%s", result->answer);
	slot->result.answer = slot->answer;
	if (result->place != NULL) {
		(void)snprintf(
		    slot->place, sizeof(slot->place), "%s", result->place);
		slot->result.place = slot->place;
	}
	queue->waiting_count--;
	memmove(&queue->waiting[at], &queue->waiting[at + 1],
	    (queue->waiting_count - at) * sizeof(queue->waiting[0]));
	queue->settled[queue->settled_count++] = slot;
	queue_tell_soon(queue);
}

void
imap_queue_settle_as(
    const struct imap_item *item, const struct imap_verdict *verdict)
{
	const struct carried_result result = {
		.outcome = verdict->outcome,
		.retry_after_ms = verdict->retry_after_ms,
		.answer = verdict->answer,
	};

	imap_queue_settle(item, &result);
}

void
imap_queue_settle_delivered(const struct imap_item *item, const char *folder,
    uint32_t uid, const char *answer)
{
	char place[QUEUE_PLACE];
	const struct carried_result result = {
		.outcome = CARRIED_DELIVERED,
		.answer = answer,
		.place = place,
	};
	int length = snprintf(place, sizeof(place), "%.290s",
	    folder[0] == '\0' ? "INBOX" : folder);

	if (uid != 0)
		(void)snprintf(place + length, sizeof(place) - (size_t)length,
		    ", UID %" PRIu32, uid);
	imap_queue_settle(item, &result);
}

void
imap_queue_settle_all(
    struct imap_queue *queue, const struct imap_verdict *verdict)
{
	while (queue->waiting_count > 0)
		imap_queue_settle_as(&queue->waiting[0]->item, verdict);
}

void
imap_queue_refuse_large(struct imap_queue *queue, uint64_t limit)
{
	struct imap_verdict verdict = { .outcome = CARRIED_REFUSED };
	const struct imap_item *item;
	size_t i;

	for (i = queue->waiting_count; limit > 0 && i-- > 0;) {
		item = &queue->waiting[i]->item;
		if (item->parcel->octets <= limit)
			continue;
		(void)snprintf(verdict.answer, sizeof(verdict.answer),
		    "It has %" PRIu64 " bytes; the server takes %" PRIu64
		    " at most",
		    item->parcel->octets, limit);
		imap_queue_settle_as(item, &verdict);
	}
}

void
imap_queue_probed(struct imap_queue *queue, const struct imap_verdict *verdict)
{
	queue->is_probed = true;
	queue->probe = *verdict;
	queue_tell_soon(queue);
}

void
imap_queue_closed(struct imap_queue *queue)
{
	queue->is_closed = true;
	queue_tell_soon(queue);
}
