/*
 * Tries a target without a message, by the daemon: it is the daemon that will
 * deliver, with its user, its files and its network.
 */
#ifndef CTL_TRIAL_H
#define CTL_TRIAL_H

#include "daemon/ctl/ctl.h"

/* Whether a name can only be that of a target: "maildir:/var/mail". */
bool trial_is_of_target(const char *name);

/* Whether the daemon has one of that name; says nothing. */
bool trial_knows_target(const struct ctl *, const char *name);

/* Try it, and print what came of it. */
enum ctl_exit trial_run(const struct ctl *, const char *name);

#endif
