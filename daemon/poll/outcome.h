/* How a poll ended, in the words of the log. */
#ifndef POLL_OUTCOME_H
#define POLL_OUTCOME_H

#include "daemon/log/log.h"
#include "daemon/poll/advice.h"
#include "daemon/poll/run.h"

/* At the level of information only if there is news. */
void outcome_log_success(const char *name, const struct run_progress *);

/* `retry` says when it is tried again, or is "". */
void outcome_log_failure(enum log_level, const char *name,
    const struct run_progress *, const char *retry);

/*
 * What a person is to do, where it does not pass by itself: it needs attention,
 * or the credentials were refused.
 */
void outcome_log_advice(const struct config_account *, enum advice,
    bool attention, bool is_auth, bool once);

/* After so many failures in a row as are known, and since then (Unix time). */
void outcome_log_recovery(enum log_level, const char *name,
    const struct run_progress *, unsigned failures, int64_t since_ms);

#endif
