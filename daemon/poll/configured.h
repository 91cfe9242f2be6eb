/*
 * Tells the store which accounts are configured, so that their rows are found
 * again whatever they are called now.  Polls wait for it.
 */
#ifndef POLL_CONFIGURED_H
#define POLL_CONFIGURED_H

#include <stdbool.h>

#include "daemon/config/config.h"
#include "daemon/store/store.h"

struct configured;

/* `known` gets the answer on what was told last.  NULL without memory. */
struct configured *configured_new(struct store *, store_configure_cb known,
    void *arg) __attribute__((warn_unused_result));

/* Tell; the configuration is only read by this call. */
void configured_tell(struct configured *, const struct config *);

/* Tell again where the store could not take it. */
void configured_repeat(struct configured *, const struct config *);

/* An answer on what was told last is here, and how it was. */
bool configured_is_answered(const struct configured *);
enum store_status configured_status(const struct configured *);

/* Sets the pointer to NULL; NULL is allowed. */
void configured_free(struct configured **);

#endif
