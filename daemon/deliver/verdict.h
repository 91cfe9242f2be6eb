/*
 * What rspamd thinks of a message before it is delivered: asked over HTTP with
 * the message, and with where it truly came from (trace.h), which is not the
 * server that it was fetched from.  A verdict adds lines in front of the
 * message; whether spam goes elsewhere is its target's matter (spam_target).
 * Nothing is dropped or refused for it.
 *
 * The way of a parcel at a target that has `rspamd`: as soon as it is made, and
 * before it goes to a carrier, verdict_ask(); then
 *   VERDICT_GIVEN, is_spam, and the target has a spam_target:
 *                   store_outbox_redirect(), with `text` as the reason;
 *   VERDICT_GIVEN   else: `lines` go in front of the parcel, which is rewound
 *                   and longer by them, and the carrier has it;
 *   VERDICT_UNREAD  as CARRIED_UNREAD;
 *   VERDICT_DOWN    as CARRIED_DOWN with `text`: with rspamd_down = wait.
 */
#ifndef DELIVER_VERDICT_H
#define DELIVER_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

struct config_target;
struct event_base;
struct evpop_names;
struct parcel;
struct verdicts;

enum verdict_outcome {
	VERDICT_GIVEN = 0, /* or rspamd could not say: then the lines tell */
	VERDICT_UNREAD,    /* parcel_next() failed */
	VERDICT_DOWN       /* rspamd does not answer, and mail waits for it */
};

#define VERDICT_LINES 2048

struct verdict {
	enum verdict_outcome outcome;
	bool is_spam;
	/* Whole lines of a header, each with its CR LF; VERDICT_LINES at most.
	 */
	const char *lines;
	const char *text; /* printable: "rspamd: add header, score 7.10 of 6" */
};

/* From the loop, never from inside verdict_ask(); strings are borrowed. */
typedef void (*verdict_cb)(struct parcel *, const struct verdict *, void *arg);

/*
 * Asks the rspamd of this target (rspamd_down = deliver: where it does not
 * answer, the lines say so); all borrowed.  NULL without memory.
 */
struct verdicts *verdicts_new(const struct config_target *, struct event_base *,
    struct evpop_names *, verdict_cb, void *arg)
    __attribute__((warn_unused_result));

/*
 * Ask about a parcel, which must be at its beginning, and stays until the
 * callback; then it is somewhere within: parcel_rewind().  Any number may be
 * asked at a time; those beyond the target's `concurrency` wait.  False without
 * memory, and no callback.
 */
bool verdict_ask(struct verdicts *, struct parcel *)
    __attribute__((warn_unused_result));

/* No callback for this parcel any more, and it is not touched; none may be. */
void verdict_forget(struct verdicts *, struct parcel *);

/*
 * Whether it answers (doctor): with a message of no consequence.  False where
 * all its connections are busy, or without memory; then no callback.
 */
typedef void (*verdict_probe_cb)(bool works, const char *text, void *arg);
bool verdict_probe(struct verdicts *, verdict_probe_cb, void *arg)
    __attribute__((warn_unused_result));

/* No callback any more; sets the pointer to NULL. */
void verdicts_free(struct verdicts **);

#endif
