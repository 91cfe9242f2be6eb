#include "daemon/store/mailbox.h"

#include <assert.h>
#include <event2/event.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/store/op.h"

bool
store_mailbox_init(struct store_mailbox *mailbox, struct event_base *base,
    void (*woken)(int fd, short what, void *arg), void *arg)
{
	STAILQ_INIT(&mailbox->ops);
	if (pthread_mutex_init(&mailbox->mutex, NULL) != 0)
		return false;
	mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->fd == -1)
		goto no_fd;
	mailbox->woken =
	    event_new(base, mailbox->fd, EV_READ | EV_PERSIST, woken, arg);
	if (mailbox->woken == NULL)
		goto no_event;
	if (event_add(mailbox->woken, NULL) == 0)
		return true;
	event_free(mailbox->woken);
no_event:
	close(mailbox->fd);
no_fd:
	pthread_mutex_destroy(&mailbox->mutex);
	return false;
}

void
store_mailbox_destroy(struct store_mailbox *mailbox)
{
	assert(STAILQ_EMPTY(&mailbox->ops));
	event_free(mailbox->woken);
	close(mailbox->fd);
	pthread_mutex_destroy(&mailbox->mutex);
}

static void
mailbox_lock(struct store_mailbox *mailbox)
{
	int failed = pthread_mutex_lock(&mailbox->mutex);

	assert(failed == 0);
}

void
store_mailbox_post_all(
    struct store_mailbox *mailbox, struct store_op_list *list)
{
	const uint64_t one = 1;
	ssize_t written;

	mailbox_lock(mailbox);
	STAILQ_CONCAT(&mailbox->ops, list);
	pthread_mutex_unlock(&mailbox->mutex);
	/* It can only fail when the counter is full, and then it is awake. */
	written = write(mailbox->fd, &one, sizeof(one));
	(void)written;
}

void
store_mailbox_post(struct store_mailbox *mailbox, struct store_op *op)
{
	struct store_op_list list = STAILQ_HEAD_INITIALIZER(list);

	if (op != NULL)
		STAILQ_INSERT_TAIL(&list, op, next);
	store_mailbox_post_all(mailbox, &list);
}

void
store_mailbox_collect(
    struct store_mailbox *mailbox, struct store_op_list *list_r)
{
	uint64_t count;
	ssize_t got = read(mailbox->fd, &count, sizeof(count));

	(void)got;
	mailbox_lock(mailbox);
	STAILQ_CONCAT(list_r, &mailbox->ops);
	pthread_mutex_unlock(&mailbox->mutex);
}
