/*
 * Polls accounts when they are due: asks the schedule, fetches the secret,
 * runs a sync into the store, records what came of it, and backs off from
 * what fails.  Everything on the loop.
 */
#ifndef POLL_POLLER_H
#define POLL_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "daemon/notify/tally.h"
#include "daemon/poll/state.h"
#include "daemon/store/store.h"

struct config_account;
struct event_base;
struct evpop_names;
struct evpop_telemetry;
struct notify;
struct oauth;
struct store;
struct poller;
struct secret_key;

/* How an account stands; strings are borrowed until the next loop turn. */
struct poller_account_status {
	const char *name, *host, *user;
	uint16_t port;   /* 0: not known */
	const char *tls; /* "implicit", "stls", "none"; NULL: not known */
	/* How the last log-in that was answered was tried; NULL: none yet. */
	const char *mechanism;
	const struct config_account *section; /* NULL: not known */
	enum poller_state state;
	enum poller_health health;
	int64_t next_ms;         /* Unix time; 0: not scheduled */
	int64_t interval_ms;     /* the present one, where it adapts */
	int64_t last_started_ms; /* 0: not since the start */
	int64_t last_finished_ms;
	int64_t last_success_ms;
	int64_t failing_since_ms; /* 0: it does not fail */
	const char *last_outcome; /* "ok" or the error's name; NULL: none yet */
	const char *last_text;    /* why, in words; NULL if all is well */
	unsigned failures;        /* in a row */
	struct tally tally;   /* of the poll under way, else of the last one */
	const char *identity; /* poller_identity_name() */
	/* How its maildrop changed, in words; NULL: it did not. */
	const char *moved;
	/*
	 * The account is new, and has the host and user of one that is no
	 * longer configured: with this `id` it continues that one; or NULL.
	 */
	const char *former_id;
	/* Paused, also where it is polled once by a wish. */
	bool is_paused;
	int64_t paused_ms;     /* since then; 0: it is not, or not known */
	const char *paused_by; /* NULL: not known */
};

struct poller_status {
	size_t accounts, polling, queued;
	/* Whose last poll failed, and of them those that need attention. */
	size_t failing, refused;
	uint64_t polls, failures;  /* since the start */
	uint64_t messages, octets; /* stored since the start */
	size_t chosen; /* accounts to poll, where each is polled once */
	/* Deletions that wait for a person, and in how many accounts. */
	uint64_t held_accounts, held_deletions;
};

#define POLLER_FULL_TEXT 256

/* All of them outlive the poller. */
struct poller_options {
	struct event_base *base;
	struct evpop_names *names; /* NULL: hosts are addresses */
	struct store *store;
	struct notify *notify; /* the store's; NULL: nobody is told */
	/* What sessions are measured for; NULL: nothing. */
	const struct evpop_telemetry *telemetry;
	const struct secret_key *key; /* as poller_set_key() takes it */
	struct oauth *oauth;          /* gives tokens; NULL: nobody does */
	/*
	 * Poll every enabled account once, or those of these names and patterns
	 * (see once.h), which must stay; NOTIFY_POLLS_ENDED is published when
	 * all of it is durable.
	 */
	bool once;
	const char *const *only;
	size_t only_count;
	/*
	 * Whether an account must not fetch now, since its mail could not be
	 * delivered for long, and why; NULL: none ever.  NOTIFY_TARGET_DRAINED
	 * tells that this may have ended.
	 */
	bool (*is_full)(
	    const char *account, char text_r[POLLER_FULL_TEXT], void *arg);
	void *full_arg;
};

/* `config` must stay until replaced by poller_reload(). */
struct poller *poller_new(const struct poller_options *, const struct config *)
    __attribute__((warn_unused_result));

/*
 * Finish: no new polls; those under way stop fetching, QUIT and record.
 * NOTIFY_POLLS_ENDED is published when the last one is over, at the latest
 * after grace_ms, when the rest is cut.
 */
void poller_stop(struct poller *, int64_t grace_ms);
void poller_free(struct poller **);

/*
 * Take over a new configuration; running sessions of unchanged accounts stay,
 * and accounts that fail are tried at once.  False without memory, and nothing
 * has changed.
 */
bool poller_reload(struct poller *, const struct config *,
    const struct config_diff *) __attribute__((warn_unused_result));

/*
 * What opens sealed passwords, from the next poll on; NULL: nothing.  It must
 * stay until it is replaced.
 */
void poller_set_key(struct poller *, const struct secret_key *);

enum poller_answer {
	POLLER_DONE = 0,
	POLLER_NO_SUCH_ACCOUNT,
	POLLER_ALREADY, /* polling, paused or running already */
	POLLER_IS_DISABLED
};
enum poller_wish {
	POLLER_WISH_POLL = 0,
	/* Look what a poll would do, and do nothing: see poller_plan(). */
	POLLER_WISH_DRY_RUN,
	/* Count everything that is there and unknown as seen. */
	POLLER_WISH_BASELINE,
	/* Poll, with all deletions that are held. */
	POLLER_WISH_CONFIRM,
	POLLER_WISH_COUNT
};
/*
 * A person's wish goes first.  A paused account is polled once, and stays
 * paused.  Where the account is polling, the wish is fulfilled after that
 * (POLLER_ALREADY).
 */
enum poller_answer poller_poll_now(
    struct poller *, const char *name, enum poller_wish);

/* What the last dry run of an account found. */
struct poller_plan_entry {
	uint32_t number, occurrence;
	const unsigned char *unique_id; /* NULL: it has none */
	size_t unique_id_length;
	uint64_t octets;        /* by LIST; 0 where it was not asked */
	const char *action;     /* evpop_action_name() */
	int64_t waits_until_ms; /* Unix time; 0: it does not wait */
};
/* Larger plans are cut: a daemon's memory is bounded. */
#define POLLER_PLAN_ENTRIES 10000
struct poller_plan {
	int64_t made_ms; /* Unix time */
	size_t messages, fetches, deletes, adopts, too_large, later, seen, held,
	    waits, unidentified;
	uint64_t fetch_octets;             /* by LIST */
	struct poller_plan_entry *entries; /* only those with an action */
	size_t entry_count;
	bool cut; /* there are more */
};
/* NULL: no such account, or no dry run of it; borrowed until the next one. */
const struct poller_plan *poller_plan(const struct poller *, const char *name);
/*
 * Pause an account until it is resumed, through restarts.  With POLLER_DONE the
 * store is asked, and `done` (or NULL) says how that went: where it is not
 * STORE_OK, nothing has changed.  With any other answer it is not called. `who`
 * may be NULL.  The poller may be gone when `done` runs.
 */
enum poller_answer poller_pause(struct poller *, const char *name,
    const char *who, store_done_cb done, void *arg);
/* Likewise.  An account that fails is tried at once as well. */
enum poller_answer poller_resume(
    struct poller *, const char *name, store_done_cb done, void *arg);

void poller_status(const struct poller *, struct poller_status *status_r);
bool poller_account_status(const struct poller *, const char *name,
    struct poller_account_status *status_r);
/*
 * What to do about an account that fails, in a sentence for people.  False
 * where it does not fail.
 */
#define POLLER_ADVICE_SIZE 900
bool poller_account_advice(
    const struct poller *, const char *name, char advice_r[POLLER_ADVICE_SIZE]);
/* In the order of names; the index runs from 0 to accounts - 1. */
bool poller_account_status_at(const struct poller *, size_t index,
    struct poller_account_status *status_r);

#endif
