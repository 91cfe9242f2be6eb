/*
 * What the schedule knows of an account: small, for there may be a hundred
 * thousand of them.
 */
#ifndef POLL_ITEM_H
#define POLL_ITEM_H

#include <sys/queue.h>

#include <stdint.h>

#include "daemon/poll/schedule.h"
#include "daemon/poll/state.h"

struct host;

struct agenda_item {
	/* First: heaps hand it out.  When due; of a wish, its number. */
	struct schedule_item time;
	/* In its host's queue, among those that have a session, or failing. */
	TAILQ_ENTRY(agenda_item) link;
	struct host *host;
	struct host *session;   /* the host of its session; NULL: none */
	int64_t session_ms;     /* when it began, or the last one ended */
	uint32_t floor_s;       /* the LOGIN-DELAY last seen; 0: none */
	uint32_t interval_ms;   /* the present one; 0: as configured */
	uint32_t failures;      /* in a row */
	unsigned refusals : 6;  /* of the credentials, since it was well */
	unsigned health : 2;    /* an enum poller_health */
	unsigned state : 3;     /* an enum poller_state */
	unsigned before : 3;    /* where it goes back to after this poll */
	unsigned wished : 1;    /* in the queue by a person's wish */
	unsigned again : 1;     /* wished for while it was polling */
	unsigned pause : 1;     /* likewise */
	unsigned disabled : 1;  /* by the configuration, while polling */
	unsigned renewed : 1;   /* likewise, to be looked at anew */
	unsigned elsewhere : 1; /* likewise, at another server */
};
TAILQ_HEAD(agenda_list, agenda_item);

#endif
