/* Where a sync connects to and as whom: copies, for all of its sessions. */
#ifndef EVPOP_SESSION_TARGET_H
#define EVPOP_SESSION_TARGET_H

#include <evpop/client.h>

/* Zeroed, it is empty. */
struct evpop_target {
	struct evpop_client_config config;
	struct evpop_memory *own_memory; /* where none was given */
	struct evpop_credentials credentials;
};

/* False without memory or host; then it is to be cleared all the same. */
bool evpop_target_init(
    struct evpop_target *, const struct evpop_client_config *) EVPOP_MUST_USE;
void evpop_target_clear(struct evpop_target *);

/* False without memory.  They are wiped once no session needs them. */
bool evpop_target_set_credentials(
    struct evpop_target *, const struct evpop_credentials *) EVPOP_MUST_USE;
void evpop_target_wipe_credentials(struct evpop_target *);

#endif
