/*
 * The inside of a deposit, shared by bodies (deposit.c) and what is known of
 * unique-ids (known.c).
 */
#ifndef POLL_DEPOSIT_INTERNAL_H
#define POLL_DEPOSIT_INTERNAL_H

#include "daemon/poll/deposit.h"
#include "daemon/poll/transcript.h"

struct deposit_id;

struct deposit {
	struct store *store;
	struct evpop_sync *sync;
	const char *name;
	store_done_cb failed;
	void *failed_arg;
	int64_t account_id;
	bool dry_run;

	const struct store_uid *uids; /* while the sync is told of them */
	size_t uid_count;
	/* Of this session; NULL while nothing needs it. */
	struct store_identity *identity;
	bool gone; /* some known message is not listed */

	struct store_uid_change *changes; /* owed to the store */
	size_t change_count, change_room;
	struct deposit_id *ids; /* of some changes */
	unsigned writes;        /* of changes, not answered yet */
	bool wrote;             /* changes, ever */
	bool listed;            /* waits for these to ask what is known */

	uint32_t stored, adopted;
	/* Of this session, without a unique-id: durable, and deleted. */
	uint32_t nameless, nameless_deleted;
	struct transcript transcript;
	bool paused;
	unsigned waiting; /* answers owed by the store */
	enum store_status worst;
	store_done_cb closed; /* set once closing */
	void *closed_arg;
};

/* The store did not take something. */
void deposit_note_failure(struct deposit *, enum store_status);

/* An answer of the store has come: the last one, once closing, settles it. */
void deposit_close_if_settled(struct deposit *);

/* Hand over the changes that were noted. */
void deposit_write_changes(struct deposit *);

/* Free what was kept for them. */
void deposit_drop_ids(struct deposit *);

/*
 * Bodies are compared by their bytes where there is no id, and where a known
 * message may come under another one.  False where that is so and there is no
 * memory for it.
 */
bool deposit_identify(struct deposit *, const struct evpop_entry *);

/*
 * A session is over.  If all that came without a unique-id is deleted on the
 * server, what comes later is something else, though its bytes be the same.
 */
void deposit_settle_identity(struct deposit *);

#endif
