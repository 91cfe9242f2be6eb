/*
 * Finds the files that an include names.
 */
#ifndef CONFIG_INCLUDE_H
#define CONFIG_INCLUDE_H

#include <stddef.h>

struct config_include {
	char **paths; /* in the order of their bytes */
	size_t count;
	int error; /* an errno */
};

enum config_include_result {
	CONFIG_INCLUDE_FOUND = 0,
	/* A pattern may match nothing; a plain name is found regardless. */
	CONFIG_INCLUDE_NOTHING,
	CONFIG_INCLUDE_UNREADABLE, /* a folder; see error */
	CONFIG_INCLUDE_MEMORY
};

/* *found_r is the caller's to free, whatever the result. */
enum config_include_result config_include_find(
    struct config_include *found_r, const char *folder, const char *pattern)
    __attribute__((warn_unused_result));
void config_include_free(struct config_include *);

#endif
