/*
 * What is kept of the stored mail, what is deleted, and the record of who did
 * what.  Questions as those of question.h: rows and their text are borrowed
 * until the callback returns.
 */
#ifndef STORE_KEEPING_H
#define STORE_KEEPING_H

#include "daemon/store/store.h"

/* ---- what is kept ---- */

/* How long the messages of an account are kept here. */
struct store_retained {
	const char *account;
	int64_t retain_ms; /* 0: for ever */
};

/*
 * All accounts that are configured, and whether nothing may be deleted before
 * its time, whoever asks.  What is older than its account retains is deleted
 * soon, and every hour from then on; ages are judged as store_age_now_ms()
 * does.  An account that is no longer configured retains as it did.  While
 * deletion is locked, no account retains for a shorter time than before.
 * Copied; false without memory, and then all stays as it was.
 */
bool store_keeping_configure(struct store *, const struct store_retained *,
    size_t count, bool is_locked) __attribute__((warn_unused_result));

/* Whether deletion is locked. */
bool store_deletion_is_locked(const struct store *);

/* ---- holds and deletions, by people ---- */

enum store_kept {
	STORE_KEPT_NOT = 0, /* done */
	STORE_KEPT_HELD,    /* it is held: nothing deletes it */
	STORE_KEPT_LOCKED,  /* deletion is locked */
	STORE_KEPT_ALREADY  /* it is held, or not held, already */
};

/* A message is held: nobody and nothing deletes it until it is released. */
struct store_hold {
	int64_t since_ms;
	const char *who, *reason;
};

struct store_kept_answer {
	enum store_kept kept;
	struct store_hold hold; /* the one that is there, or was; or zeros */
	uint64_t deleted, held; /* messages, of a deletion */
	int64_t last_id;        /* the last that was looked at */
	bool has_more;          /* others follow it */
};
/* STORE_NOT_FOUND: there is no such message, or account. */
typedef void (*store_kept_cb)(
    enum store_status, const struct store_kept_answer *, void *arg);

/* `reason` is for the record, as `who` is; copied. */
void store_hold(struct store *, int64_t id, const char *who, const char *reason,
    store_kept_cb, void *arg);
void store_release(struct store *, int64_t id, const char *who,
    const char *reason, store_kept_cb, void *arg);

/*
 * Delete a message: it is gone when the answer comes.  It leaves a tombstone,
 * and its unique-id stays known, so that it is not fetched again.  Its bytes
 * and its words leave the file soon after.
 */
void store_delete(struct store *, int64_t id, const char *who,
    const char *reason, store_kept_cb, void *arg);

/* Which messages of an account, a page of them. */
struct store_delete_of {
	const char *account; /* copied */
	int64_t before_ms;   /* stored before; INT64_MAX: whenever */
	int64_t after_id;    /* behind this one */
	unsigned limit;      /* look at so many, STORE_PAGE_MAX at most */
};

/* Delete them, but for those that are held. */
void store_delete_of(struct store *, const struct store_delete_of *,
    const char *who, const char *reason, store_kept_cb, void *arg);

/* What was deleted here. */
struct store_tombstone_row {
	int64_t id; /* that the message had */
	const char *account;
	uint64_t octets;
	const char *digest; /* as it was kept, in lower-case hex */
	int64_t stored_ms, date_ms, deleted_ms;
	bool has_date;
	const char *who, *reason;
};
typedef void (*store_tombstones_cb)(enum store_status,
    const struct store_tombstone_row *, size_t count, bool more, void *arg);
/* The highest ids first, as store_polls(); account NULL: of all. */
void store_tombstones(struct store *, const char *account, int64_t below_id,
    unsigned limit, store_tombstones_cb, void *arg);

/* ---- the record of who did what ---- */

/* Text is copied; `object` and `reason` may be NULL. */
struct store_deed {
	const char *who;
	const char *action; /* a word: "pause" */
	const char *object; /* "account home", "message 17" */
	const char *reason;
};

/* Recorded with a transaction of its own, or with the next. */
void store_deed_record(struct store *, const struct store_deed *);

/*
 * The same for what changes nothing: it is written with the next transaction,
 * half a minute later at the most, and lost should the daemon be killed before.
 */
void store_deed_note(struct store *, const struct store_deed *);

struct store_deed_row {
	int64_t id;
	int64_t at_ms;
	struct store_deed deed;
};
typedef void (*store_deeds_cb)(enum store_status, const struct store_deed_row *,
    size_t count, bool more, void *arg);
/* The newest first, as store_polls(); `who` and `action` NULL: of all. */
void store_deeds(struct store *, const char *who, const char *action,
    int64_t below_id, unsigned limit, store_deeds_cb, void *arg);

#endif
