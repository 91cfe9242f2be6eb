/*
 * Targets that mail is delivered to, as the daemon tells of them.
 */
#ifndef CTL_TARGETS_H
#define CTL_TARGETS_H

#include "daemon/ctl/print.h"

/* The columns of a list of them, a line each. */
const struct print_field *targets_live_columns(size_t *count_r);

#endif
