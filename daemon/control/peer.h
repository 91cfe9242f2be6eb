/*
 * Who is at the other end of a connection, and what that user may do.
 */
#ifndef CONTROL_PEER_H
#define CONTROL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/config/config.h"

/*
 * Users who may read mail and change things, besides root and the daemon's own.
 */
struct peer_admins {
	uid_t *uids;
	size_t count;
	/* Names that the system does not know; owned. */
	struct config_strings unknown;
};

/* Look up the names once; a number is a user's id.  False without memory. */
bool peer_admins_resolve(struct peer_admins *admins_r,
    const struct config_strings *names) __attribute__((warn_unused_result));
void peer_admins_free(struct peer_admins *);

/* The user that made the connection (SO_PEERCRED). */
bool peer_user(int fd, uid_t *uid_r) __attribute__((warn_unused_result));

bool peer_is_admin(const struct peer_admins *, uid_t own, uid_t peer);

#endif
