/*
 * The store as it is configured, with the keys that it takes.
 */
#ifndef EVPOPD_STORING_H
#define EVPOPD_STORING_H

#include "daemon/config/config.h"
#include "daemon/keys.h"
#include "daemon/store/store.h"

/*
 * Open it.  EX_OK; or how to exit, after the reason was said where people look.
 */
int storing_open(struct store **store_r, struct event_base *, struct notify *,
    const struct config *, const struct keys *)
    __attribute__((warn_unused_result));

/*
 * Tell it how long mail is kept; without memory that stays as it was, and is
 * said.
 */
void storing_configure_keeping(struct store *, const struct config *);

/* Say what has become of the clock, since it was told last; returns it. */
struct store_clock storing_look_at_clock(
    struct store *, const struct store_clock *told);

/* What a store that does not work means for whoever started us. */
int storing_exit(enum store_status);

#endif
