/*
 * The API over a store that is only read: what evpopctl --store starts, where
 * no daemon runs, or where one is to be left alone.  Polls nothing, takes no
 * lock, changes nothing.  Or, with the lock, over one that takes the unique-ids
 * that another program has noted, before a daemon has it.
 */
#ifndef SERVING_H
#define SERVING_H

#include <stdbool.h>

/*
 * Standard input is the listening socket.  On standard output comes one line:
 * "ready", or why it cannot be read; then answers are given until SIGTERM.
 * Returns an exit code of sysexits(3).
 */
int serving_run(const char *store_path, bool fills)
    __attribute__((warn_unused_result));

#endif
