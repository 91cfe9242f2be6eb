/*
 * Octets as the daemon has them, to a file, a pipe or a terminal.
 */
#ifndef CTL_RAW_H
#define CTL_RAW_H

#include "daemon/ctl/ctl.h"

struct target;

/*
 * Print what is at the target, or write it to a new file at `path` ("-" and
 * NULL: standard output).  Frees the target.
 */
enum ctl_exit raw_print(struct ctl *, struct target *, const char *path);

#endif
