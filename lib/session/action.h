/* What is to be done with one message, by a policy and what is known of it. */
#ifndef EVPOP_SESSION_ACTION_H
#define EVPOP_SESSION_ACTION_H

#include <evpop/sync.h>

/*
 * The action for an unknown entry.  Where the listing is garbled, an entry
 * without a unique-id may be a message that is known by one.  `has_waited`:
 * it was listed for as long as the policy wants.
 */
enum evpop_action evpop_action_of_unknown(const struct evpop_entry *,
    bool is_garbled, bool has_waited, const struct evpop_policy *);

/* The action for a message that is listed and known. */
enum evpop_action evpop_action_of_known(
    const struct evpop_known *, const struct evpop_policy *, int64_t now_ms);

#endif
