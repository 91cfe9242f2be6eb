/* Where a target's password or secret comes from. */
#ifndef DELIVER_PASSWORD_H
#define DELIVER_PASSWORD_H

#include <stdbool.h>

struct config_secret;
struct config_target;
struct secret_key;
struct secret_source;

/*
 * The source of a secret of this target, for secret_fetch(); `key` opens what
 * is sealed, and may be NULL.  False: there is none.
 */
bool password_source(const struct config_target *, const struct config_secret *,
    const struct secret_key *key, struct secret_source *source_r)
    __attribute__((warn_unused_result));

#endif
