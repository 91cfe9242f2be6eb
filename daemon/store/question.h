/*
 * What people ask of the store.  These are questions: they have threads of
 * their own, and what is not answered STORE_QUESTION_MS after it was asked is
 * answered STORE_SLOW.  Rows and their text are borrowed until the callback
 * returns.
 */
#ifndef STORE_QUESTION_H
#define STORE_QUESTION_H

#include "daemon/store/store.h"

/*
 * Nobody needs the answers to what was asked with this `arg`: running questions
 * end, waiting ones never begin, and their callbacks get STORE_CLOSED, later,
 * unless the answer was there already.
 */
void store_leave(struct store *, const void *arg);

struct store_account_row {
	int64_t id;
	const char *name;
	int64_t messages, octets;
	int64_t quarantined;      /* messages */
	int64_t last_success_ms;  /* 0: never */
	int64_t last_error_ms;    /* 0: never */
	const char *last_error;   /* NULL where the last poll went well */
	int64_t failing_since_ms; /* 0: the last poll went well */
};
typedef void (*store_accounts_cb)(enum store_status,
    const struct store_account_row *, size_t count, void *arg);
/* Those whose names are from `first` to `last`, both included, by name. */
void store_accounts(struct store *, const char *first, const char *last,
    store_accounts_cb, void *arg);

/* NULL text members: the message has no such header. */
struct store_message_row {
	int64_t id;
	const char *account;
	const unsigned char *unique_id;
	size_t unique_id_length;
	uint64_t octets;
	const char *digest; /* BLAKE2b-256, lower-case hex */
	int64_t stored_ms;
	bool has_date;
	int64_t date_ms; /* Unix time, from the Date header */
	const char *sender, *recipients, *cc, *subject, *message_header_id;
	uint32_t attachments; /* parts with a file name or that disposition */
	bool is_cut; /* too long: not all is shown, or found by its words */
};

#define STORE_PAGE_MAX 1000
struct store_message_filter {
	const char *account; /* NULL: all */
	const char *from;    /* part of the sender, case ignored; or NULL */
	const char *query;   /* words of the full-text index; or NULL */
	bool has_since, has_before;
	int64_t since_ms, before_ms; /* stored at or after; stored before */
	int64_t below_id; /* cursor: ids below this; 0: from the top */
	unsigned limit;   /* 1 to STORE_PAGE_MAX */
};

/*
 * A page, newest first.  `more` tells whether another follows, at below_id =
 * the last row's id.  All is borrowed.
 */
typedef void (*store_messages_cb)(enum store_status,
    const struct store_message_row *, size_t count, bool more, void *arg);
void store_messages(struct store *, const struct store_message_filter *,
    store_messages_cb, void *arg);

/* One message; row is NULL unless STORE_OK. */
typedef void (*store_message_row_cb)(
    enum store_status, const struct store_message_row *, void *arg);
void store_message(struct store *, int64_t id, store_message_row_cb, void *arg);

/*
 * A piece of a body, `part` counting from 0; STORE_OK with length 0 past the
 * end.  Borrowed until the callback returns.
 */
typedef void (*store_part_cb)(
    enum store_status, const unsigned char *, size_t length, void *arg);
void store_body_read(
    struct store *, int64_t id, uint32_t part, store_part_cb, void *arg);

/* Newest polls first; account NULL: of all. */
struct store_poll_row {
	int64_t id;
	const char *account;
	struct store_poll poll;
};
typedef void (*store_polls_cb)(enum store_status, const struct store_poll_row *,
    size_t count, bool more, void *arg);
void store_polls(struct store *, const char *account, int64_t below_id,
    unsigned limit, store_polls_cb, void *arg);

/* ---- quarantine ---- */

struct store_quarantine_row {
	int64_t id;
	const char *account;
	const unsigned char *unique_id;
	size_t unique_id_length;
	uint32_t occurrence;
	uint64_t octets; /* as far as they came */
	int64_t stored_ms;
	const char *reason;
	const char *transcript; /* NULL: none, or not asked for */
};
typedef void (*store_quarantines_cb)(enum store_status,
    const struct store_quarantine_row *, size_t count, bool more, void *arg);

/* Newest first, as store_polls(), without transcripts; account NULL: of all. */
void store_quarantines(struct store *, const char *account, int64_t below_id,
    unsigned limit, store_quarantines_cb, void *arg);
/* One of them; `count` is 1, or the status STORE_NOT_FOUND. */
void store_quarantine(
    struct store *, int64_t id, store_quarantines_cb, void *arg);
/* As store_body_read(). */
void store_quarantine_read(
    struct store *, int64_t id, uint32_t part, store_part_cb, void *arg);
/*
 * Take out of quarantine: bytes and failures are forgotten, and the unique-id
 * is unknown again, so that the next poll fetches the message.  The callback
 * gets the number of messages per account (its name); borrowed until it
 * returns.
 */
struct store_released {
	const char *account;
	uint64_t messages;
};
typedef void (*store_release_cb)(
    enum store_status, const struct store_released *, size_t count, void *arg);
/* One; STORE_NOT_FOUND where there is none of this id. */
void store_quarantine_release(
    struct store *, int64_t id, store_release_cb, void *arg);
/* All of the account with this name, be it none; account NULL: of all. */
void store_quarantine_release_all(
    struct store *, const char *account, store_release_cb, void *arg);

#endif
