/*
 * Polls that somebody waits for together: a sign of life while they run, the
 * result of each, and sums.
 */
#ifndef CTL_RESULTS_H
#define CTL_RESULTS_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/ctl/ctl.h"

struct results {
	const struct ctl *ctl;
	int64_t begun_ms, shown_ms; /* monotonic */
	size_t accounts;            /* to wait for */
	size_t ok, failed, unpolled;
	uint64_t fetched, bytes; /* messages, and their size */
	bool is_shown;
};

void results_begin(
    struct results *results_r, const struct ctl *, size_t accounts);

/* Report a poll that is over.  Returns the exit code for its outcome. */
enum ctl_exit results_report(struct results *, const json_t *account);
/* Say that it will not be polled any more; CTL_TEMPORARY. */
enum ctl_exit results_report_unpolled(
    struct results *, const char *name, const char *state);

/*
 * On a terminal, once somebody has waited for a while: what is waited for.
 * `account` is one that is not over.
 */
void results_show(struct results *, const json_t *account);
/* Before other words. */
void results_clear(struct results *);

/* The sums of several accounts, for people. */
void results_end(struct results *);

#endif
