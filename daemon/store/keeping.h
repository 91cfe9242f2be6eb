/*
 * What is kept of the stored mail, what is deleted, and the record of who did
 * what.  Questions as those of question.h: rows and their text are borrowed
 * until the callback returns.
 */
#ifndef STORE_KEEPING_H
#define STORE_KEEPING_H

#include "daemon/store/store.h"

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
