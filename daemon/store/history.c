#include "daemon/store/history.h"

#include <event2/event.h>
#include <stdlib.h>

static void
history_wait_is_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	store_history_flush(arg);
}

struct store_history *
store_history_new(struct store_ops *ops, struct event_base *base)
{
	struct store_history *history = calloc(1, sizeof(*history));

	if (history == NULL)
		return NULL;
	history->ops = ops;
	STAILQ_INIT(&history->rows);
	STAILQ_INIT(&history->queries);
	history->timer = evtimer_new(base, history_wait_is_over, history);
	if (history->timer != NULL)
		return history;
	free(history);
	return NULL;
}

void
store_history_free(struct store_history *history)
{
	event_free(history->timer);
	free(history);
}

static void
history_submit_all(struct store_history *history, struct store_op_list *list)
{
	struct store_op *op;

	while ((op = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		store_op_submit(history->ops, op);
	}
}

void
store_history_keep(struct store_history *history, struct store_op *op)
{
	const struct timeval wait = { .tv_sec = STORE_HISTORY_WAIT_MS / 1000 };

	if (history->is_closed) {
		store_history_submit(history, op);
		return;
	}
	STAILQ_INSERT_TAIL(&history->rows, op, next);
	if (history->row_count++ == 0)
		evtimer_add(history->timer, &wait);
	if (history->row_count == STORE_HISTORY_ROWS)
		store_history_flush(history);
}

void
store_history_submit(struct store_history *history, struct store_op *op)
{
	store_history_flush(history);
	history->submitted++;
	store_op_submit(history->ops, op);
}

void
store_history_flush(struct store_history *history)
{
	if (history->row_count == 0)
		return;
	evtimer_del(history->timer);
	history->submitted += history->row_count;
	history->flushed = history->submitted;
	history->row_count = 0;
	history_submit_all(history, &history->rows);
}

void
store_history_answered(struct store_history *history)
{
	struct store_op *op;

	history->answered++;
	while ((op = STAILQ_FIRST(&history->queries)) != NULL &&
	       store_op_awaits(op) <= history->answered) {
		STAILQ_REMOVE_HEAD(&history->queries, next);
		store_op_submit(history->ops, op);
	}
}

/*
 * The query does not wait for rows that are kept back later: that could take
 * for ever.
 */
void
store_history_query(struct store_history *history, struct store_op *op)
{
	store_history_flush(history);
	if (history->answered >= history->flushed) {
		store_op_submit(history->ops, op);
		return;
	}
	store_op_await(op, history->flushed);
	STAILQ_INSERT_TAIL(&history->queries, op, next);
}

void
store_history_close(struct store_history *history)
{
	store_history_flush(history);
	history->is_closed = true;
	history_submit_all(history, &history->queries);
}
