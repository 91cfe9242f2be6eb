/*
 * The running daemon: everything that main has wired together, from the first
 * poll to the last commit.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/config.h"

struct service_options {
	const char *config_path;
	bool once; /* poll every account once, without the control socket */
	/* With it: only those of these names and patterns; none: all. */
	const char *const *names;
	size_t name_count;
	bool quiet; /* say nothing but what fails */
};

/*
 * Run until told to stop, or with `once` until all is polled.  Takes over the
 * configuration.  Returns an exit code of sysexits(3).
 */
int service_run(const struct service_options *, struct config *)
    __attribute__((warn_unused_result));

#endif
