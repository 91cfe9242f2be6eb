/*
 * Messages that a poll could not fetch, and what that says of each.  One that
 * is refused while others are given is at fault itself: its failures are
 * counted, and in the end it goes into quarantine.  Where a server refuses all
 * that is asked of it, or all from some message on, that is a matter of the
 * account (a download limit, a server that is not well), and of no message.
 */
#ifndef POLL_FAILURES_H
#define POLL_FAILURES_H

#include <evpop/sync.h>

#include "daemon/store/store.h"

/*
 * The last lines of a session, as its trace tells them (secrets struck out).
 * They help a person to find out why a message cannot be fetched.
 */

/* Enough for the commands and replies around one message. */
#define TRANSCRIPT_SIZE 2048
/* A longer line is cut. */
#define TRANSCRIPT_LINE 256

/* Zeroed, it is empty. */
struct transcript {
	char bytes[TRANSCRIPT_SIZE]; /* a ring of lines, each with its end */
	size_t begin, length;
};

/* Add a line; the oldest ones make room. */
void transcript_add(struct transcript *, bool from_server, const char *line);

/* All lines, "C: RETR 1\nS: +OK\n"; text_r takes TRANSCRIPT_SIZE + 1 octets. */
void transcript_text(const struct transcript *, char *text_r);

/* A message that has failed this often goes into quarantine. */
#define FAILURES_ATTEMPTS 3

/*
 * A message that came with the same few bytes this often, at least this far
 * apart, is stored as it is: some servers list more than they have.
 */
#define FAILURES_DOUBTS   4
#define FAILURES_DOUBT_MS (6 * INT64_C(3600000))

struct failures;
struct notify;

/*
 * `noted` runs for each answer of the store, and with STORE_MEMORY from inside
 * the calls below.  The name is the account's, borrowed, for the log.  NULL
 * without memory.
 */
struct failures *failures_new(struct store *, struct notify *, const char *name,
    store_done_cb noted, void *arg) __attribute__((warn_unused_result));

/* Before anything below. */
void failures_set_account(struct failures *, int64_t account_id);

/* A line of the session, for the transcript. */
void failures_trace(struct failures *, bool from_server, const char *line);

/* A body was given as a whole. */
void failures_given(struct failures *);

/* What was to be fetched, and what came of it. */
struct failures_message {
	const struct evpop_entry *entry;
	struct store_body *body; /* taken; NULL: none of it came */
	uint64_t octets;         /* that came */
	bool is_empty;           /* but for line ends */
};
void failures_add(struct failures *, const struct failures_message *,
    const struct evpop_result *);

/* The poll is over: count what is to be counted. */
void failures_settle(struct failures *);

/*
 * Whether the server refused to give what was asked for, as a matter of the
 * account; *result_r is then what the poll came to.
 */
bool failures_are_of_account(
    const struct failures *, struct evpop_result *result_r);

/* Whether the store owes an answer. */
bool failures_are_pending(const struct failures *);

/* With no answer owed.  Sets the pointer to NULL; NULL is allowed. */
void failures_free(struct failures **);

#endif
