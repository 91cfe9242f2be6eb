/*
 * What is published of an account's polls: that one begins, how it went, and
 * what that changes.
 */
#ifndef POLL_TOLD_H
#define POLL_TOLD_H

#include "daemon/poll/account.h"

/* The log alone: an account goes from a state to another. */
void told_trace(
    const struct agenda_item *, enum poller_state from, enum poller_state to);

void told_begun(const struct account *, struct notify *);

/* How an account stood before a poll that is over now. */
struct told_past {
	enum poller_health health;
	bool is_remembered;       /* by the store, which does not know how */
	int64_t failing_since_ms; /* 0: it did not fail */
	uint32_t held;
};

/* Before account_end(). */
struct told_past told_past(const struct account *, const struct run_progress *);

/* After it. */
void told_over(const struct account *, struct notify *,
    const struct run_progress *, const struct told_past *);

#endif
