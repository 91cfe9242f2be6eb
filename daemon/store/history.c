#include "daemon/store/history.h"

#include <event2/event.h>
#include <string.h>

#include "daemon/store/private.h"

static void
append(struct store_history_list *list, struct store_op *op)
{
	op->next = NULL;
	if (list->tail == NULL)
		list->head = op;
	else
		list->tail->next = op;
	list->tail = op;
}

/* Submitting an operation changes what follows it. */
static void
submit_all(struct store *store, struct store_history_list *list)
{
	struct store_op *op = list->head, *next;

	memset(list, 0, sizeof(*list));
	for (; op != NULL; op = next) {
		next = op->next;
		store_op_submit(store, op);
	}
}

static void
wait_is_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	store_history_flush(arg);
}

bool
store_history_init(struct store *store, struct event_base *base)
{
	store->history.timer = evtimer_new(base, wait_is_over, store);
	return store->history.timer != NULL;
}

void
store_history_destroy(struct store *store)
{
	if (store->history.timer != NULL)
		event_free(store->history.timer);
}

void
store_history_keep(struct store *store, struct store_op *op)
{
	const struct timeval wait = { .tv_sec = STORE_HISTORY_WAIT_MS / 1000 };
	struct store_history *history = &store->history;

	if (store->closing) {
		store_op_submit(store, op);
		return;
	}
	append(&history->rows, op);
	if (history->row_count++ == 0)
		evtimer_add(history->timer, &wait);
	if (history->row_count == STORE_HISTORY_ROWS)
		store_history_flush(store);
}

void
store_history_flush(struct store *store)
{
	struct store_history *history = &store->history;

	if (history->row_count == 0)
		return;
	history->row_count = 0;
	evtimer_del(history->timer);
	submit_all(store, &history->rows);
	history->flushed = history->submitted;
}

void
store_history_submitted(struct store *store)
{
	store->history.submitted++;
}

void
store_history_answered(struct store *store)
{
	struct store_history *history = &store->history;
	struct store_history_list *queries = &history->queries;
	struct store_op *op;

	history->answered++;
	while (
	    (op = queries->head) != NULL && op->records <= history->answered) {
		queries->head = op->next;
		if (queries->head == NULL)
			queries->tail = NULL;
		store_op_submit(store, op);
	}
}

/* What is kept back later is not waited for: that might have no end. */
void
store_history_query(struct store *store, struct store_op *op)
{
	struct store_history *history = &store->history;

	store_history_flush(store);
	if (history->answered >= history->flushed) {
		store_op_submit(store, op);
		return;
	}
	op->records = history->flushed;
	append(&history->queries, op);
}

void
store_history_close(struct store *store)
{
	store_history_flush(store);
	submit_all(store, &store->history.queries);
}
