/* The states of an account, how its polls go, and what its messages are. */
#ifndef POLL_STATE_H
#define POLL_STATE_H

enum poller_state {
	POLLER_WAITING = 0, /* for the time when it is due */
	POLLER_QUEUED,      /* due, waiting for a free session */
	POLLER_POLLING,
	POLLER_PAUSED,   /* by a person */
	POLLER_DISABLED, /* enabled = no */
	POLLER_STATE_COUNT
};

/* Of an account that is to be polled; others are taken for well. */
enum poller_health {
	POLLER_WELL = 0,
	POLLER_FAILING, /* its last poll failed, which may pass by itself */
	POLLER_REFUSED, /* it needs attention: the server will not let it in */
	POLLER_HEALTH_COUNT
};

/* What the server's messages are known by. */
enum poller_identity {
	POLLER_IDENTITY_UNKNOWN = 0, /* not yet */
	POLLER_IDENTITY_UNIQUE_ID,
	POLLER_IDENTITY_TOP,  /* a digest of what TOP shows, without UIDL */
	POLLER_IDENTITY_BODY, /* a digest of the whole, without both */
	POLLER_IDENTITY_COUNT
};

/* "unique-id", "top" or "body"; NULL where it is not known yet. */
const char *poller_identity_name(enum poller_identity);

/* "waiting". */
const char *poller_state_name(enum poller_state);

/* The one word for both: who waits after a failure is "failing", "refused". */
const char *poller_shown_state(enum poller_state, enum poller_health);

#endif
