/*
 * An account as the poller sees it: how a poll of it begins, how the last one
 * went, and what people are told.  When it is polled is the agenda's to know.
 */
#ifndef POLL_ACCOUNT_H
#define POLL_ACCOUNT_H

#include "daemon/poll/agenda.h"
#include "daemon/poll/poller.h"
#include "daemon/poll/run.h"

struct account;
struct outages;
struct tls_table;

/*
 * A new account at rest, in the agenda; its configuration must stay until it is
 * replaced.  NULL without memory.
 */
struct account *account_new(struct agenda *, const struct config_account *)
    __attribute__((warn_unused_result));

/* Out of the agenda, once it does not run. */
void account_free(struct agenda *, struct account *);

/* What the agenda knows it by. */
struct agenda_item *account_item(struct account *);
struct account *account_of(struct agenda_item *);

/* NULL: it is removed, and still runs. */
const struct config_account *account_config(const struct account *);

/* ---- another configuration ---- */

/* It has changed to this; account_set_config() is next. */
void account_change(struct account *, struct agenda *,
    const struct config_account *, int64_t now_ms);
void account_set_config(struct account *, const struct config_account *);

/* It is no longer configured: free it, or let its run come to its end. */
void account_retire(struct agenda *, struct account *);

/*
 * The account has no row in the store, and may be the one with this id, which
 * is no longer configured; NULL: it is not.  Returns whether that is new.
 */
bool account_set_former(struct account *, const char *former_id);

/*
 * It is paused, or will be once its poll is over, since then (Unix time) and by
 * whom, where that is known (or NULL); or no more.
 */
void account_pause(
    struct account *, struct agenda *, int64_t since_ms, const char *who);
void account_resume(struct account *, struct agenda *, int64_t now_ms);

/* ---- polls ---- */

/* What its next poll is to do.  Every poll is one; it takes no wish away. */
void account_set_wish(struct account *, enum poller_wish);

/* Why its polls wait for a person, where they do. */
bool account_is_held(struct account *, struct evpop_result *why_r);

/* How its credentials were refused before this daemon's start. */
void account_set_refusal(struct account *, const struct store_refusal *);

/*
 * Whether to send its credentials again is too early, though nobody runs to
 * wait: they were refused, and are the same.
 */
bool account_is_too_early(struct account *, struct evpop_result *why_r);

/*
 * Begin a poll.  A poll that cannot reach its server begins all the same, and
 * leaves a row.  Returns false, with the reason, if there is no memory for one.
 */
bool account_begin(struct account *, const struct run_resources *,
    struct tls_table *, struct evpop_result *result_r)
    __attribute__((warn_unused_result));

/* The poll under way; NULL: there is none. */
struct run *account_run(const struct account *);

/* The poll is over: take what it leaves.  The run is the caller's to free. */
void account_take(struct account *, struct run *);

/*
 * A poll has ended, or could not begin: tell the agenda, note it for the
 * status, log it.  Without outages (NULL) each failure is logged.  With `once`
 * the account is not polled again.
 */
void account_end(struct account *, struct agenda *, struct outages *,
    const struct run_progress *, bool once);

/* The outcome of a poll that could not begin. */
struct run_progress account_failure(
    struct account *, const struct evpop_result *);

/* Deletions that its last poll held back. */
uint32_t account_held(const struct account *);

/*
 * Whether the file of its password is another than at the last poll, or at the
 * last call.
 */
bool account_secret_has_changed(struct account *);

/* ---- what is told ---- */

/* Only where the state differs from the one told last, which there must be. */
void account_tell_state(struct account *, struct notify *);

void account_status(
    const struct account *, struct poller_account_status *status_r);
bool account_advice(
    const struct account *, char advice_r[POLLER_ADVICE_SIZE], bool once);
const struct poller_plan *account_plan(const struct account *);

#endif
