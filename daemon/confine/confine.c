#include "daemon/confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/confine/landlock.h"
#include "lib/base/array.h"

#define TEXT_SIZE 160
/* How many of those added last are compared with a new one. */
#define RECENT ((size_t)64)

/* All that a version knows is denied, so that rules alone allow it. */
#define FILES_ABI_1 (LANDLOCK_REFER - 1)

#define FILES_READ (LANDLOCK_READ_FILE | LANDLOCK_READ_DIR)
#define FILES_WRITE                                             \
	(FILES_READ | LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE | \
	    LANDLOCK_REMOVE_FILE | LANDLOCK_MAKE_REG)
#define FILES_SOCKET (LANDLOCK_MAKE_SOCK | LANDLOCK_REMOVE_FILE)
#define FILES_OPEN   (LANDLOCK_READ_FILE | LANDLOCK_WRITE_FILE)
/* Of a file that is no folder. */
#define FILES_OF_FILE                                                  \
	(LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE | \
	    LANDLOCK_TRUNCATE | LANDLOCK_IOCTL_DEV)

struct allowed {
	char *path; /* without links */
	unsigned access;
};

struct confine {
	struct allowed *allowed;
	size_t count, capacity;
	enum confine_status status;
	int abi;
	char text[TEXT_SIZE];
};

struct confine *
confine_new(void)
{
	struct confine *confine = calloc(1, sizeof(*confine));

	if (confine != NULL)
		(void)snprintf(confine->text, TEXT_SIZE, "not confined");
	return confine;
}

void
confine_free(struct confine **confine_p)
{
	struct confine *confine = *confine_p;

	*confine_p = NULL;
	if (confine == NULL)
		return;
	for (size_t i = 0; i < confine->count; i++)
		free(confine->allowed[i].path);
	free(confine->allowed);
	free(confine);
}

/* ---- what is allowed ---- */

/*
 * Takes the path.  A hundred thousand accounts keep their files in few folders;
 * what is added twice all the same does no harm.
 */
static bool
allowed_add(struct confine *confine, unsigned access, char *path)
{
	size_t looked = confine->count < RECENT ? confine->count : RECENT;
	struct allowed *grown;

	for (size_t i = confine->count - looked; i < confine->count; i++)
		if (strcmp(confine->allowed[i].path, path) == 0) {
			confine->allowed[i].access |= access;
			free(path);
			return true;
		}
	grown = evpop_array_grow(confine->allowed, confine->count,
	    &confine->capacity, sizeof(*confine->allowed));
	if (grown == NULL) {
		free(path);
		return false;
	}
	confine->allowed = grown;
	grown[confine->count++] =
	    (struct allowed){ .path = path, .access = access };
	return true;
}

bool
confine_allow(struct confine *confine, unsigned access, const char *path)
{
	char *real = realpath(path, NULL);

	if (real == NULL)
		return errno != ENOMEM;
	return allowed_add(confine, access, real);
}

/* The folder's name within the path, which it cuts. */
static const char *
path_folder(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL)
		return ".";
	slash[slash == path ? 1 : 0] = '\0';
	return path;
}

bool
confine_allow_folder_of(
    struct confine *confine, unsigned access, const char *path)
{
	char *named = strdup(path), *real;
	bool done;

	if (named == NULL)
		return false;
	done = confine_allow(confine, access, path_folder(named));
	free(named);
	real = done ? realpath(path, NULL) : NULL;
	if (real != NULL)
		done = confine_allow(confine, access, path_folder(real));
	free(real);
	return done;
}

static bool
path_is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/' ||
		   folder[length - 1] == '/');
}

bool
confine_allows(const struct confine *confine, unsigned access, const char *path)
{
	char *real, *folder;
	bool is_allowed = false;

	if (confine == NULL || confine->status != CONFINE_ON)
		return true;
	real = realpath(path, NULL);
	/* What is to be created, in a folder that there is. */
	if (real == NULL && errno == ENOENT) {
		folder = strdup(path);
		if (folder != NULL)
			real = realpath(path_folder(folder), NULL);
		free(folder);
	}
	/* What does not exist is for whoever opens it to say. */
	if (real == NULL)
		return true;
	for (size_t i = 0; i < confine->count && !is_allowed; i++)
		is_allowed = (confine->allowed[i].access & access) != 0 &&
			     path_is_below(real, confine->allowed[i].path);
	free(real);
	return is_allowed;
}

/* ---- the rules ---- */

static uint64_t
rules_denied(int abi)
{
	uint64_t denied = FILES_ABI_1;

	if (abi >= 2)
		denied |= LANDLOCK_REFER;
	if (abi >= 3)
		denied |= LANDLOCK_TRUNCATE;
	if (abi >= 5)
		denied |= LANDLOCK_IOCTL_DEV;
	return denied;
}

static uint64_t
rules_access(unsigned access)
{
	uint64_t files = 0;

	if ((access & CONFINE_READ) != 0)
		files |= FILES_READ;
	if ((access & CONFINE_WRITE) != 0)
		files |= FILES_WRITE;
	if ((access & CONFINE_SOCKET) != 0)
		files |= FILES_SOCKET;
	if ((access & CONFINE_OPEN) != 0)
		files |= FILES_OPEN;
	if ((access & CONFINE_FILE) != 0)
		files |= FILES_WRITE | LANDLOCK_MAKE_DIR | LANDLOCK_REFER;
	return files;
}

/* What is gone, or may not even be named, needs no rule. */
static bool
rules_add(const struct allowed *allowed, int ruleset, uint64_t denied)
{
	uint64_t access = rules_access(allowed->access) & denied;
	int fd = open(allowed->path, O_PATH | O_CLOEXEC), result;
	struct stat found;

	if (fd < 0)
		return errno != EMFILE && errno != ENFILE && errno != ENOMEM;
	if (fstat(fd, &found) == 0 && !S_ISDIR(found.st_mode))
		access &= FILES_OF_FILE;
	result = access == 0 ? 0 : landlock_allow_files(ruleset, fd, access);
	(void)close(fd);
	return result == 0;
}

/*
 * Another daemon may listen at an abstract socket for what systemd is told
 * otherwise; then these stay reachable.
 */
static uint64_t
rules_scoped(int abi)
{
	const char *notify = getenv("NOTIFY_SOCKET");

	return abi >= 6 && (notify == NULL || notify[0] != '@')
		   ? LANDLOCK_SCOPE_ABSTRACT
		   : 0;
}

/* A port of 0 is any that is free: what connects from an address asks so. */
static bool
rules_fill(const struct confine *confine, int ruleset, uint64_t denied)
{
	bool done = confine->abi < 4 ||
		    landlock_allow_port(ruleset, 0, LANDLOCK_BIND_TCP) == 0;

	for (size_t i = 0; done && i < confine->count; i++)
		done = rules_add(&confine->allowed[i], ruleset, denied);
	return done;
}

static enum confine_status
confine_fail(struct confine *confine, int error)
{
	const char *why = strerror(error);

	if (error == ENOSYS)
		why = "the kernel has no Landlock (Linux 5.13), or a filter of "
		      "system calls hides it";
	else if (error == EOPNOTSUPP)
		why = "Landlock is off: the kernel's parameter lsm= lacks it";
	else if (error == EPERM || error == EACCES)
		why = "a filter of system calls forbids Landlock";
	else if (error == E2BIG)
		why = "16 confinements are around it already";
	(void)snprintf(confine->text, TEXT_SIZE, "not confined: %s", why);
	confine->status = CONFINE_UNAVAILABLE;
	return confine->status;
}

enum confine_status
confine_enter(struct confine *confine)
{
	struct landlock_ruleset rules = { 0 };
	int ruleset, error = 0;

	confine->abi = landlock_version();
	if (confine->abi < 1) {
		error = confine->abi < 0 ? errno : ENOSYS;
		confine->abi = 0;
		return confine_fail(confine, error);
	}
	rules.files = rules_denied(confine->abi);
	rules.ports = confine->abi >= 4 ? LANDLOCK_BIND_TCP : 0;
	rules.scoped = rules_scoped(confine->abi);
	ruleset = landlock_create(&rules, confine->abi);
	if (ruleset < 0)
		return confine_fail(confine, errno);
	if (!rules_fill(confine, ruleset, rules.files) ||
	    landlock_enter(ruleset) != 0)
		error = errno;
	(void)close(ruleset);
	if (error != 0)
		return confine_fail(confine, error);
	confine->status = CONFINE_ON;
	(void)snprintf(
	    confine->text, TEXT_SIZE, "Landlock ABI %d", confine->abi);
	return CONFINE_ON;
}

enum confine_status
confine_status(const struct confine *confine)
{
	return confine->status;
}

int
confine_abi(const struct confine *confine)
{
	return confine->abi;
}

const char *
confine_text(const struct confine *confine)
{
	return confine->text;
}
