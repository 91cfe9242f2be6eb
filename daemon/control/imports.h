/*
 * Messages that come in pieces, by several requests: what has come of each goes
 * to the store at once.
 */
#ifndef CONTROL_IMPORTS_H
#define CONTROL_IMPORTS_H

struct event_base;
struct imports;
struct notify;
struct store;

/* NULL without memory.  The notify is the store's. */
struct imports *imports_new(struct event_base *, struct store *,
    struct notify *) __attribute__((warn_unused_result));
/* After all exchanges have ended; NULL is allowed. */
void imports_free(struct imports *);

#endif
