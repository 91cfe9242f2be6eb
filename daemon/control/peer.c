#include "daemon/control/peer.h"

#include <pwd.h>
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

bool
peer_admins_resolve(
    struct peer_admins *admins_r, const struct config_strings *names)
{
	char *buffer;

	memset(admins_r, 0, sizeof(*admins_r));
	if (names->count == 0)
		return true;
	buffer = malloc(PASSWD_SIZE);
	admins_r->uids = calloc(names->count, sizeof(*admins_r->uids));
	admins_r->unknown.items =
	    calloc(names->count, sizeof(*admins_r->unknown.items));
	if (buffer == NULL || admins_r->uids == NULL ||
	    admins_r->unknown.items == NULL)
		goto fail;
	for (size_t i = 0; i < names->count; i++) {
		char *unknown;

		if (peer_look_up(names->items[i], buffer,
			&admins_r->uids[admins_r->count])) {
			admins_r->count++;
			continue;
		}
		unknown = strdup(names->items[i]);
		if (unknown == NULL)
			goto fail;
		admins_r->unknown.items[admins_r->unknown.count++] = unknown;
	}
	free(buffer);
	return true;
fail:
	free(buffer);
	peer_admins_free(admins_r);
	return false;
}

void
peer_admins_free(struct peer_admins *admins)
{
	for (size_t i = 0; i < admins->unknown.count; i++)
		free(admins->unknown.items[i]);
	free(admins->unknown.items);
	free(admins->uids);
	memset(admins, 0, sizeof(*admins));
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

bool
peer_is_admin(const struct peer_admins *admins, uid_t own, uid_t peer)
{
	if (peer == 0 || peer == own)
		return true;
	for (size_t i = 0; i < admins->count; i++) {
		if (admins->uids[i] == peer)
			return true;
	}
	return false;
}
