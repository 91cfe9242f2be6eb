/*
 * The one door to storage.  Calls are made from the loop's thread and never
 * block it; answers come back on the loop.  Writes go to one writer thread,
 * which puts all that waits into one transaction (group commit); what polls
 * read goes to a reader thread of their own; what people ask ("questions",
 * below) to others, and among these searches to threads of theirs.  So no
 * question delays a poll, and no search a plain question.
 *
 * What is promised: a callback that says STORE_OK has the commit behind it,
 * synced to disk; a message and its unique-id appear together or not at all.
 * A query sees all that was answered before it was asked.  Answers keep the
 * order of the calls of one kind, except those to questions: each comes as
 * soon as it is there.  The one callback that runs from inside the call is
 * STORE_MEMORY where there is none left even to ask.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/notify/histogram.h"
#include "daemon/notify/tally.h"
#include "daemon/store/account.h"
#include "daemon/store/status.h"

struct event_base;
struct notify;
struct store;

/*
 * The level for those who want it.  The higher ones take longer, 3 a tenth and
 * 6 twice as long for all that a message takes, and leave 2 % and 4 % less.
 */
#define STORE_PACK_LEVEL 1

/* Each costs a thread and some MiB of cache. */
#define STORE_SEARCHES 2
/* Longer than that nobody waits for a question that may be narrowed. */
#define STORE_QUESTION_MS 10000

struct store_config {
	const char *path;    /* the SQLite file; made where missing (0600) */
	size_t queue_octets; /* bodies waiting for the writer; 0: 8 MiB */
	unsigned searches;   /* at a time; 0: STORE_SEARCHES */
	int64_t question_ms; /* for a question; 0: STORE_QUESTION_MS */
	/*
	 * Told of NOTIFY_STORE_HEALTH, NOTIFY_STORE_DRAINED and NOTIFY_CLOCK;
	 * must outlive the store.  NULL: nobody is.
	 */
	struct notify *notify;
	/*
	 * zstd's level for pieces of new bodies; 0: they are kept as they came.
	 * What is in the file can be read whatever this is.
	 */
	int pack_level;
	/*
	 * Seal mail to this public key (secret/sealing.h), of 32 octets; NULL:
	 * it is kept as it came.  It takes a digest_key.
	 */
	const unsigned char *seal_to;
	/*
	 * Of 32 octets, or NULL: keys digests, from the first time on that mail
	 * is sealed; a store whose digests are keyed is not opened without it.
	 */
	const unsigned char *digest_key;
	/*
	 * Answer questions, and change nothing: no lock is taken, whoever owns
	 * the store, and what would change it is answered STORE_READ_ONLY.
	 */
	bool reads_only;
};

/*
 * Open, lock (one daemon owns a store), migrate, sweep unfinished bodies, and
 * start the threads.  This one call blocks.  On failure *store_r is NULL and
 * *error_r says why.
 */
enum store_status store_open(struct store **store_r,
    const struct store_config *, struct event_base *,
    struct store_error *error_r) __attribute__((warn_unused_result));

/*
 * Finish what is queued, checkpoint, join the threads, free.  Callbacks of
 * finished work run before it returns; sets the pointer to NULL.  Bodies under
 * way are dropped and their handles gone, and questions are answered
 * STORE_CLOSED.  Where another process holds the file, what is queued is not
 * waited for longer than two seconds: it is answered STORE_BUSY.  Not for
 * calls from inside one of the store's callbacks.
 */
void store_close(struct store **);

/*
 * Whether writes work: STORE_OK, or what the last failure was.  It changes by
 * itself, since the writer tries again every few seconds; NOTIFY_STORE_HEALTH
 * is published then.  Polls must not fetch while this is not STORE_OK.
 */
const struct store_error *store_health(const struct store *);

#define STORE_HEADER_DIGEST_SIZE 32

/* Whether its digests are keyed: they stay so, with the key of the open. */
bool store_is_keyed(const struct store *);
/* Whether new mail is sealed. */
bool store_seals(const struct store *);
/* Turn the digest of a header into the one that the store has of it. */
void store_key_digest(
    const struct store *, unsigned char digest[STORE_HEADER_DIGEST_SIZE]);

/* ---- the clock ---- */

/*
 * What the store knows of the calendar's clock.  When the clock is set,
 * everything that was dated since the machine was started moves by the same
 * amount.
 */
struct store_clock {
	/*
	 * It shows less than least_ms, which the store, or who built it, has
	 * seen before: nothing is old by it.
	 */
	bool is_behind;
	int64_t least_ms;   /* Unix time, as the next */
	int64_t offset_ms;  /* of the start of the machine, by it */
	uint64_t times_set; /* by more than a minute, since the open */
	int64_t set_by_ms;  /* the last time */
	uint64_t setting;   /* what store_account() tells, if ages count */
};
/* NOTIFY_CLOCK is published where it was set, is behind, or no longer. */
void store_clock(struct store *, struct store_clock *clock_r);

/* In words: that it is behind and what to do, and that it was set. */
void store_clock_behind_text(
    const struct store_clock *, char *text_r, size_t size);
const char *store_clock_hint(void);
void store_clock_set_text(
    const struct store_clock *, char *text_r, size_t size);

/*
 * The Unix time by which ages are judged that were read since store_account()
 * told this setting; STORE_NEVER_MS, by which nothing is old, where it told 0
 * or the clock was set meanwhile.
 */
#define STORE_NEVER_MS (INT64_MIN / 2)
int64_t store_age_now_ms(struct store *, uint64_t setting);

/* ---- what is known of unique-ids ---- */

enum store_uid_state {
	STORE_UID_STORED = 0,  /* durable here */
	STORE_UID_DELETE,      /* durable here, deletion on the server owed */
	STORE_UID_SEEN,        /* not to be fetched */
	STORE_UID_DELETED,     /* the server confirmed the deletion */
	STORE_UID_GONE,        /* durable here, and no longer listed */
	STORE_UID_QUARANTINED, /* failed too often: not to be fetched */
	STORE_UID_WAITING      /* listed, and to be fetched after a while */
};

struct store_uid {
	const unsigned char *unique_id;
	size_t unique_id_length;
	uint32_t occurrence;
	enum store_uid_state state;
	int64_t message_id; /* 0 where there is none */
	int64_t stored_ms;  /* of DELETED, GONE and WAITING: since when */
	uint64_t octets;    /* of the message; 0 where there is none */
	/*
	 * SHA-256 of the message's header up to its first empty line, without
	 * that line and without the lines that servers add; in rows of an
	 * earlier version with all lines.  STORE_HEADER_DIGEST_SIZE octets.
	 * NULL where there is no message, or where the header does not
	 * distinguish it: it has no Message-ID, or is too long to be held.
	 */
	const unsigned char *header_digest;
	uint64_t
	    listed_octets; /* as LIST said when it was fetched; 0: unknown */
	uint64_t lines;    /* its line ends; 0: unknown, or none */
	/* How many of its octets are header lines that servers add. */
	uint64_t added_octets;
};

/*
 * The unique-ids of an account, sorted by unique-id (bytes, shorter first) and
 * occurrence: those behind `after` (only its id and occurrence count; copied),
 * or from the first on where that is NULL.  There may be a million: they come
 * in batches of about STORE_UIDS_OCTETS of memory, and `more` tells whether
 * others follow, behind the last one.  Borrowed until the callback returns.
 */
#define STORE_UIDS_OCTETS ((size_t)1024 * 1024)
typedef void (*store_uids_cb)(enum store_status, const struct store_uid *,
    size_t count, bool more, void *arg);
void store_uids(struct store *, int64_t account_id,
    const struct store_uid *after, store_uids_cb, void *arg);

/*
 * Whether an id that is not listed is kept for ever.  Such an id is that of a
 * message that was imported (import.h), or is aside: it belongs to a maildrop
 * that the account polled before (see store_account_bind()), and its message
 * was neither deleted nor gone there.
 */
bool store_uid_is_kept(const unsigned char *unique_id, size_t length);

/* One change of what is known; the id is copied. */
struct store_uid_change {
	const unsigned char *unique_id;
	size_t unique_id_length;
	uint32_t occurrence;
	bool forget; /* drop the row */
	/*
	 * Adopt: the message known under `from` is the one that is now listed
	 * under this id, which takes over its row (message, state, time; GONE
	 * becomes STORED); `from` is forgotten.  Where `from` has no row, the
	 * id stays unknown.
	 */
	bool adopt;
	const unsigned char *from_id;
	size_t from_id_length;
	uint32_t from_occurrence;
	/*
	 * Neither: set the state.  An id without a message cannot become
	 * STORED, DELETE or GONE: such a change is ignored.  Nor is one changed
	 * that is WAITING and becomes so again.
	 */
	enum store_uid_state state;
};
void store_uids_change(struct store *, int64_t account_id,
    const struct store_uid_change *, size_t count, store_done_cb, void *arg);

/*
 * Recognises the bodies of one session by their bytes alone.  A body whose
 * unique-id is new may be a message that is known under an id that is gone: it
 * is adopted, each such message once.  A body without a unique-id is known by
 * its digest: the first of equal ones in a session is the first of the session
 * before, the second is the second.  It gets a row of its own among the
 * unique-ids; its id begins with a space, as no id of a server can.
 */
struct store_identity;

/* NULL without memory. */
struct store_identity *store_identity_new(int64_t account_id)
    __attribute__((warn_unused_result));

/*
 * The server has confirmed the deletion of every body that came without a
 * unique-id in this session and with the state DELETED: equal ones that come
 * later are others.
 */
void store_identity_deleted(
    struct store *, struct store_identity *, store_done_cb, void *arg);

/* Call once none of its bodies is under way.  Sets the pointer to NULL. */
void store_identity_free(struct store_identity **);

/* ---- bodies ---- */

struct store_body;

enum store_flow {
	STORE_FLOW_CONTINUE = 0,
	STORE_FLOW_PAUSE
};

/* The facts about a message besides its bytes. */
struct store_body_meta {
	int64_t account_id;
	const unsigned char *unique_id; /* copied; NULL: it has none */
	size_t unique_id_length;
	uint32_t occurrence;
	enum store_uid_state state;      /* of the unique-id once committed */
	uint64_t octets_hint;            /* by LIST; 0: it was not asked */
	struct store_identity *identity; /* borrowed; NULL: by id alone */
};

/* Begin a body; NULL without memory. */
struct store_body *store_body_new(struct store *,
    const struct store_body_meta *) __attribute__((warn_unused_result));

/*
 * Append bytes; they are copied and always taken.  STORE_FLOW_PAUSE asks to
 * stop until NOTIFY_STORE_DRAINED is published.
 */
enum store_flow store_body_append(
    struct store_body *, const unsigned char *, size_t length);

/*
 * The body is whole: hash it, decode its envelope, commit message and
 * unique-id in one transaction, answer.  The handle is gone when this returns.
 */
enum store_taken {
	STORE_TAKEN_NEW = 0, /* a message that was not here before */
	STORE_TAKEN_KNOWN,   /* the same that is here under the same id */
	STORE_TAKEN_ADOPTED  /* the same that was here under another id */
};
typedef void (*store_message_cb)(
    enum store_status, int64_t message_id, enum store_taken, void *arg);
void store_body_commit(struct store_body *, store_message_cb, void *arg);

/* Drop a body.  The handle is gone. */
void store_body_abort(struct store_body *);

/* ---- what fails ---- */

/* The outcome of a failure. */
enum store_failed {
	STORE_FAILED_COUNTED = 0,
	STORE_FAILED_QUARANTINED, /* and counts as such from now on */
	STORE_FAILED_STORED       /* its bytes are the message */
};

/*
 * A message on which a session failed, or that the server would not give.  Its
 * failures are counted until it is stored.  At `attempts_most` it comes to its
 * `end`, in one transaction: it goes into quarantine with its bytes as far as
 * they came, and its unique-id counts as QUARANTINED; or they are stored as
 * the message; or it is counted and no more.  Without a unique-id there is
 * nothing to count by: `attempts` is 0 then.
 */
struct store_failure {
	int64_t account_id;
	const unsigned char *unique_id; /* copied, as is the rest */
	size_t unique_id_length;
	uint32_t occurrence;
	const char *reason;
	const char *transcript;  /* what was said, without secrets; or NULL */
	struct store_body *body; /* as far as it came; taken; or NULL */
	unsigned attempts_most;
	/*
	 * A failure sooner than this after the last counted one is not counted
	 * again, and a failure for another reason starts at one.  0: each
	 * counts, whatever its reason.
	 */
	int64_t apart_ms;
	enum store_failed end;
	uint64_t listed_octets; /* of the message, as is known now; 0: not */
};
/* What came of it; zeroed where the status is not STORE_OK. */
struct store_counted {
	unsigned attempts;
	enum store_failed outcome;
	int64_t quarantine_id; /* of STORE_FAILED_QUARANTINED */
	/* Of STORE_FAILED_STORED: the new message; 0: it was known. */
	int64_t message_id;
	uint64_t octets;
};
typedef void (*store_failure_cb)(
    enum store_status, const struct store_counted *, void *arg);
void store_failure(
    struct store *, const struct store_failure *, store_failure_cb, void *arg);

/*
 * Whether failures were counted before of each of these messages, of which only
 * id and occurrence matter; copied.
 */
typedef void (*store_failed_before_cb)(enum store_status, bool all, void *arg);
void store_failed_before(struct store *, int64_t account_id,
    const struct store_uid *, size_t count, store_failed_before_cb, void *arg);

/*
 * Another number than before if, since, unique-ids may have changed otherwise
 * than by polls: by a release.
 */
uint64_t store_uids_version(const struct store *);

/* ---- verification ---- */

/*
 * Verify the whole file: SQLite's own structure, the counters, each message's
 * pieces, size and digest.  One at a time, on a thread and a connection of its
 * own; polls and queries go on beside it.
 */
struct store_check {
	bool running;
	int64_t started_ms, finished_ms;  /* Unix time; 0: never */
	uint64_t messages, messages_done; /* to be hashed anew, and done */
	uint64_t octets_done;
	uint64_t problems;
	enum store_status status; /* whether it could be carried out */
	/* The first of the problems, in words; borrowed until the next check */
	const char *const *texts;
	size_t text_count;
};
#define STORE_CHECK_TEXTS 100
/* STORE_BUSY where one runs already. */
enum store_status store_check_start(struct store *)
    __attribute__((warn_unused_result));
void store_check(const struct store *, struct store_check *check_r);

/* ---- servers ---- */

/*
 * Facts learned about a server, in one line of text that only the part that
 * learned them reads.  `tls` is a number of that part as well.
 */
struct store_server {
	const char *host;
	uint16_t port;
	uint8_t tls;
	const char *facts;
};

/* All of them; borrowed until the callback returns. */
typedef void (*store_servers_cb)(
    enum store_status, const struct store_server *, size_t count, void *arg);
void store_servers(struct store *, store_servers_cb, void *arg);

/*
 * Keep this of a server instead of what was kept before, if it is something
 * else; all is copied.  It is no reason for a transaction: it is written with
 * the next one, half a minute later at the most, and lost if the daemon is
 * killed before.
 */
void store_server_note(struct store *, const struct store_server *);

/* ---- history ---- */

struct store_poll {
	int64_t account_id;
	int64_t started_ms, finished_ms; /* Unix time */
	const char *outcome; /* "ok", or an evpop_error_name(), copied */
	const char *text;    /* why, in words; copied; may be NULL */
	bool is_failure;     /* the account fails, by now at the latest */
	/* The server refused the credentials, of which this is a mark. */
	bool is_refused;
	uint32_t credentials_mark;
	struct tally tally; /* as far as TALLY_KEPT goes */
};
void store_poll_record(
    struct store *, const struct store_poll *, store_done_cb, void *arg);

/*
 * How many octets of bodies the account's polls have fetched that ended at that
 * time (Unix time) or later.
 */
typedef void (*store_octets_cb)(enum store_status, uint64_t octets, void *arg);
void store_poll_octets(struct store *, int64_t account_id, int64_t since_ms,
    store_octets_cb, void *arg);

/*
 * Like store_poll_record(), for a poll that went well, as the one before it,
 * and has changed nothing: its row is written with the next transaction, half a
 * minute later at the most.  Should the daemon be killed before, the row is
 * lost, and nothing else.  store_polls() waits for it.
 */
void store_poll_note(struct store *, const struct store_poll *);

/* ---- figures ---- */

struct store_stats {
	uint64_t commits, messages, body_octets; /* since the open */
	struct histogram commit_duration;        /* of them; synced to disk */
	uint64_t quarantined;                    /* messages, now */
	size_t queued_octets; /* waiting for the writer now */
	size_t queued_octets_max;
};
void store_stats(const struct store *, struct store_stats *stats_r);

#endif
