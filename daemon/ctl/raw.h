/*
 * Bytes as the daemon has them, to a file, a pipe or a terminal.
 */
#ifndef CTL_RAW_H
#define CTL_RAW_H

#include "daemon/ctl/client.h"

struct invocation;

/*
 * Print what is at the target, or write it to the file that the invocation's
 * --output names; one that is there is replaced only with --force.
 */
enum ctl_exit raw_print(
    const struct ctl *, const struct target *, const struct invocation *);

/* Write it to a new file, or replace one where `force` says so. */
enum ctl_exit raw_save(
    const struct ctl *, const struct target *, const char *path, bool force);

#endif
