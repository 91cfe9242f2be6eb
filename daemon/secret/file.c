#include "daemon/secret/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/secret/exposure.h"
#include "daemon/secret/line.h"
#include "daemon/secret/secret.h"
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

/* Up to SECRET_INPUT_MAX octets and one more, or -1. */
static ssize_t
file_read(int fd, char *bytes)
{
	size_t length = 0;
	ssize_t got;

	while (length <= SECRET_INPUT_MAX) {
		got = read(fd, bytes + length, SECRET_INPUT_MAX + 1 - length);
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

static struct secret *
file_read_secret(const char *path, mode_t forbidden, char *error, size_t size)
{
	char shown[256], reason[192], *bytes;
	struct secret *secret = NULL;
	ssize_t length;
	int fd;

	(void)evpop_text_printable(shown, sizeof(shown), path, strlen(path));
	fd = file_open(path, forbidden, reason, sizeof(reason));
	if (fd < 0) {
		(void)snprintf(error, size, "%s: %s", shown, reason);
		return NULL;
	}
	bytes = sodium_malloc(SECRET_INPUT_MAX + 1);
	if (bytes == NULL) {
		(void)snprintf(error, size, "%s: not enough memory", shown);
		(void)close(fd);
		return NULL;
	}
	length = file_read(fd, bytes);
	if (length < 0)
		(void)snprintf(
		    error, size, "%s: cannot read: %s", shown, strerror(errno));
	else if ((size_t)length > SECRET_INPUT_MAX)
		(void)snprintf(error, size,
		    "%s: more than %zu bytes; expected a password", shown,
		    SECRET_INPUT_MAX);
	else
		secret = secret_of_first_line(
		    shown, "password", bytes, (size_t)length, error, size);
	sodium_free(bytes);
	(void)close(fd);
	return secret;
}

struct secret *
secret_read_file(const char *path, char *error, size_t size)
{
	return file_read_secret(path, FILE_PRIVATE, error, size);
}

struct secret *
secret_read_credential(const char *name, char *error, size_t size)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	struct secret *secret;
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
	/*
	 * systemd lets the service's user in by an ACL, whose mask shows in
	 * the place of the group's right to read.
	 */
	secret = file_read_secret(
	    path, FILE_PRIVATE & ~(mode_t)S_IRGRP, error, size);
	free(path);
	return secret;
}
