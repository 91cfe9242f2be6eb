#include "daemon/deliver/settling.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"

/* So many in one call: the rest follows at once. */
#define SETTLING_MOST 512

struct settling_entry {
	STAILQ_ENTRY(settling_entry) link;
	struct load_item *item;
	struct store_outbox_result result;
	char *answer, *place;
};
STAILQ_HEAD(settling_list, settling_entry);

/* Outlives the rest where the store has not answered by then. */
struct settling_call {
	struct settling *settling; /* NULL: it has gone */
};

struct settling {
	struct store *store;
	settling_cb cb;
	settling_over_cb over;
	void *arg;
	struct settling_list waiting, asked;
	size_t count;
	struct settling_call *call; /* under way */
};

struct settling *
settling_new(
    struct store *store, settling_cb cb, settling_over_cb over, void *arg)
{
	struct settling *settling = calloc(1, sizeof(*settling));

	if (settling == NULL)
		return NULL;
	settling->store = store;
	settling->cb = cb;
	settling->over = over;
	settling->arg = arg;
	STAILQ_INIT(&settling->waiting);
	STAILQ_INIT(&settling->asked);
	return settling;
}

static void
settling_entry_free(struct settling_entry *entry)
{
	free(entry->answer);
	free(entry->place);
	free(entry);
}

static void
settling_clear(struct settling_list *list)
{
	struct settling_entry *entry;

	while ((entry = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, link);
		settling_entry_free(entry);
	}
}

void
settling_free(struct settling **settling_p)
{
	struct settling *settling = *settling_p;

	*settling_p = NULL;
	if (settling == NULL)
		return;
	if (settling->call != NULL)
		settling->call->settling = NULL;
	settling_clear(&settling->waiting);
	settling_clear(&settling->asked);
	free(settling);
}

bool
settling_add(struct settling *settling, struct load_item *item,
    const struct store_outbox_result *result)
{
	struct settling_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return false;
	entry->item = item;
	entry->result = *result;
	if (result->answer != NULL)
		entry->answer = strdup(result->answer);
	if (result->place != NULL)
		entry->place = strdup(result->place);
	/* Words are missed less than the outcome. */
	entry->result.answer = entry->answer;
	entry->result.place = entry->place;
	STAILQ_INSERT_TAIL(&settling->waiting, entry, link);
	settling->count++;
	return true;
}

static void
settling_answered(enum store_status status, void *arg)
{
	struct settling_call *call = arg;
	struct settling *settling = call->settling;
	struct settling_entry *entry;

	free(call);
	if (settling == NULL)
		return;
	settling->call = NULL;
	if (status == STORE_OK)
		FAILPOINT("deliver-settled");
	else {
		STAILQ_CONCAT(&settling->asked, &settling->waiting);
		STAILQ_CONCAT(&settling->waiting, &settling->asked);
	}
	while ((entry = STAILQ_FIRST(&settling->asked)) != NULL) {
		STAILQ_REMOVE_HEAD(&settling->asked, link);
		settling->count--;
		settling->cb(entry->item, &entry->result, settling->arg);
		settling_entry_free(entry);
	}
	settling->over(status, settling->arg);
}

/* Returns how many there are. */
static size_t
settling_gather(struct settling *settling, struct store_outbox_result results[])
{
	struct settling_entry *entry;
	size_t count = 0;

	while (count < SETTLING_MOST &&
	       (entry = STAILQ_FIRST(&settling->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&settling->waiting, link);
		STAILQ_INSERT_TAIL(&settling->asked, entry, link);
		results[count++] = entry->result;
	}
	return count;
}

void
settling_ask(struct settling *settling)
{
	struct store_outbox_result results[SETTLING_MOST];
	size_t count;

	if (settling->call != NULL || STAILQ_EMPTY(&settling->waiting))
		return;
	settling->call = calloc(1, sizeof(*settling->call));
	if (settling->call == NULL)
		return;
	settling->call->settling = settling;
	FAILPOINT("deliver-carried");
	count = settling_gather(settling, results);
	store_outbox_settle(
	    settling->store, results, count, settling_answered, settling->call);
}

size_t
settling_count(const struct settling *settling)
{
	return settling->count;
}
