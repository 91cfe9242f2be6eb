#include "daemon/poll/schedule.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool
schedule_reserve(struct schedule *schedule, size_t items)
{
	struct schedule_item **heap;

	assert(items <= UINT32_MAX);
	if (items <= schedule->room)
		return true;
	heap = reallocarray(schedule->heap, items, sizeof(*heap));
	if (heap == NULL)
		return false;
	schedule->heap = heap;
	schedule->room = items;
	return true;
}

static void
schedule_place(
    struct schedule *schedule, struct schedule_item *item, size_t position)
{
	schedule->heap[position - 1] = item;
	item->position = (uint32_t)position;
}

static void
schedule_sift_up(struct schedule *schedule, struct schedule_item *item)
{
	struct schedule_item *parent;
	size_t position = item->position;

	while (position > 1) {
		parent = schedule->heap[position / 2 - 1];
		if (parent->due_ms <= item->due_ms)
			break;
		schedule_place(schedule, parent, position);
		position /= 2;
	}
	schedule_place(schedule, item, position);
}

static void
schedule_sift_down(struct schedule *schedule, struct schedule_item *item)
{
	struct schedule_item *child;
	size_t position = item->position, next;

	while ((next = position * 2) <= schedule->count) {
		if (next < schedule->count &&
		    schedule->heap[next]->due_ms <
			schedule->heap[next - 1]->due_ms)
			next++;
		child = schedule->heap[next - 1];
		if (item->due_ms <= child->due_ms)
			break;
		schedule_place(schedule, child, position);
		position = next;
	}
	schedule_place(schedule, item, position);
}

void
schedule_set(
    struct schedule *schedule, struct schedule_item *item, int64_t due_ms)
{
	item->due_ms = due_ms;
	if (item->position == 0) {
		assert(schedule->count < schedule->room);
		schedule_place(schedule, item, ++schedule->count);
	}
	schedule_sift_up(schedule, item);
	schedule_sift_down(schedule, item);
}

void
schedule_remove(struct schedule *schedule, struct schedule_item *item)
{
	struct schedule_item *last;
	size_t position = item->position;

	if (position == 0)
		return;
	item->position = 0;
	last = schedule->heap[--schedule->count];
	if (last == item)
		return;
	schedule_place(schedule, last, position);
	schedule_sift_up(schedule, last);
	schedule_sift_down(schedule, last);
}

struct schedule_item *
schedule_first(const struct schedule *schedule)
{
	return schedule->count > 0 ? schedule->heap[0] : NULL;
}

void
schedule_clear(struct schedule *schedule)
{
	free(schedule->heap);
	memset(schedule, 0, sizeof *schedule);
}
