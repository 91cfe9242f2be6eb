/*
 * What sessions learn of servers, kept from one run of the daemon to the next:
 * taken from the store at the start, and handed to it as it changes.
 */
#ifndef POLL_SERVERS_H
#define POLL_SERVERS_H

#include <stdbool.h>

struct evpop_memory;
struct store;
struct servers;

/*
 * Begin to read what was kept.  `known` runs once on the loop, when that is
 * there or cannot be had; polls wait for it.  NULL without memory.
 */
struct servers *servers_new(struct store *, void (*known)(void *arg), void *arg)
    __attribute__((warn_unused_result));

/* Whether `known` has run. */
bool servers_are_known(const struct servers *);

/* For sessions; the servers' own. */
struct evpop_memory *servers_memory(struct servers *);

/* Hand what was learned since the last call to the store. */
void servers_keep(struct servers *);

/* Not before the sessions.  Sets the pointer to NULL; NULL is allowed. */
void servers_free(struct servers **);

#endif
