/*
 * What people ask of the store.  These are questions: they have threads of
 * their own, and what is not answered STORE_QUESTION_MS after it was asked is
 * answered STORE_SLOW.  Rows and their text are borrowed until the callback
 * returns.
 */
#ifndef STORE_QUESTION_H
#define STORE_QUESTION_H

#include "daemon/store/query.h"
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
	/*
	 * Only the holder of a secret key can read it: the members from
	 * has_date to attachments say nothing, and the digest is a keyed one.
	 */
	bool is_sealed;
	int64_t held_since_ms; /* 0: it is not held */
	const char *held_by, *held_reason;
};

enum store_order {
	STORE_ORDER_NEWEST = 0,
	STORE_ORDER_RANKED /* by a query that has words */
};

#define STORE_PAGE_MAX 1000
struct store_message_filter {
	const char *account; /* NULL: all */
	const char *from;    /* part of the sender, case ignored; or NULL */
	const char *query;   /* as people type it (query.h); or NULL */
	store_query_time query_time; /* reads times in it; NULL: it has none */
	int64_t query_now_ms;
	bool has_since, has_before;
	int64_t since_ms, before_ms; /* stored at or after; stored before */
	int64_t below_id; /* cursor: ids below this; 0: from the top */
	unsigned limit;   /* 1 to STORE_PAGE_MAX */
	enum store_order order;
	unsigned skip; /* ranked: so many of the best ones below below_id */
	bool wants_snippets;
};

/* A piece of a message's text, and where in it is what was looked for. */
struct store_snippet {
	const char *text; /* NULL: the message has just gone */
	struct store_span {
		unsigned start, length; /* in characters */
	} * hits;
	size_t hit_count;
};

/*
 * A page.  `more` tells whether another follows: newest first at below_id = the
 * last row's id.  Ranked, the newest of what was found are scored; the next
 * page is at below_id = top_id + 1, with `skip` as many as were shown.
 */
struct store_search_page {
	const struct store_message_row *rows;
	const struct store_snippet *snippets; /* of each row, if asked for */
	size_t count;
	bool more;
	bool is_complete; /* the index has all messages */
	bool is_cut;      /* beginnings have more words than were looked for */
	bool has_sealed;  /* there is sealed mail, which a query misses */
	const char *no_account; /* that the query names; NULL: all are known */
	int64_t top_id;
	unsigned ranked_among; /* so many were scored; 0: newest first */
	bool is_ranked_all;    /* and no others were found */
};
typedef void (*store_search_cb)(
    enum store_status, const struct store_search_page *, void *arg);
/*
 * The page is NULL unless STORE_OK; all of it is borrowed.  STORE_SEALED where
 * there is a query, or a part of a sender, and all mail is sealed.
 */
void store_search(struct store *, const struct store_message_filter *,
    store_search_cb, void *arg);

/*
 * A page of the conversation that a message belongs to, by their dates; from
 * the message behind `after_id` on (0: from the first).  STORE_NOT_FOUND where
 * one of the two is not there.  `is_cut` tells that it is longer than what is
 * looked at.
 */
#define STORE_CONVERSATION_MAX 10000
typedef void (*store_conversation_cb)(enum store_status,
    const struct store_message_row *, size_t count, bool more, bool is_cut,
    void *arg);
void store_conversation(struct store *, int64_t id, int64_t after_id,
    unsigned limit, store_conversation_cb, void *arg);

/*
 * A page of messages as they were stored, from behind `after_id` on.  Ids grow,
 * none is given twice, and messages appear in their order: who goes on behind
 * `next_id` has missed none that was not deleted meanwhile.  STORE_NOT_FOUND:
 * no message ever had this id, `newest_id` is the last; 0 is before all.
 * Likewise where the id is of another epoch than this one.
 */
struct store_feed_page {
	const struct store_message_row *rows;
	size_t count;
	bool has_more;
	int64_t next_id, newest_id;
	const char *epoch;   /* changes where ids may be given again; or "" */
	bool is_other_epoch; /* than the one that was asked with */
};
typedef void (*store_feed_cb)(
    enum store_status, const struct store_feed_page *, void *arg);
/* Of an account, by its name, or NULL: of all; `epoch` NULL: of any. */
void store_feed(struct store *, const char *account, const char *epoch,
    int64_t after_id, unsigned limit, store_feed_cb, void *arg);

/*
 * What the messages of an account are about that are known by these unique-ids:
 * in their order, NULL where there is none, or no subject.
 */
struct store_known {
	const unsigned char *unique_id; /* NULL: none */
	size_t unique_id_length;
	uint32_t occurrence;
};
typedef void (*store_subjects_cb)(
    enum store_status, const char *const *subjects, size_t count, void *arg);
/* The unique-ids are copied; STORE_PAGE_MAX of them at most. */
void store_subjects(struct store *, const char *account,
    const struct store_known *, size_t count, store_subjects_cb, void *arg);

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

/*
 * The part to begin with in order to read from an octet on, and how many
 * octets of the body come before that part.  It is the first one for what an
 * earlier version has stored.
 */
typedef void (*store_seek_cb)(
    enum store_status, uint32_t part, uint64_t begins, void *arg);
void store_body_seek(
    struct store *, int64_t id, uint64_t octets, store_seek_cb, void *arg);

/*
 * Sealed mail in the form that opens elsewhere (secret/sealed_form.h): how long
 * it is, and a text that is another one once it is sealed to another key.
 * STORE_NOT_FOUND where it is not sealed.
 */
#define STORE_SEALED_TAG 33
typedef void (*store_sealed_size_cb)(
    enum store_status, uint64_t octets, const char *tag, void *arg);
void store_sealed_size(
    struct store *, int64_t id, store_sealed_size_cb, void *arg);
/* A part of it, as store_body_read(). */
void store_sealed_read(
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
	bool is_sealed;         /* its bytes and its transcript */
};
typedef void (*store_quarantines_cb)(enum store_status,
    const struct store_quarantine_row *, size_t count, bool more, void *arg);

/* Newest first, as store_polls(), without transcripts; account NULL: of all. */
void store_quarantines(struct store *, const char *account, int64_t below_id,
    unsigned limit, store_quarantines_cb, void *arg);
/* One of them; `count` is 1, or the status STORE_NOT_FOUND. */
void store_quarantine(
    struct store *, int64_t id, store_quarantines_cb, void *arg);
/* As store_body_read() and store_body_seek(). */
void store_quarantine_read(
    struct store *, int64_t id, uint32_t part, store_part_cb, void *arg);
void store_quarantine_seek(
    struct store *, int64_t id, uint64_t octets, store_seek_cb, void *arg);
/* As store_sealed_size() and store_sealed_read(). */
void store_sealed_quarantine_size(
    struct store *, int64_t id, store_sealed_size_cb, void *arg);
void store_sealed_quarantine_read(
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
