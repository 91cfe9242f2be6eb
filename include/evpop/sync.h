/*
 * What to fetch and what to delete, and how it is done.  A plan is a pure
 * function of the server's listing, the known unique-ids, a policy and the
 * time.  A sync drives a client through whole sessions by such a plan, and
 * deletes only what its caller has acknowledged as durable.
 */
#ifndef EVPOP_SYNC_H
#define EVPOP_SYNC_H

#include <evpop/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A message on the server, as LIST and UIDL together describe it.  There may be
 * a million of them, and each takes 32 octets.
 */
struct evpop_entry {
	uint32_t number;     /* of this session only */
	uint32_t occurrence; /* 0, or how many before it have the same id */
	uint64_t octets;     /* by LIST: a hint; 0 where it was not asked */
	const unsigned char *unique_id; /* opaque; NULL where there is none */
	uint32_t unique_id_length;
};

/* A maildrop's listing, by ascending message number. */
struct evpop_listing {
	struct evpop_entry *entries;
	size_t count;
	bool unique_ids;  /* the server answered UIDL */
	bool digests;     /* it did not: all ids are made of TOP */
	bool top_refused; /* though the server says it has TOP */
	uint32_t ignored; /* lines that could not be read */
	/* The first of these, printable; NULL where none could be kept. */
	const char *ignored_line;
};

/* What the caller remembers of a message. */
enum evpop_known_state {
	EVPOP_KNOWN_STORED = 0, /* durable here; the server may keep it */
	EVPOP_KNOWN_DELETE,     /* durable here; its deletion is owed */
	EVPOP_KNOWN_SEEN,       /* neither fetched nor deleted */
	EVPOP_KNOWN_DELETED,    /* the server confirmed its deletion */
	EVPOP_KNOWN_GONE,       /* durable here, and no longer listed */
	EVPOP_KNOWN_WAITING     /* to be fetched, see fetch_after_ms */
};

/* SHA-256. */
#define EVPOP_HEADER_DIGEST_SIZE 32

struct evpop_known {
	const unsigned char *unique_id;
	size_t unique_id_length;
	uint32_t occurrence;
	enum evpop_known_state state;
	/*
	 * When it became durable; of WAITING, when it was first listed.  Unix
	 * time.
	 */
	int64_t stored_ms;
	/*
	 * These recognise a message whose id has changed, or whose id was given
	 * to another: its size as stored (0: not known), and
	 * EVPOP_HEADER_DIGEST_SIZE octets, the digest of its header up to the
	 * first empty line and without it (NULL: not known).  The digest best
	 * leaves out the lines that servers add, see struct evpop_header; one
	 * of the whole header will do.
	 */
	uint64_t octets;
	const unsigned char *header_digest;
	/*
	 * What LIST said when the message was stored, and how many line ends it
	 * has, since servers count in ways of their own; each is 0 where not
	 * known.
	 */
	uint64_t listed_octets;
	uint64_t lines;
	/* Its octets in header lines that servers add once it was read. */
	uint64_t added_octets;
};

enum evpop_keep {
	EVPOP_KEEP_FOREVER = 0, /* nothing is ever deleted */
	EVPOP_KEEP_NONE,        /* delete what is stored */
	EVPOP_KEEP_AGE,         /* delete what is stored for keep_ms */
	EVPOP_KEEP_UNTIL_OWED   /* delete what is EVPOP_KNOWN_DELETE */
};

enum evpop_order {
	EVPOP_ORDER_OLDEST = 0,
	EVPOP_ORDER_NEWEST
};

/* Zeroed: keep forever, fetch everything, in the order of the maildrop. */
struct evpop_policy {
	enum evpop_keep keep;
	int64_t keep_ms;
	uint64_t max_message_octets; /* larger ones stay; 0: no limit */
	uint32_t max_messages;       /* to fetch in one session; 0: no limit */
	/*
	 * Fetch at most so many octets, by LIST; 0: no limit.  The first
	 * message that does not fit waits, and all after it: small ones do not
	 * overtake large ones for ever.
	 */
	uint64_t max_octets;
	/* The first message is fetched even if it alone is larger than that. */
	bool may_exceed_first;
	enum evpop_order order;
	/*
	 * Fetch only what has been listed for so long; 0: at once.  What is
	 * unknown gets EVPOP_ACTION_WAIT, which the caller is to remember as
	 * EVPOP_KNOWN_WAITING, or to forget once it is gone.  What has no
	 * unique-id is not fetched, since nobody can tell for how long it has
	 * been there.
	 */
	int64_t fetch_after_ms;
	/*
	 * Delete what is durable and larger than this, whatever `keep` says;
	 * 0: no.
	 */
	uint64_t delete_above_octets;
	/*
	 * Mark at most so many messages for deletion in one session, QUIT, and
	 * go on with another, so that a broken connection undoes little; 0: no
	 * limit.
	 */
	uint32_t max_session_deletes;
	/*
	 * If more messages than this, durable since earlier sessions, are due
	 * for deletion, delete none of them; 0: no limit.
	 */
	uint32_t max_deletes;
	/*
	 * Delete what earlier sessions have stored only if size and header are
	 * still those of the known message; fetch first what cannot be
	 * compared.  This is for servers that give ids again.
	 */
	bool verify_deletes;
	/* Fetch nothing that is unknown, but count it as seen. */
	bool baseline;
	/* Make the plan, show it, and QUIT. */
	bool dry_run;
	/*
	 * Fetch what has no unique-id even where it stays on the server: the
	 * caller recognises it by its bytes.
	 */
	bool fetch_unidentified;
	/*
	 * There is probably nothing new.  If the server is known to take it,
	 * the whole session goes out in one flight, with QUIT.  If there is
	 * work after all, a second session does it.
	 */
	bool expect_nothing;
};

enum evpop_action {
	EVPOP_ACTION_NONE = 0,
	EVPOP_ACTION_FETCH,        /* unknown here */
	EVPOP_ACTION_FETCH_DELETE, /* and delete once durable */
	EVPOP_ACTION_DELETE,       /* durable here, and due */
	EVPOP_ACTION_TOO_LARGE,    /* unknown, above max_message_octets */
	EVPOP_ACTION_LATER, /* unknown, beyond max_messages or max_octets */
	/*
	 * Has no unique-id and would stay on the server, so that every session
	 * would fetch it again; or would have to wait.
	 */
	EVPOP_ACTION_UNIDENTIFIED,
	EVPOP_ACTION_SEEN,  /* unknown, to count as seen */
	EVPOP_ACTION_ADOPT, /* known, under another id */
	EVPOP_ACTION_HELD,  /* due for deletion, above max_deletes */
	EVPOP_ACTION_WAIT,  /* not listed for fetch_after_ms yet */
	EVPOP_ACTION_COUNT
};

EVPOP_API const char *evpop_action_name(enum evpop_action);

/* The known message that an entry with another id stands for. */
struct evpop_adoption {
	size_t known; /* its index among the known */
	const unsigned char *unique_id;
	size_t unique_id_length;
	uint32_t occurrence;
	uint64_t octets;
};

struct evpop_plan_details;

struct evpop_plan {
	uint8_t *actions; /* enum evpop_action, one for each entry */
	uint32_t *order;  /* indices of entries to fetch, in order */
	size_t fetches, deletes, too_large, later, unidentified;
	size_t seen, adopts, held, waits;
	size_t new_waits;      /* of these, those that are not WAITING yet */
	uint64_t fetch_octets; /* by LIST, of what is to be fetched */
	uint64_t adopt_octets; /* as stored, of what need not be fetched */
	uint64_t later_octets; /* by LIST, of what is left for later */
	/*
	 * For each of the known: it is no longer on the server.  NULL where
	 * they came in batches: then the callback `gone` ran.
	 */
	bool *gone;
	size_t gone_count;
	/*
	 * When the next message that stays falls due by its age, for deletion
	 * or to be fetched, in the time of stored_ms; 0: none does.  Until then
	 * the same listing and the same known make the same plan.
	 */
	int64_t due_ms;
	struct evpop_plan_details *details; /* private */
};

/*
 * Make a plan by unique-ids.  `listing` and `known` are only read; the
 * occurrences in the listing must be set (evpop_listing_occurrences()).  A
 * message is unknown if the server lists it again although it confirmed its
 * deletion, or although it did not list it in between: only the bytes tell
 * whether it is the same.  An entry without a unique-id is unknown, too.  It is
 * fetched only if it is also deleted, or the policy says so; but not if lines
 * of UIDL could not be read, since it may stand on one of them, and not if TOP,
 * by which others are known, is refused.  Returns EVPOP_ERROR_NONE or
 * EVPOP_ERROR_MEMORY; free *plan_r with evpop_plan_free().
 */
EVPOP_API enum evpop_error evpop_plan_new(struct evpop_plan **plan_r,
    const struct evpop_listing *, const struct evpop_known *known,
    size_t known_count, const struct evpop_policy *,
    int64_t now_ms) EVPOP_MUST_USE;
/* Frees and sets the pointer to NULL. */
EVPOP_API void evpop_plan_free(struct evpop_plan **);

/*
 * Whether sizes, by LIST, may change the plan: the policy depends on them; or
 * messages stored by earlier sessions are to be deleted, whose ids may have
 * been given to messages of another size; or ids seem to have changed.
 */
EVPOP_API bool evpop_plan_wants_sizes(
    const struct evpop_plan *, const struct evpop_policy *);

/*
 * Make the plan anew by the sizes in the listing; 0 is one that the server does
 * not tell.  A message has the size of the stored one if LIST says what it said
 * then, or counts octets as stored, or as stored with a line end of one octet.
 * A deletion whose message has another size, or which the policy wants
 * verified, depends on the header; it becomes a fetch if there is no header to
 * compare.
 */
EVPOP_API void evpop_plan_sizes(struct evpop_plan *,
    const struct evpop_listing *, const struct evpop_policy *);

/*
 * After evpop_plan_sizes(): ascending indices of the entries on whose headers,
 * by TOP, the plan still depends.  These are deletions to verify; and, if most
 * of the listing is unknown, unknown entries that have the size of a message
 * whose id is no longer listed.
 */
EVPOP_API size_t evpop_plan_looks(
    const struct evpop_plan *, const uint32_t **indices_r);

/*
 * A header as TOP shows it.  Lines that servers add to a message once it was
 * read are Status, X-Status, X-UID, X-UIDL, X-IMAP, X-IMAPbase, X-Keywords and
 * Content-Length, each with the lines it is continued on.
 */
struct evpop_header {
	/* Of all lines but these, up to the first empty line, without it. */
	unsigned char digest[EVPOP_HEADER_DIGEST_SIZE];
	unsigned char whole_digest[EVPOP_HEADER_DIGEST_SIZE]; /* of all */
	uint64_t added_octets; /* of these lines, with their line ends */
	uint32_t added_lines;
};

/*
 * Tell the plan the header of an entry.  A deletion stays if the header is the
 * one stored, except for lines that servers add, and these account for any
 * difference in size; else it becomes a fetch.  An unknown entry adopts a known
 * message of its size and header, each of them once.  After the last header,
 * evpop_plan_settle() counts and orders anew; deletions that were not verified
 * become fetches.
 */
EVPOP_API void evpop_plan_header(struct evpop_plan *,
    const struct evpop_listing *, size_t index, const struct evpop_header *);
EVPOP_API void evpop_plan_settle(struct evpop_plan *,
    const struct evpop_listing *, const struct evpop_policy *);

/*
 * Since when an entry with EVPOP_ACTION_WAIT is known as WAITING; 0: it is not
 * yet.
 */
EVPOP_API int64_t evpop_plan_waits_since(
    const struct evpop_plan *, size_t index);

/* What an entry with EVPOP_ACTION_ADOPT is known as; owned by the plan. */
EVPOP_API const struct evpop_adoption *evpop_plan_adoption(
    const struct evpop_plan *, size_t index);

/*
 * Number equal unique-ids of a listing 0, 1, 2... in the order of its entries.
 * Returns EVPOP_ERROR_NONE or EVPOP_ERROR_MEMORY.
 */
EVPOP_API enum evpop_error evpop_listing_occurrences(
    struct evpop_listing *) EVPOP_MUST_USE;

/* SHA-256. */
#define EVPOP_LISTING_DIGEST_SIZE 32

/*
 * The digest of a listing by UIDL: of all numbers and unique-ids in their
 * order.  Two listings with one digest are the same.  Returns EVPOP_ERROR_NONE;
 * EVPOP_ERROR_MEMORY; or EVPOP_ERROR_USAGE if the listing may be incomplete,
 * since there is no UIDL or not all of it could be read.
 */
EVPOP_API enum evpop_error evpop_listing_digest(const struct evpop_listing *,
    unsigned char digest_r[EVPOP_LISTING_DIGEST_SIZE]) EVPOP_MUST_USE;

/* ---- the driver ---- */

struct evpop_sync;

/* The outcome of a poll. */
struct evpop_sync_report {
	struct evpop_result result; /* of the poll as a whole */
	enum evpop_quit quit;
	bool listed;       /* the listing was complete */
	uint32_t messages; /* on the server */
	uint32_t fetched;  /* acknowledged as durable */
	uint32_t failed;   /* refused by the server or not made durable */
	uint32_t deleted;  /* marked with DELE; gone if quit is committed */
	uint32_t too_large, later, unidentified; /* left there, see the plan */
	uint32_t seen, adopted, held, waiting;   /* see the plan */
	uint32_t sessions;                       /* that got a listing */
	uint64_t adopted_octets;                 /* need not be fetched */
	uint64_t later_octets;                   /* of what is left for later */
	uint64_t body_octets;                    /* of the bodies fetched */
	uint64_t octets_in, octets_out;
	/*
	 * Lines of the listing that could not be read, and the first of them,
	 * printable, or "".  Their messages are not seen.
	 */
	uint32_t ignored;
	char ignored_line[EVPOP_TEXT_SIZE];
};

/*
 * Callbacks of a sync, all from the loop.  Only `end` and `done` are required.
 * evpop_sync_free() is allowed in each.
 */
struct evpop_sync_callbacks {
	/*
	 * The listing is complete.  Answer, now or later, with
	 * evpop_sync_known() or evpop_sync_unchanged().  NULL: nothing is
	 * known.  The listing stays valid until `done` has run; or, if another
	 * session is needed, until `deleted` has run for all that this one has
	 * deleted.
	 */
	void (*listing)(
	    struct evpop_sync *, const struct evpop_listing *, void *arg);
	/*
	 * This known message is no longer on the server.  Runs for each, inside
	 * evpop_sync_known() and evpop_sync_known_batch(); for some of them
	 * only, if the session does not get as far as `matched`.
	 */
	void (*gone)(
	    struct evpop_sync *, const struct evpop_known *, void *arg);
	/*
	 * The unique-ids are compared, and `gone` has run for all.  Runs inside
	 * the last evpop_sync_known() or evpop_sync_known_batch().  The plan is
	 * borrowed.
	 */
	void (*matched)(
	    struct evpop_sync *, const struct evpop_plan *, void *arg);
	/*
	 * The plan is final and will be carried out, unless `dry_run` is set.
	 * The plan is borrowed.
	 */
	void (*planned)(
	    struct evpop_sync *, const struct evpop_plan *, void *arg);
	/*
	 * TOP has shown a header.  Both digests may be changed in place, for
	 * who keeps none that a guess of the message could be tried with: it is
	 * these that evpop_known.header_digest is compared with, and that the
	 * unique-ids are made of where a server has none.  Nothing else is
	 * allowed in it.  NULL: they stay what they are.
	 */
	void (*header)(struct evpop_sync *, struct evpop_header *, void *arg);
	/* A body begins; *message_r is passed to the later calls about it. */
	enum evpop_flow (*begin)(struct evpop_sync *,
	    const struct evpop_entry *, enum evpop_action, void **message_r,
	    void *arg);
	enum evpop_flow (*data)(struct evpop_sync *, void *message,
	    const unsigned char *bytes, size_t length, void *arg);
	/*
	 * A body ended.  On EVPOP_ERROR_NONE it is whole, and must be answered
	 * once with evpop_sync_stored(), now or later.  Otherwise drop it.
	 * Runs once for every `begin`.
	 */
	void (*end)(struct evpop_sync *, const struct evpop_entry *,
	    void *message, const struct evpop_result *, void *arg);
	/*
	 * The server refuses this message, or the session ended on it before
	 * any of it came.  If the response code says that the refusal is not
	 * about this message ("[SYS/TEMP]"), the scope is not
	 * EVPOP_SCOPE_MESSAGE; if the words may say so ("quota"), `retry` is
	 * set.
	 */
	void (*refused)(struct evpop_sync *, const struct evpop_entry *,
	    const struct evpop_result *, void *arg);
	/*
	 * The server has committed the deletion of this entry (QUIT answered
	 * +OK).  Runs for each, before `done` or the next listing.
	 */
	void (*deleted)(
	    struct evpop_sync *, const struct evpop_entry *, void *arg);
	/*
	 * The sync needs so many bytes of memory for the listing and the plan;
	 * runs in steps of 64 KiB or more.  False ends the session with
	 * EVPOP_ERROR_LIMIT, of the account's scope.  The sync needs none once
	 * `done` has run, or it is freed.  NULL: no bound.
	 */
	bool (*hold)(struct evpop_sync *, size_t octets, void *arg);
	/*
	 * As evpop_trace_cb; setting it costs a copy of every line.  Only
	 * evpop_sync_client() is allowed in it.
	 */
	void (*trace)(
	    struct evpop_sync *, bool from_server, const char *line, void *arg);
	/* All is over.  Runs once.  The report is borrowed. */
	void (*done)(
	    struct evpop_sync *, const struct evpop_sync_report *, void *arg);
};

/*
 * A driver for one poll, or NULL without memory.  It makes its own clients from
 * the configuration.  A policy of NULL is a zeroed one.  The callbacks must
 * outlive the sync.
 */
EVPOP_API struct evpop_sync *evpop_sync_new(struct event_base *,
    struct evdns_base *, const struct evpop_client_config *,
    const struct evpop_policy *, const struct evpop_sync_callbacks *,
    void *arg) EVPOP_MUST_USE;

/* Replace the policy, before evpop_sync_start(). */
EVPOP_API void evpop_sync_set_policy(
    struct evpop_sync *, const struct evpop_policy *);

/*
 * Begin: connect, log in, list, plan, fetch, delete, QUIT.  Returns
 * EVPOP_ERROR_NONE, and `done` will run; else EVPOP_ERROR_USAGE or
 * EVPOP_ERROR_MEMORY, and no callback will: only evpop_sync_free() makes sense
 * then.  Credentials as with evpop_client_login(), copied, and wiped before
 * `done`.
 *
 * A session that fails is followed by another one at once, if that may succeed:
 * one command after the other, once, if the server has lost some of what was
 * sent ahead, wherever the session was; by another mechanism, if the server
 * hangs up on one, up to three in all; and in the other order, once, if the
 * session ended on the first message that was asked for and there are more.
 * That message is told of, and the others come if it was at fault.  `listing`
 * runs again; what was stored meanwhile is known then, and not fetched again.
 *
 * A refused log-in whose credentials have `want_token` is repeated once, in
 * another session, where `want_token` runs again: for another token than the
 * one that was refused.
 */
EVPOP_API enum evpop_error evpop_sync_start(
    struct evpop_sync *, const struct evpop_credentials *) EVPOP_MUST_USE;

/* evpop_sync_start() with these and the default mechanisms. */
EVPOP_API enum evpop_error evpop_sync_open(
    struct evpop_sync *, const char *user, const char *password) EVPOP_MUST_USE;

/*
 * In `want_token`: whether another token is wanted than the one that was given
 * before, since the server has refused that.
 */
EVPOP_API bool evpop_sync_wants_other_token(const struct evpop_sync *);

/*
 * The answer to `listing`: what is known, and the time that the plan is made
 * for.  The array is only read during the call.  It may be in any order; sorted
 * by unique-id (bytes, a prefix first) and occurrence it costs least.
 */
EVPOP_API void evpop_sync_known(struct evpop_sync *, const struct evpop_known *,
    size_t count, int64_t now_ms);

/*
 * The same in several calls, so that not all of it must be in memory at once.
 * Batches come in the order of unique-ids and occurrences; the last one makes
 * the plan.  Batches out of order end the session with EVPOP_ERROR_USAGE.
 */
EVPOP_API void evpop_sync_known_batch(struct evpop_sync *,
    const struct evpop_known *, size_t count, bool is_last, int64_t now_ms);

/*
 * Another answer to `listing`: its digest is that of an earlier session, whose
 * plan had nothing to do and has not fallen due since, so there is nothing to
 * do.  The session ends without `matched` and `planned`.
 */
EVPOP_API void evpop_sync_unchanged(struct evpop_sync *);

/* The plan; NULL before what is known has come. */
EVPOP_API const struct evpop_plan *evpop_sync_plan(const struct evpop_sync *);

/*
 * The report so far, over all sessions; the plan says how much there is to do.
 */
EVPOP_API void evpop_sync_progress(
    struct evpop_sync *, struct evpop_sync_report *progress_r);

/*
 * The answer to `end`: the message is durable and may be deleted; or (false) it
 * could not be made durable and stays on the server.
 */
EVPOP_API void evpop_sync_stored(
    struct evpop_sync *, const struct evpop_entry *, bool durable);

/* Read on, after PAUSE from `begin` or `data`. */
EVPOP_API void evpop_sync_resume(struct evpop_sync *);

/*
 * End early: fetch and delete nothing more, wait until what is under way is
 * acknowledged, QUIT (which commits what was marked so far), `done`.
 */
EVPOP_API void evpop_sync_stop(struct evpop_sync *);

/*
 * Give up for this reason: close without QUIT; `done` runs from the loop,
 * once every body that ended well has been acknowledged.
 */
EVPOP_API void evpop_sync_cancel(
    struct evpop_sync *, const struct evpop_result *reason);

/* Closes and frees at once, with no further callback.  NULL is allowed. */
EVPOP_API void evpop_sync_free(struct evpop_sync *);

/* The client in use, for its peer; NULL after a start that has failed. */
EVPOP_API struct evpop_client *evpop_sync_client(struct evpop_sync *);

#ifdef __cplusplus
}
#endif

#endif
