#include "daemon/secret/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret/exposure.h"
#include "daemon/secret/line.h"
#include "daemon/secret/secret.h"
#include "lib/base/guarded.h"
#include "lib/base/text.h"

/* What nobody but the owner may do. */
#define FILE_PRIVATE (S_IRWXG | S_IRWXO)

/* Checks what was opened, so that nothing can be exchanged in between. */
static bool
file_check(int fd, mode_t forbidden, char *reason, size_t size)
{
	struct stat details, *status = &details;

	if (fstat(fd, status) != 0) {
		(void)snprintf(
		    reason, size, "cannot open: %s", strerror(errno));
		return false;
	}
	if (!S_ISREG(status->st_mode)) {
		(void)snprintf(reason, size, "expected a regular file");
		return false;
	}
	if (status->st_uid != 0 && status->st_uid != geteuid()) {
		(void)snprintf(reason, size,
		    "expected a file of root or user %lu, not of user %lu",
		    (unsigned long)geteuid(), (unsigned long)status->st_uid);
		return false;
	}
	if (secret_is_exposed(fd, status, forbidden)) {
		(void)snprintf(reason, size,
		    "open to other users (mode %04o); run chmod 600 on it, or "
		    "give it to root and let nobody write it",
		    (unsigned)(status->st_mode & 07777));
		return false;
	}
	return true;
}

/*
 * A link is followed, for secrets are often handed out behind one; what it
 * leads to is what counts.  O_NONBLOCK: not to wait for a FIFO's writer.
 * Returns the descriptor, or -1 with the reason.
 */
static int
file_open(const char *path, mode_t forbidden, char *reason, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0) {
		(void)snprintf(
		    reason, size, "cannot open: %s", strerror(errno));
		return -1;
	}
	if (!file_check(fd, forbidden, reason, size)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

bool
secret_file_safe(const char *path, char *reason, size_t size)
{
	int fd = file_open(path, FILE_PRIVATE, reason, size);

	if (fd < 0)
		return false;
	(void)close(fd);
	return true;
}

uid_t
secret_become_owner(const char *path)
{
	const uid_t own = geteuid();
	struct stat status;

	/* Where root may not, it stays root, and is told what is wrong. */
	if (own == 0 && path != NULL && stat(path, &status) == 0)
		(void)!seteuid(status.st_uid);
	return own;
}

void
secret_become(uid_t own)
{
	if (geteuid() != own && seteuid(own) != 0)
		abort();
}

/* Up to `size` octets, or -1. */
static ssize_t
file_read(int fd, char *bytes, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while (length < size) {
		got = read(fd, bytes + length, size - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	return (ssize_t)length;
}

/*
 * Room for what the file says that it has and one octet more, which it must not
 * have; memory that can be locked is scarce.
 */
static size_t
file_room(int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || status.st_size <= 0 ||
	    (uintmax_t)status.st_size > SECRET_INPUT_MAX)
		return SECRET_INPUT_MAX + 1;
	return (size_t)status.st_size + 1;
}

/* All that the file holds, which is expected to be a `what`. */
static struct secret *
file_contents(const char *path, const char *what, mode_t forbidden, char *error,
    size_t size)
{
	char shown[256], reason[192], *bytes;
	struct secret *secret = NULL;
	ssize_t length;
	size_t room;
	int fd;

	(void)evpop_text_printable(shown, sizeof(shown), path, strlen(path));
	fd = file_open(path, forbidden, reason, sizeof(reason));
	if (fd < 0) {
		(void)snprintf(error, size, "%s: %s", shown, reason);
		return NULL;
	}
	room = file_room(fd);
	bytes = evpop_guarded_alloc(room);
	if (bytes == NULL) {
		(void)snprintf(error, size, "%s: not enough memory", shown);
		(void)close(fd);
		return NULL;
	}
	length = file_read(fd, bytes, room);
	if (length < 0)
		(void)snprintf(
		    error, size, "%s: cannot read: %s", shown, strerror(errno));
	else if ((size_t)length > SECRET_INPUT_MAX)
		(void)snprintf(error, size,
		    "%s: more than %zu bytes; expected a %s", shown,
		    SECRET_INPUT_MAX, what);
	else if ((size_t)length == room)
		(void)snprintf(error, size,
		    "%s: it changes while it is read; it is read again at the "
		    "next try",
		    shown);
	else if ((secret = secret_new(bytes, (size_t)length)) == NULL)
		(void)snprintf(error, size, "%s: not enough memory", shown);
	evpop_guarded_free(bytes);
	(void)close(fd);
	return secret;
}

/* Takes the contents; NULL, and the error is known already. */
static struct secret *
password_of_contents(
    struct secret *contents, const char *path, char *error, size_t size)
{
	struct secret *password;
	char shown[256];

	if (contents == NULL)
		return NULL;
	(void)evpop_text_printable(shown, sizeof(shown), path, strlen(path));
	password = secret_of_first_line(shown, "password",
	    secret_text(contents), secret_length(contents), error, size);
	secret_free(&contents);
	return password;
}

struct secret *
secret_file_contents(
    const char *path, const char *what, char *error, size_t size)
{
	return file_contents(path, what, FILE_PRIVATE, error, size);
}

struct secret *
secret_read_file(const char *path, char *error, size_t size)
{
	return password_of_contents(
	    secret_file_contents(path, "password", error, size), path, error,
	    size);
}

/* The credential's file, for free(); NULL with the reason. */
static char *
credential_path(const char *name, char *error, size_t size)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char shown[128], *path;

	(void)evpop_text_printable(shown, sizeof(shown), name, strlen(name));
	if (*name == '\0' || strchr(name, '/') != NULL ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		(void)snprintf(error, size,
		    "credential %s: expected a name, not a path", shown);
		return NULL;
	}
	if (folder == NULL || *folder == '\0') {
		(void)snprintf(error, size,
		    "credential %s: $CREDENTIALS_DIRECTORY is not set; start "
		    "evpopd by systemd with LoadCredential=",
		    shown);
		return NULL;
	}
	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		(void)snprintf(
		    error, size, "credential %s: not enough memory", shown);
		return NULL;
	}
	return path;
}

/*
 * systemd lets the service's user in by an ACL, whose mask shows in the place
 * of the group's right to read.
 */
#define CREDENTIAL_PRIVATE (FILE_PRIVATE & ~(mode_t)S_IRGRP)

struct secret *
secret_credential_contents(
    const char *name, const char *what, char *error, size_t size)
{
	char *path = credential_path(name, error, size);
	struct secret *secret = NULL;

	if (path != NULL)
		secret =
		    file_contents(path, what, CREDENTIAL_PRIVATE, error, size);
	free(path);
	return secret;
}

struct secret *
secret_read_credential(const char *name, char *error, size_t size)
{
	char *path = credential_path(name, error, size);
	struct secret *secret = NULL;

	if (path != NULL)
		secret =
		    password_of_contents(file_contents(path, "password",
					     CREDENTIAL_PRIVATE, error, size),
			path, error, size);
	free(path);
	return secret;
}
