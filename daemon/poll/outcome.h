/* How a poll ended, in the words of the log. */
#ifndef POLL_OUTCOME_H
#define POLL_OUTCOME_H

#include "daemon/poll/advice.h"
#include "daemon/poll/run.h"
#include "daemon/poll/state.h"

struct outages;

/* How the polls before this one went. */
struct outcome_past {
	unsigned failures;        /* in a row, since this daemon's start */
	int64_t failing_since_ms; /* Unix time; 0: the last one went well */
};

struct outcome {
	const struct config_account *account;
	const struct run_progress *progress;
	struct outcome_past past;
	enum poller_health health; /* by now */
	enum advice advice;
	int64_t retry_ms;        /* from now; -1: it is not tried again */
	struct outages *outages; /* NULL: each account is told by itself */
	unsigned outage_mark;    /* see outages_note() */
};

/*
 * Log it: at the level of debugging only, where nothing is new, or where many
 * accounts say the same.  Returns the new mark.
 */
unsigned outcome_log(const struct outcome *);

#endif
