/*
 * The outbox: which messages go to which targets, and how far they are.  A row
 * is made in the transaction that stores its message, by what is configured for
 * its account at that time, and stays as long as the message does, so that it
 * can be told what became of it.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "daemon/store/store.h"

/* ---- what is configured ---- */

/* An account, and the names of the targets that its new messages go to. */
struct store_delivering {
	const char *account;
	const char *const *targets;
	size_t target_count;
	/* Its unique-ids wait with their deletion until all have it. */
	bool deletes_delivered;
};

/*
 * All of them; replaces what was configured before, in the order of other
 * writes: bodies that are committed later go by it.  A target that no account
 * has any more keeps its rows, which wait.  Copied; answered when durable.
 */
void store_outbox_configure(struct store *, const struct store_delivering *,
    size_t count, store_done_cb, void *arg);

/* ---- for who delivers ---- */

enum store_outbox_state {
	STORE_OUTBOX_WAITING = 0,
	STORE_OUTBOX_DELIVERED,
	STORE_OUTBOX_REFUSED, /* for good, until a person wants it again */
	STORE_OUTBOX_DROPPED  /* a person does not want it delivered */
};

/* A row, with what is needed to deliver its message. */
struct store_outbox_due {
	int64_t id, message_id, account_id;
	/* Of the account's row, also where it is configured no more. */
	const char *account, *host, *user;
	uint64_t octets;
	unsigned char digest[32];
	int64_t stored_ms;
	int64_t queued_ms; /* when this row was made, or tried anew by hand */
	unsigned attempts;
	bool may_be_there;
	const char *note; /* "" where there is none */
	/*
	 * The whole body where it is no longer than STORE_OUTBOX_INLINE and
	 * what is wanted, else NULL: read it by store_letter_next().
	 */
	const unsigned char *body;
};
#define STORE_OUTBOX_INLINE ((size_t)64 * 1024)

struct store_outbox_want {
	const char *target; /* copied */
	int64_t now_ms;     /* those that are due by then */
	int64_t after_id;   /* with ids above this; 0: from the first */
	unsigned limit;
	size_t octets; /* of bodies, in all: `more` says that rows are left */
	/*
	 * None whose account has one before it that waits for this target and
	 * is not due, or has an id up to after_id.
	 */
	bool is_ordered;
};
/*
 * By id, ascending.  `next_ms` is when the first of those becomes due that are
 * not yet; 0: none waits.  Borrowed until the callback returns.
 */
typedef void (*store_outbox_due_cb)(enum store_status,
    const struct store_outbox_due *, size_t count, bool more, int64_t next_ms,
    void *arg);
void store_outbox_take(struct store *, const struct store_outbox_want *,
    store_outbox_due_cb, void *arg);

/* The bytes of a message, piece by piece; NULL without memory. */
struct store_letter;
struct store_letter *store_letter_new(struct store *, int64_t message_id)
    __attribute__((warn_unused_result));
/* STORE_OK with length 0 past the end; STORE_NOT_FOUND: it was deleted. */
typedef void (*store_letter_cb)(
    enum store_status, const unsigned char *, size_t length, void *arg);
void store_letter_next(struct store_letter *, store_letter_cb, void *arg);
/* No callback any more.  Sets the pointer to NULL. */
void store_letter_free(struct store_letter **);

/* What came of an attempt; strings are copied. */
struct store_outbox_result {
	int64_t id;
	enum store_outbox_state state;
	int64_t due_ms;  /* of WAITING: when it is tried again */
	bool is_attempt; /* it counts as one */
	bool may_be_there;
	const char *answer; /* in words; NULL: as it was */
	const char *place;  /* where it is now; NULL: not known */
};
/*
 * Durable when answered.  The last delivery of a message whose account deletes
 * what is delivered makes the deletion of its unique-id owed, in the same
 * transaction.  Rows that are gone or have come to an end meanwhile are passed
 * over; but what was dropped, and has arrived, is delivered.
 */
void store_outbox_settle(struct store *, const struct store_outbox_result *,
    size_t count, store_done_cb, void *arg);

/*
 * Keep a text with a waiting row, see parcel_note(); STORE_NOT_FOUND: it waits
 * no more.
 */
void store_outbox_note(
    struct store *, int64_t id, const char *note, store_done_cb, void *arg);

/*
 * The row goes to another target instead, and is due at once; where its message
 * goes there anyway, it is dropped.  STORE_NOT_FOUND: it waits no more.
 */
void store_outbox_redirect(struct store *, int64_t id, const char *target,
    const char *reason, store_done_cb, void *arg);

/* ---- for people ---- */

struct store_outbox_figures {
	const char *target;
	uint64_t waiting, refused, delivered, dropped;
	int64_t oldest_waiting_ms; /* when it was queued; 0: none waits */
	int64_t paused_ms;         /* by a person, since; 0: it is not */
	const char *paused_by;     /* or NULL */
};
/*
 * Each target that has a row, is configured or paused, by name.  Counted, not
 * scanned: cheap however many rows there are.  A question, as those of
 * question.h.
 */
typedef void (*store_outbox_figures_cb)(enum store_status,
    const struct store_outbox_figures *, size_t count, void *arg);
void store_outbox_figures(struct store *, store_outbox_figures_cb, void *arg);

void store_target_pause(struct store *, const char *target, int64_t now_ms,
    const char *who, store_done_cb, void *arg);
void store_target_resume(
    struct store *, const char *target, store_done_cb, void *arg);

struct store_outbox_row {
	int64_t id, message_id;
	const char *account, *target;
	enum store_outbox_state state;
	unsigned attempts;
	int64_t queued_ms, due_ms, tried_ms, settled_ms; /* 0: not (yet) */
	bool may_be_there;
	uint64_t octets;
	const char *sender, *subject; /* of the message; NULL: none, sealed */
	const char *answer, *place;   /* NULL: none */
};
struct store_outbox_query {
	const char *account, *target; /* NULL: of all */
	int state;                    /* an enum, or -1: of all */
	int64_t message_id;           /* 0: of all */
	int64_t below_id;             /* the highest ids first; INT64_MAX */
	unsigned limit;
};
/*
 * A question, as those of question.h.  One row is found by its id with
 * `below_id` above it and a limit of one.
 */
typedef void (*store_outbox_cb)(enum store_status,
    const struct store_outbox_row *, size_t count, bool more, void *arg);
void store_outbox_list(struct store *, const struct store_outbox_query *,
    store_outbox_cb, void *arg);

/*
 * Change rows by hand: WAITING tries again at once (what waits or was refused
 * or dropped; attempts begin anew), DROPPED drops what waits or was refused.
 * Of one row (STORE_NOT_FOUND: there is none), or, where `id` is 0, of all that
 * a query matches, of any state: that wait or were refused (below_id and limit
 * bound a step: `last_id`, `more` say how to go on).
 */
struct store_outbox_changed {
	uint64_t changed;
	int64_t last_id;
	bool more;
};
typedef void (*store_outbox_changed_cb)(
    enum store_status, const struct store_outbox_changed *, void *arg);
void store_outbox_change(struct store *, const struct store_outbox_query *,
    int64_t id, enum store_outbox_state, store_outbox_changed_cb, void *arg);

/*
 * Messages that are here already go to a target (evpopctl deliver): those of an
 * account, or of all; stored between two times; behind after_id; a step of at
 * most `limit` messages, also of those that are not meant.  Those that have a
 * row for this target are passed over; with `again` only those that wait for it
 * anyway.  A dry run counts and lists, and changes nothing; it is a question.
 */
struct store_outbox_add {
	const char *target;
	const char *account;         /* NULL: of all */
	int64_t message_id;          /* 0, or this one alone */
	int64_t since_ms, before_ms; /* 0 and INT64_MAX: whenever */
	int64_t after_id;
	unsigned limit;
	bool again, is_dry;
};
struct store_outbox_added {
	uint64_t added, had, sealed; /* messages */
	const int64_t *ids; /* of those added; borrowed until it returns */
	uint64_t octets;    /* of those added */
	int64_t last_id;
	bool more;
};
/* STORE_NOT_FOUND: there is no such account, or message. */
typedef void (*store_outbox_added_cb)(
    enum store_status, const struct store_outbox_added *, void *arg);
void store_outbox_add(struct store *, const struct store_outbox_add *,
    store_outbox_added_cb, void *arg);

#endif
