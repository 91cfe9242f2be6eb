/*
 * Who is at the other end of a connection, and what that user may do.
 */
#ifndef CONTROL_PEER_H
#define CONTROL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/config/config.h"

/* What a user may do; bits of a set.  Admins may do everything. */
enum peer_role {
	PEER_ANYONE = 0,
	PEER_OPERATE = 1 << 0, /* poll, pause, resume, see what is held back */
	PEER_READ = 1 << 1,    /* read mail */
	PEER_ADMIN = 1 << 2    /* change and delete */
};
#define PEER_ALL_ROLES (PEER_OPERATE | PEER_READ | PEER_ADMIN)

/* Users that the configuration names, besides root and the daemon's own. */
struct peer_users {
	struct peer_user {
		uid_t uid;
		unsigned roles;
		char *name; /* owned */
	} * entries;
	size_t count;
	/* Names that the system does not know; owned. */
	struct config_strings unknown;
};

/*
 * Look up the names of [control] admin, operate and read once; a number is a
 * user's id.  False without memory.
 */
bool peer_users_resolve(struct peer_users *users_r, const struct config *)
    __attribute__((warn_unused_result));
void peer_users_free(struct peer_users *);

/* The user that made the connection (SO_PEERCRED). */
bool peer_user(int fd, uid_t *uid_r) __attribute__((warn_unused_result));

/* All roles of a user. */
unsigned peer_roles(const struct peer_users *, uid_t own, uid_t peer);

/*
 * The user's name as the configuration has it, "root", or "uid 1000": the
 * user database may be slow, and is not asked.
 */
#define PEER_NAME_SIZE 256
void peer_name(
    const struct peer_users *, uid_t peer, char name_r[PEER_NAME_SIZE]);

/* "admin", "operate" or "read", as the configuration calls the role. */
const char *peer_role_name(enum peer_role);

#endif
