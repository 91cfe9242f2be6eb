/*
 * The way back: threads post finished operations, and the loop is woken by an
 * eventfd to collect them.
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>

#include "daemon/store/queue.h"

struct event;
struct event_base;

struct store_mailbox {
	pthread_mutex_t mutex;
	struct store_op_list ops;
	int fd;
	struct event *woken;
};

/* `woken` runs on the loop when there is something to collect. */
bool store_mailbox_init(struct store_mailbox *, struct event_base *,
    void (*woken)(int fd, short what, void *arg), void *arg)
    __attribute__((warn_unused_result));
void store_mailbox_destroy(struct store_mailbox *);

/* Post an operation (NULL: only wake the loop), or all of a list. */
void store_mailbox_post(struct store_mailbox *, struct store_op *);
void store_mailbox_post_all(struct store_mailbox *, struct store_op_list *);

/* Append all that was posted, oldest first. */
void store_mailbox_collect(struct store_mailbox *, struct store_op_list *);

#endif
