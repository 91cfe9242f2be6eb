/* The accounts that evpopd --once is told to poll. */
#ifndef CHOSEN_H
#define CHOSEN_H

#include <stddef.h>

#include "daemon/config/config.h"

/*
 * Whether each name or pattern means an account that may be polled.  Returns 0,
 * or an exit code after saying on standard error which one does not.
 */
int chosen_check(const struct config *, char *const *names, size_t count);

#endif
