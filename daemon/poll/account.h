/* An account as the poller sees it. */
#ifndef POLL_ACCOUNT_H
#define POLL_ACCOUNT_H

#include <sys/queue.h>

#include "daemon/poll/host.h"
#include "daemon/poll/poller.h"
#include "daemon/poll/run.h"
#include "daemon/poll/schedule.h"

struct poller_account {
	struct schedule_item item; /* first: the heap hands out items */
	TAILQ_ENTRY(poller_account) queued;
	struct poller *poller;
	const struct config_account *config; /* NULL: removed, still running */
	struct host *host;
	enum poller_state state;
	struct run *run;
	struct host *run_host; /* where the run's session is */
	bool again, pause;     /* asked for while it was polling */
	enum poller_wish wish; /* of the next poll */
	/* Where a dry run found it, and leaves it again. */
	enum poller_state before;
	struct poller_plan *plan; /* of the last dry run */

	struct unchanged unchanged; /* since the last poll */
	unsigned failures;
	unsigned quiet_polls; /* in a row: nothing fetched or deleted */
	int64_t last_started_ms, last_finished_ms, last_success_ms;
	const char *last_outcome; /* a name; NULL: none yet */
	char *last_text;          /* NULL: all is well */
	uint32_t messages, fetched, deleted, failed;
	uint32_t adopted, too_large, later, seen, held;
	uint64_t octets_in, adopted_octets;
	const char *identity; /* NULL: not known yet */
};
TAILQ_HEAD(poller_queue, poller_account);

/* The one function that changes an account's state. */
void poller_account_enter(struct poller_account *, enum poller_state);

/* Note how a run ended, for the status; log it. */
void poller_account_note(
    struct poller_account *, const char *name, const struct run_progress *);

void poller_account_free(struct poller_account *);

#endif
