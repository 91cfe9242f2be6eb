/* An account as the poller sees it. */
#ifndef POLL_ACCOUNT_H
#define POLL_ACCOUNT_H

#include "daemon/poll/findings.h"
#include "daemon/poll/item.h"
#include "daemon/poll/poller.h"
#include "daemon/poll/run.h"

/* At rest it is no more than this and its text: there may be very many. */
struct poller_account {
	struct agenda_item item; /* first: the agenda hands out items */
	const struct config_account *config; /* NULL: removed, still running */
	struct run *run;            /* while it is polling, and only then */
	struct findings *findings;  /* NULL: none */
	struct unchanged unchanged; /* since the last poll */
	char *last_text;            /* NULL: all is well */
	int64_t last_started_ms, last_finished_ms, last_success_ms;
	int64_t failing_since_ms;  /* 0: it does not fail */
	struct tally tally;        /* of the last poll */
	uint32_t secret_mark;      /* of the file that the last poll read */
	unsigned wish : 3;         /* an enum poller_wish: of the next poll */
	unsigned quiet_polls : 3;  /* in a row, as far as they are counted */
	unsigned last_outcome : 6; /* an enum evpop_error, once finished */
	unsigned advice : 3;       /* an enum advice, likewise */
	unsigned identity : 2;     /* an enum poller_identity */
	unsigned told_state : 3;   /* an enum poller_state: as published */
	unsigned told_health : 2;  /* an enum poller_health: likewise */
};

/* Why its polls wait for a person, where they do. */
bool poller_account_is_held(
    const struct poller_account *, struct evpop_result *why_r);

/*
 * Note how a run ended, for the status, and log it.  The agenda knows it
 * already; `retry_ms` from now the account is polled again, -1: not by itself,
 * as with --once.
 */
void poller_account_note(
    struct poller_account *, const struct run_progress *, int64_t retry_ms);

void poller_account_free(struct poller_account *);

#endif
