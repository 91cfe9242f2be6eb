/*
 * The files that keys name: whether they can be read now.
 */
#ifndef CONFIG_NAMED_FILE_H
#define CONFIG_NAMED_FILE_H

#include <stdbool.h>

#include "daemon/config/option.h"
#include "daemon/config/report.h"

/* Whether a shell would make another path of it: "~/x", "$HOME/x". */
bool config_named_file_needs_shell(const char *text);

/*
 * Warn where the file that a key names is not there, is a folder or cannot be
 * read by this user; of the store and the socket, where their folder is none.
 * The daemon may still find it: nothing but a warning.
 */
void config_named_file_check(struct config_report *, const char *file,
    unsigned line, const struct config_option *, const char *path);

#endif
