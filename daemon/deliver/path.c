#include "daemon/deliver/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a template: the part that is the same for all. */
static size_t
path_fixed_length(const char *template)
{
	size_t length = strcspn(template, "{");

	while (template[length] == '\0' && length > 1 &&
	       template[length - 1] == '/')
		length--;
	while (length > 0 && template[length - 1] != '/')
		length--;
	return length;
}

/* Who may read a file may look into its folder. */
static mode_t
path_folder_mode(mode_t mode)
{
	return (mode & 0777) | ((mode & 0444) >> 2);
}

char *
path_above(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? strdup(".")
			     : strndup(path, (size_t)(slash - path) + 1);
}

bool
path_sync_above(const char *path)
{
	char *above = path_above(path);
	bool done = false;
	int fd = -1;

	if (above != NULL)
		fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(above);
	if (fd == -1)
		return false;
	done = fsync(fd) == 0;
	close(fd);
	return done;
}

bool
path_make_folder(const char *path, mode_t mode, const struct path_owner *owner)
{
	struct stat status;

	if (mkdir(path, 0700) != 0)
		return errno == EEXIST;
	/* A folder that gives its group to what is made in it stays so. */
	if (lstat(path, &status) != 0 ||
	    chmod(path, path_folder_mode(mode) | (status.st_mode & S_ISGID)) !=
		0 ||
	    (owner->uid != (uid_t)-1 &&
		lchown(path, owner->uid, owner->gid) != 0))
		return false;
	return path_sync_above(path);
}

void
path_find_owner(const char *path, struct path_owner *owner)
{
	struct stat status;

	if (geteuid() == 0 && stat(path, &status) == 0 && status.st_uid != 0)
		*owner = (struct path_owner){ status.st_uid, status.st_gid };
}

void
path_find_owner_above(const char *path, struct path_owner *owner)
{
	char *above = path_above(path);

	if (above != NULL)
		path_find_owner(above, owner);
	free(above);
}

static bool
path_fail(const struct letter *letter, int error, const char *path)
{
	if (error != ENOENT)
		return letter_fail(letter, error, "make", path);
	return letter_fail_words(letter, CARRIED_WRONG,
	    "cannot make %s: the folder that it is to be in does not exist; "
	    "make that and restart evpopd, or correct path",
	    path);
}

/* The folders behind the first `at` characters. */
static bool
path_make_behind(char *path, size_t at, bool is_file,
    const struct filing_options *options, const struct letter *letter,
    const struct path_owner *owner)
{
	for (;;) {
		bool is_last;

		at += strspn(path + at, "/");
		at += strcspn(path + at, "/");
		is_last = path[at] == '\0';
		if (is_last && is_file)
			return true;
		path[at] = '\0';
		if (!path_make_folder(path, options->mode, owner))
			return path_fail(letter, errno, path);
		if (is_last)
			return true;
		path[at] = '/';
	}
}

bool
path_make(const char *path, bool is_file, const struct filing_options *options,
    const struct letter *letter, struct path_owner *owner)
{
	size_t at = path_fixed_length(options->path);
	char *fixed = strndup(path, at), *copy = strdup(path);
	bool done;

	if (fixed == NULL || copy == NULL) {
		done = letter_fail(letter, ENOMEM, "make", path);
	} else {
		path_find_owner(at > 0 ? fixed : ".", owner);
		done =
		    path_make_behind(copy, at, is_file, options, letter, owner);
	}
	free(fixed);
	free(copy);
	return done;
}

/*
 * Nothing below it can be reached by us.  What confines a process lets a folder
 * look as if it could be opened (landlock(7)); one that cannot be read anyway
 * tells nothing.
 */
static bool
path_is_closed(const char *folder)
{
	int fd;

	if (faccessat(AT_FDCWD, folder, X_OK, AT_EACCESS) != 0)
		return errno == EACCES;
	if (faccessat(AT_FDCWD, folder, R_OK, AT_EACCESS) != 0)
		return false;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return errno == EACCES;
	close(fd);
	return false;
}

static bool
path_check(const char *folder, const struct letter *letter)
{
	if (!path_is_closed(folder))
		return true;
	return letter_fail_words(letter, CARRIED_WRONG,
	    "cannot write below %s: %s; let evpopd's user write there, and "
	    "restart it where the path is new in its configuration",
	    folder, strerror(EACCES));
}

void
path_check_common(
    const struct filing_options *options, const struct letter *letter)
{
	char *path;

	if (strchr(options->path, '{') == NULL)
		return;
	path = strndup(options->path, path_fixed_length(options->path));
	if (path != NULL)
		(void)path_check(*path != '\0' ? path : ".", letter);
	free(path);
}

void
path_probe(const struct filing_options *options, const struct letter *letter)
{
	char *path = strndup(options->path, path_fixed_length(options->path));
	const char *folder = path != NULL && *path != '\0' ? path : ".";

	if (path == NULL)
		letter_fail(letter, ENOMEM, "open", options->path);
	else if (path_check(folder, letter)) {
		if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
			letter_fail(letter, errno, "write to", folder);
		else
			letter_done(letter, "it can be written to", folder);
	}
	free(path);
}
