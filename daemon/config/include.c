#include "daemon/config/include.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* Joins the two, so that only the pattern's own signs are signs. */
static char *
join(const char *folder, const char *pattern)
{
	bool escape = is_pattern(pattern);
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

/* A folder that is not there matches nothing; any other failure is one. */
static int
stop_at_error(const char *path, int error)
{
	(void)path;
	return error != ENOENT;
}

/* glob(3) would sort by the locale. */
static int
compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum config_include_result
copy_paths(struct config_include *found, const glob_t *matched)
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
	qsort(found->paths, found->count, sizeof(*found->paths), compare_paths);
	return CONFIG_INCLUDE_FOUND;
}

static enum config_include_result
match(struct config_include *found, const char *pattern)
{
	enum config_include_result result;
	glob_t matched = { 0 };

	errno = 0;
	switch (glob(pattern, GLOB_NOSORT, stop_at_error, &matched)) {
	case 0:
		result = copy_paths(found, &matched);
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
	joined = join(folder, pattern);
	if (joined == NULL)
		return CONFIG_INCLUDE_MEMORY;
	if (is_pattern(pattern)) {
		result = match(found, joined);
		free(joined);
		return result;
	}
	/* A plain name is to be opened, and to fail there. */
	found->paths = calloc(1, sizeof(*found->paths));
	if (found->paths == NULL) {
		free(joined);
		return CONFIG_INCLUDE_MEMORY;
	}
	found->paths[0] = joined;
	found->count = 1;
	return result;
}

void
config_include_free(struct config_include *found)
{
	for (size_t i = 0; i < found->count; i++)
		free(found->paths[i]);
	free(found->paths);
	*found = (struct config_include){ 0 };
}
