/* Credentials of one's own: copied, and wiped when they go. */
#ifndef EVPOP_AUTH_CREDENTIALS_H
#define EVPOP_AUTH_CREDENTIALS_H

#include <evpop/auth.h>

/*
 * A copy, with 0 mechanisms replaced by the default ones.  Without memory it is
 * false, and the copy is empty.
 */
bool evpop_credentials_copy(struct evpop_credentials *copy_r,
    const struct evpop_credentials *) EVPOP_MUST_USE;

/*
 * Wipe and free the texts of a copy, which is empty then, and may have been.
 * Mechanisms and callback stay.
 */
void evpop_credentials_wipe(struct evpop_credentials *copy);

/* Wipe and free one text of a copy, and set it to NULL, which it may be. */
void evpop_credentials_forget(const char **text);

#endif
