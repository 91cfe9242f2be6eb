/*
 * Looks every few seconds at the password files of accounts that fail.  If a
 * file has changed, its account is polled at once.
 */
#ifndef POLL_WATCH_H
#define POLL_WATCH_H

#include "daemon/poll/agenda.h"

struct event_base;
struct watch;

/* `retried` runs after accounts were queued.  NULL without memory. */
struct watch *watch_new(struct event_base *, struct agenda *,
    void (*retried)(void *arg), void *arg) __attribute__((warn_unused_result));

/* An account may fail: look, from now on, as long as any does. */
void watch_wake(struct watch *);

/* What the timer does: look at some of them. */
void watch_look(struct watch *);

/* Sets the pointer to NULL; NULL is allowed. */
void watch_free(struct watch **);

#endif
