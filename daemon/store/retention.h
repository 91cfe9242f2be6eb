/*
 * What is older than its account retains is deleted, every hour, in small steps
 * with a pause between them.  The loop's.
 */
#ifndef STORE_RETENTION_H
#define STORE_RETENTION_H

#include <stdbool.h>

struct event_base;
struct store;
struct store_retention;

/* It begins with store_retention_go_on().  NULL without memory. */
struct store_retention *store_retention_new(struct store *, struct event_base *)
    __attribute__((warn_unused_result));
void store_retention_free(struct store_retention *);

/* The store's rows say how long they retain: begin a round soon. */
void store_retention_go_on(struct store_retention *);

/* The store closes: nothing is begun any more. */
void store_retention_close(struct store_retention *);

#endif
