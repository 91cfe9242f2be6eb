#include "daemon/hook/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/text.h"

void
batch_begin(struct batch *batch)
{
	*batch = (struct batch){ .count = 0 };
	TAILQ_INIT(&batch->items);
}

void
batch_remove(struct batch *batch, struct batch_item *item)
{
	TAILQ_REMOVE(&batch->items, item, link);
	batch->count--;
	free(item->account);
	free(item->target);
	free(item->host);
	free(item->outcome);
	free(item->text);
	free(item->advice);
	free(item->messages);
	free(item);
}

void
batch_clear(struct batch *batch)
{
	while (!TAILQ_EMPTY(&batch->items))
		batch_remove(batch, TAILQ_FIRST(&batch->items));
	batch->more = 0;
}

bool
batch_is_empty(const struct batch *batch)
{
	return batch->count == 0 && batch->more == 0;
}

struct batch_item *
batch_find(const struct batch *batch, const struct batch_subject *subject)
{
	struct batch_item *item;

	TAILQ_FOREACH(item, &batch->items, link)
		if (evpop_text_equal(item->account, subject->account) &&
		    evpop_text_equal(item->target, subject->target))
			break;
	return item;
}

static void
item_set_text(char **text, const char *value)
{
	free(*text);
	*text = value != NULL ? strdup(value) : NULL;
}

static struct batch_item *
batch_item_new(const struct batch_subject *subject)
{
	struct batch_item *item = calloc(1, sizeof(*item));

	if (item == NULL)
		return NULL;
	item_set_text(&item->account, subject->account);
	item_set_text(&item->target, subject->target);
	if ((item->account != NULL) == (subject->account != NULL) &&
	    (item->target != NULL) == (subject->target != NULL))
		return item;
	free(item->account);
	free(item->target);
	free(item);
	return NULL;
}

struct batch_item *
batch_add(struct batch *batch, const struct batch_subject *subject)
{
	struct batch_item *item = batch_find(batch, subject);

	if (item != NULL)
		return item;
	if (batch->count < BATCH_ACCOUNTS)
		item = batch_item_new(subject);
	if (item == NULL) {
		batch->more++;
		return NULL;
	}
	TAILQ_INSERT_TAIL(&batch->items, item, link);
	batch->count++;
	return item;
}

void
batch_describe(struct batch_item *item, const struct batch_failure *failure)
{
	item_set_text(&item->host, failure->host);
	item_set_text(&item->outcome, failure->outcome);
	item_set_text(&item->text, failure->text);
	item_set_text(&item->advice, failure->advice);
	item->failing_since_ms = failure->failing_since_ms;
	item->needs_attention = failure->needs_attention;
}

void
batch_add_message(struct batch_item *item, int64_t id)
{
	int64_t *messages = NULL;

	if (item->message_count < BATCH_MESSAGES)
		messages = evpop_array_grow(item->messages, item->message_count,
		    &item->room, sizeof(*messages));
	if (messages == NULL) {
		item->more++;
		return;
	}
	item->messages = messages;
	item->messages[item->message_count++] = id;
}

void
batch_move(struct batch *to, struct batch *from)
{
	assert(batch_is_empty(to));
	TAILQ_CONCAT(&to->items, &from->items, link);
	to->count = from->count;
	to->more = from->more;
	from->count = 0;
	from->more = 0;
}
