/*
 * `evpopctl key rotate`: mail that is sealed to one key becomes mail that is
 * sealed to another, by who holds the first.
 */
#ifndef CTL_ROTATE_H
#define CTL_ROTATE_H

#include "daemon/ctl/command.h"

enum ctl_exit rotate_run(const struct ctl *, const struct invocation *);

#endif
