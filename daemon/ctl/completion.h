/*
 * What may stand at the end of a line that is being typed, for the shells whose
 * scripts ask for it.
 */
#ifndef CTL_COMPLETION_H
#define CTL_COMPLETION_H

#include "daemon/ctl/command.h"

/* All that can be typed; static. */
struct completion_table {
	const struct command *program; /* the options before a command */
	const struct command *commands;
	size_t count;
};

/* Print a shell's script, or the words that are possible. */
enum ctl_exit completion_print(const struct ctl *, const struct invocation *,
    const struct completion_table *);

#endif
