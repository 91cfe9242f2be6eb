#include "daemon/config/files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/program.h"
#include "daemon/config/value.h"
#include "daemon/secret/exposure.h"

/* ---- files of the configuration ---- */

bool
config_file_read(int fd, char *bytes, size_t size, size_t *length_r)
{
	size_t length = 0;
	ssize_t got = 1;

	while (length < size && got != 0) {
		got = read(fd, bytes + length, size - length);
		if (got < 0 && errno != EINTR)
			return false;
		length += got > 0 ? (size_t)got : 0;
	}
	*length_r = length;
	return true;
}

#define FILE_SET_FIRST ((size_t)16)

/* The slot of a file, or the free one where it belongs. */
static struct config_file_id *
file_set_find(
    struct config_file_id *slots, size_t size, dev_t device, ino_t inode)
{
	uint64_t mixed = ((uint64_t)inode ^ (uint64_t)device << 32) *
			 UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(mixed >> 32) & (size - 1);

	while (slots[i].inode != 0 &&
	       (slots[i].inode != inode || slots[i].device != device))
		i = (i + 1) & (size - 1);
	return &slots[i];
}

static int
file_set_grow(struct config_file_set *set)
{
	size_t size = set->size == 0 ? FILE_SET_FIRST : set->size * 2;
	struct config_file_id *slots = calloc(size, sizeof(*slots));

	if (slots == NULL)
		return -1;
	for (size_t i = 0; i < set->size; i++)
		if (set->slots[i].inode != 0)
			*file_set_find(slots, size, set->slots[i].device,
			    set->slots[i].inode) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->size = size;
	return 0;
}

int
config_file_set_add(struct config_file_set *set, dev_t device, ino_t inode)
{
	struct config_file_id *slot;

	if (set->count * 2 >= set->size && file_set_grow(set) != 0)
		return -1;
	slot = file_set_find(set->slots, set->size, device, inode);
	if (slot->inode != 0)
		return 0;
	*slot = (struct config_file_id){ device, inode };
	set->count++;
	return 1;
}

void
config_file_set_free(struct config_file_set *set)
{
	free(set->slots);
	*set = (struct config_file_set){ 0 };
}

/* ---- what an include names ---- */

static bool
include_is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* Joins the two; wildcards in the folder's name stand for themselves. */
static char *
include_join(const char *folder, const char *pattern)
{
	bool escape = include_is_pattern(pattern);
	char *joined, *to;

	if (*pattern == '/')
		return strdup(pattern);
	joined = malloc(2 * strlen(folder) + 1 + strlen(pattern) + 1);
	if (joined == NULL)
		return NULL;
	for (to = joined; *folder != '\0'; folder++) {
		if (escape && strchr("*?[]\\", *folder) != NULL)
			*to++ = '\\';
		*to++ = *folder;
	}
	*to++ = '/';
	strcpy(to, pattern);
	return joined;
}

/* For glob(3): a folder that does not exist is no error. */
static int
include_stop_at(const char *path, int error)
{
	(void)path;
	return error != ENOENT;
}

/* By bytes, for glob(3) sorts by the locale. */
static int
include_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum config_include_result
include_copy(struct config_include *found, const glob_t *matched)
{
	found->paths = calloc(matched->gl_pathc + 1, sizeof(*found->paths));
	if (found->paths == NULL)
		return CONFIG_INCLUDE_MEMORY;
	for (size_t i = 0; i < matched->gl_pathc; i++) {
		found->paths[i] = strdup(matched->gl_pathv[i]);
		if (found->paths[i] == NULL)
			return CONFIG_INCLUDE_MEMORY;
		found->count++;
	}
	qsort(
	    found->paths, found->count, sizeof(*found->paths), include_compare);
	return CONFIG_INCLUDE_FOUND;
}

static enum config_include_result
include_match(struct config_include *found, const char *pattern)
{
	enum config_include_result result;
	glob_t matched = { 0 };

	errno = 0;
	switch (glob(pattern, GLOB_NOSORT, include_stop_at, &matched)) {
	case 0:
		result = include_copy(found, &matched);
		break;
	case GLOB_NOMATCH:
		result = CONFIG_INCLUDE_NOTHING;
		break;
	case GLOB_ABORTED:
		found->error = errno == 0 ? EIO : errno;
		result = CONFIG_INCLUDE_UNREADABLE;
		break;
	default:
		result = CONFIG_INCLUDE_MEMORY;
		break;
	}
	globfree(&matched);
	return result;
}

enum config_include_result
config_include_find(
    struct config_include *found, const char *folder, const char *pattern)
{
	enum config_include_result result = CONFIG_INCLUDE_FOUND;
	char *joined;

	*found = (struct config_include){ 0 };
	joined = include_join(folder, pattern);
	if (joined == NULL)
		return CONFIG_INCLUDE_MEMORY;
	found->pattern = joined;
	if (include_is_pattern(pattern))
		return include_match(found, joined);
	/* A plain name is returned as it is; opening it may fail. */
	found->paths = calloc(1, sizeof(*found->paths));
	if (found->paths == NULL || (found->paths[0] = strdup(joined)) == NULL)
		return CONFIG_INCLUDE_MEMORY;
	found->count = 1;
	return result;
}

void
config_include_free(struct config_include *found)
{
	for (size_t i = 0; i < found->count; i++)
		free(found->paths[i]);
	free(found->paths);
	free(found->pattern);
	*found = (struct config_include){ 0 };
}

/* ---- paths that keys name ---- */

/* The folder of a path, absolute, so that a later chdir changes nothing. */
char *
config_path_folder(struct evpop_arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	int length = slash == NULL ? 0 : (int)(slash - path);
	char *here = NULL, *folder, *shared;
	int made;

	if (*path == '/') {
		made =
		    asprintf(&folder, "%.*s", length == 0 ? 1 : length, path);
	} else {
		here = get_current_dir_name();
		made = asprintf(&folder, "%s%s%.*s", here == NULL ? "." : here,
		    length == 0 ? "" : "/", length, path);
		free(here);
	}
	if (made < 0)
		return NULL;
	shared = evpop_arena_share(arena, folder);
	free(folder);
	return shared;
}

bool
config_path_needs_shell(const char *text)
{
	if (*text == '~')
		return text[1] == '\0' || strchr(text, '/') != NULL;
	return *text == '$';
}

/* Why the daemon could not read the file; NULL if it can. */
static const char *
path_find_fault(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return strerror(errno);
	if (S_ISDIR(status.st_mode))
		return "expected a file, but it is a folder";
	if (!S_ISREG(status.st_mode))
		return "expected a regular file";
	if (access(path, R_OK) != 0)
		return strerror(errno);
	return NULL;
}

/* Why the daemon would refuse a secret from the file; NULL if not. */
static const char *
path_find_exposure(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;
	bool is_exposed;

	if (fd < 0)
		return strerror(errno);
	is_exposed = fstat(fd, &status) == 0 &&
		     secret_is_exposed(fd, &status, S_IRWXG | S_IRWXO);
	(void)close(fd);
	return is_exposed ? "open to other users; run chmod 600 on it, or give "
			    "it to root and let nobody write it"
			  : NULL;
}

/* The daemon creates the file itself, but not its folder. */
static const char *
path_find_fault_of_folder(const char *path)
{
	struct stat status;
	const char *slash = strrchr(path, '/');
	char folder[4096];
	size_t length;

	if (stat(path, &status) == 0)
		return S_ISDIR(status.st_mode)
			   ? "expected a file, but it is a folder"
			   : NULL;
	/* Folders in /run may be created just before the daemon starts. */
	if (strncmp(path, "/run/", 5) == 0)
		return NULL;
	length = slash == NULL ? 0 : (size_t)(slash - path);
	if (length == 0 || length >= sizeof(folder))
		return NULL;
	memcpy(folder, path, length);
	folder[length] = '\0';
	if (stat(folder, &status) != 0)
		return errno == ENOENT ? "its folder does not exist"
				       : strerror(errno);
	return S_ISDIR(status.st_mode) ? NULL : "its folder is a file";
}

/* Who reads the key says more of it: see keys_check().  Servers make sockets,
 * and whether a target's command is for a shell is known later. */
static bool
path_is_for_others(const struct config_option *option)
{
	return strcmp(option->name, "daemon.key_file") == 0 ||
	       strcmp(option->name, "target.socket") == 0 ||
	       strcmp(option->name, "target.command") == 0;
}

static bool
path_is_secret(const struct config_option *option)
{
	return strcmp(option->key, "password_file") == 0 ||
	       strcmp(option->key, "oauth2_client_secret_file") == 0 ||
	       strcmp(option->key, "secret_file") == 0;
}

void
config_path_check(struct config_report *report, const char *file, unsigned line,
    const struct config_option *option, const void *target)
{
	const char *fault, *path;
	const void *value;

	if ((option->type != CONFIG_TYPE_PATH &&
		option->type != CONFIG_TYPE_COMMAND) ||
	    path_is_for_others(option))
		return;
	value = config_value_at(option, target);
	path = value != NULL ? *(const char *const *)value : NULL;
	if (path == NULL)
		return;
	if (option->type == CONFIG_TYPE_COMMAND) {
		config_program_check(
		    report, file, line, option->key, path, true);
		return;
	}
	fault = config_scope_is_named(option->scope)
		    ? path_find_fault(path)
		    : path_find_fault_of_folder(path);
	if (fault == NULL && path_is_secret(option))
		fault = path_find_exposure(path);
	if (fault != NULL)
		config_report_warning(
		    report, file, line, "%s: %s: %s", option->key, path, fault);
}

/* What all accounts have in common must be there; the rest is made. */
static const char *
place_find_fault_of_fixed(const char *path)
{
	size_t length = strcspn(path, "{}");
	struct stat status;
	char folder[4096];

	while (length > 1 && path[length - 1] != '/')
		length--;
	if (length >= sizeof(folder))
		return NULL;
	memcpy(folder, path, length);
	folder[length] = '\0';
	if (stat(folder, &status) != 0)
		return errno == ENOENT
			   ? "the folder before the braces does not exist"
			   : strerror(errno);
	return S_ISDIR(status.st_mode) ? NULL : "its folder is a file";
}

static const char *
place_find_fault(const char *path, bool is_folder)
{
	struct stat status;

	if (stat(path, &status) == 0)
		return S_ISDIR(status.st_mode) == is_folder ? NULL
		       : is_folder ? "expected a folder, but it is a file"
				   : "expected a file, but it is a folder";
	return path_find_fault_of_folder(path);
}

void
config_place_check(struct config_report *report, const char *file,
    unsigned line, const char *path, bool is_folder)
{
	const char *fault = strpbrk(path, "{}") != NULL
				? place_find_fault_of_fixed(path)
				: place_find_fault(path, is_folder);

	if (fault != NULL)
		config_report_warning(
		    report, file, line, "path: %s: %s", path, fault);
}
