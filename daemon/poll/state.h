/* The states of an account. */
#ifndef POLL_STATE_H
#define POLL_STATE_H

enum poller_state {
	POLLER_WAITING = 0, /* for the time when it is due */
	POLLER_QUEUED,      /* due, waiting for a free session */
	POLLER_POLLING,
	POLLER_PAUSED,   /* by a person */
	POLLER_DISABLED, /* enabled = no */
	POLLER_STOPPED,  /* credentials refused: needs a person */
	POLLER_STATE_COUNT
};

/* "waiting". */
const char *poller_state_name(enum poller_state);

#endif
