/*
 * A store and a sync that do nothing but write down what they are asked, and
 * answer when a test says so.  A test that links this links neither.
 */
#ifndef EVPOP_TESTS_UNIT_POLL_FAKES_H
#define EVPOP_TESTS_UNIT_POLL_FAKES_H

#include <evpop/sync.h>

#include "daemon/store/store.h"

#define FAKE_OWED_MAX 16

struct fake_owed {
	void (*give)(struct fake_owed *);
	union {
		store_done_cb done;
		store_uids_cb uids;
		store_message_cb message;
		store_failure_cb failure;
		store_failed_before_cb failed_before;
		store_account_cb account;
		store_octets_cb octets;
		store_bound_cb bound;
	} cb;
	void *arg;
};

/* One store, and one sync at a time. */
struct fakes {
	char asked[512]; /* "uids;change 2;commit;", since the last look */
	struct fake_owed owed[FAKE_OWED_MAX]; /* the oldest first */
	size_t count;
	/* How the store answers. */
	enum store_status status;
	struct store_account account;
	struct store_uid uids[4];
	size_t uid_count;
	bool is_out_of_memory;          /* for bodies */
	bool is_full;                   /* bodies pause */
	struct store_uid_change change; /* the first of those made last */
	struct store_poll poll;         /* recorded last */
	/* The sync. */
	const struct evpop_sync_callbacks *callbacks;
	void *arg;
	struct evpop_result cancelled; /* for this reason */
	struct evpop_plan *plan;
	int64_t waits_since_ms;          /* of a plan's first entry */
	struct evpop_adoption adoption;  /* of every message of a plan */
	struct evpop_sync_report report; /* so far */
};
extern struct fakes fakes;

/* Begin anew. */
void fakes_reset(void);

/* What was asked since the last call, which is forgotten. */
const char *fakes_asked(void);

/* Answer the oldest question, or all, also those asked meanwhile. */
void fakes_answer(void);
void fakes_answer_all(void);

/* The handles, which nobody looks into. */
struct store *fakes_store(void);
struct evpop_sync *fakes_sync(void);

#endif
