#include "daemon/control/peer.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/control/parameters.h"

/* Larger than any entry of a user database; longer ones count as unknown. */
#define PASSWD_SIZE 65536

static bool
peer_look_up(const char *name, char *buffer, uid_t *uid_r)
{
	struct passwd entry, *found = NULL;
	int64_t number;

	if (getpwnam_r(name, &entry, buffer, PASSWD_SIZE, &found) == 0 &&
	    found != NULL) {
		*uid_r = found->pw_uid;
		return true;
	}
	/* (uid_t)-1 means "no user" to every system call. */
	if (!number_parse(name, 0, (int64_t)(uid_t)-1 - 1, &number))
		return false;
	*uid_r = (uid_t)number;
	return true;
}

/* The names that the system does not know go to `unknown`. */
static bool
peer_add(
    struct peer_users *users, const char *name, unsigned roles, char *buffer)
{
	char *copy = strdup(name);
	struct peer_user *entry = &users->entries[users->count];

	if (copy == NULL)
		return false;
	if (!peer_look_up(name, buffer, &entry->uid)) {
		users->unknown.items[users->unknown.count++] = copy;
		return true;
	}
	entry->roles = roles;
	entry->name = copy;
	users->count++;
	return true;
}

static bool
peer_add_all(struct peer_users *users, const struct config_strings *names,
    unsigned roles, char *buffer)
{
	for (size_t i = 0; i < names->count; i++)
		if (!peer_add(users, names->items[i], roles, buffer))
			return false;
	return true;
}

bool
peer_users_resolve(struct peer_users *users_r, const struct config *config)
{
	size_t count = config->control_admin.count +
		       config->control_operate.count +
		       config->control_read.count;
	char *buffer;
	bool done;

	memset(users_r, 0, sizeof(*users_r));
	if (count == 0)
		return true;
	buffer = malloc(PASSWD_SIZE);
	users_r->entries = calloc(count, sizeof(*users_r->entries));
	users_r->unknown.items = calloc(count, sizeof(*users_r->unknown.items));
	done = buffer != NULL && users_r->entries != NULL &&
	       users_r->unknown.items != NULL &&
	       peer_add_all(
		   users_r, &config->control_admin, PEER_ALL_ROLES, buffer) &&
	       peer_add_all(
		   users_r, &config->control_operate, PEER_OPERATE, buffer) &&
	       peer_add_all(users_r, &config->control_read, PEER_READ, buffer);
	free(buffer);
	if (!done)
		peer_users_free(users_r);
	return done;
}

void
peer_users_free(struct peer_users *users)
{
	for (size_t i = 0; i < users->unknown.count; i++)
		free(users->unknown.items[i]);
	for (size_t i = 0; i < users->count; i++)
		free(users->entries[i].name);
	free(users->unknown.items);
	free(users->entries);
	memset(users, 0, sizeof(*users));
}

bool
peer_user(int fd, uid_t *uid_r)
{
	struct ucred credentials = { .uid = (uid_t)-1 };
	socklen_t length = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) !=
		0 ||
	    length != sizeof(credentials) || credentials.uid == (uid_t)-1)
		return false;
	*uid_r = credentials.uid;
	return true;
}

unsigned
peer_roles(const struct peer_users *users, uid_t own, uid_t peer)
{
	unsigned roles = PEER_ANYONE;

	if (peer == 0 || peer == own)
		return PEER_ALL_ROLES;
	for (size_t i = 0; i < users->count; i++) {
		if (users->entries[i].uid == peer)
			roles |= users->entries[i].roles;
	}
	return roles;
}

void
peer_name(
    const struct peer_users *users, uid_t peer, char name_r[PEER_NAME_SIZE])
{
	for (size_t i = 0; i < users->count; i++) {
		if (users->entries[i].uid != peer)
			continue;
		snprintf(name_r, PEER_NAME_SIZE, "%s", users->entries[i].name);
		return;
	}
	if (peer == 0)
		snprintf(name_r, PEER_NAME_SIZE, "root");
	else
		snprintf(
		    name_r, PEER_NAME_SIZE, "uid %lu", (unsigned long)peer);
}

const char *
peer_role_name(enum peer_role role)
{
	switch (role) {
	case PEER_ANYONE:
		return "anyone";
	case PEER_OPERATE:
		return "operate";
	case PEER_READ:
		return "read";
	case PEER_ADMIN:
		return "admin";
	}
	return "";
}
