/*
 * The files of a configuration: which were read already, which an include
 * names, and whether the daemon can use the paths that keys name.
 */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/config/option.h"
#include "daemon/config/report.h"
#include "lib/base/arena.h"

/* All of a file, or its first `size` octets; false with an errno. */
bool config_file_read(int fd, char *bytes_r, size_t size, size_t *length_r);

/* A file, whatever its name is. */
struct config_file_id {
	dev_t device;
	ino_t inode; /* 0: a free slot */
};

/* Zeroed: empty. */
struct config_file_set {
	struct config_file_id *slots;
	size_t size, count;
};

/* 1: added, 0: it is a member already, -1: no memory. */
int config_file_set_add(struct config_file_set *, dev_t, ino_t)
    __attribute__((warn_unused_result));
void config_file_set_free(struct config_file_set *);

struct config_include {
	char *pattern; /* a whole path */
	char **paths;  /* in the order of their bytes */
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

/*
 * The folder of a path, absolute, so that a later chdir changes nothing; NULL
 * without memory.
 */
char *config_path_folder(struct evpop_arena *, const char *path)
    __attribute__((warn_unused_result));

/* Whether a shell would expand it: "~/x", "$HOME/x". */
bool config_path_needs_shell(const char *text);

/*
 * Warn if the file that a key names does not exist, is a folder or cannot be
 * read by this user; for the store and the socket, if their folder does not
 * exist.  Of a command its program is looked for.  It is only a warning: the
 * daemon may run as another user, or later.  `target` holds the option's
 * member; other options are passed over.
 */
void config_path_check(struct config_report *, const char *file, unsigned line,
    const struct config_option *, const void *target);

/*
 * The same of where a target's files come to be: a folder, or a file in one
 * that there is.
 */
void config_place_check(struct config_report *, const char *file, unsigned line,
    const char *path, bool is_folder);

#endif
