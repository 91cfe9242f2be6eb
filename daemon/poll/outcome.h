/* How a poll ended, in the words of the log. */
#ifndef POLL_OUTCOME_H
#define POLL_OUTCOME_H

#include "daemon/poll/run.h"

/* At the level of information only if there is news. */
void outcome_log_success(const char *name, const struct run_progress *);

/* `retry` says when it is tried again, or is "". */
void outcome_log_failure(
    const char *name, const struct run_progress *, const char *retry);

#endif
