/*
 * The running daemon: everything that main has wired together, from the first
 * poll to the last commit.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/config.h"
#include "daemon/store/status.h"

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

/* What a store that does not work means for whoever started us. */
int service_exit_of_store(enum store_status);

/* The log is as the configuration wants it from now on. */
void service_set_log_format(const struct config *);

/* Log every line; errors as errors. */
void service_log_messages(const struct config_messages *);

#endif
