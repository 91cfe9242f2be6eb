/*
 * Messages that are marked for deletion with DELE, in the order in which they
 * become due, ahead of the answers.
 */
#ifndef EVPOP_SESSION_MARKING_H
#define EVPOP_SESSION_MARKING_H

#include <evpop/sync.h>

struct evpop_marking;

/* A DELE was answered, or ended with the session. */
typedef void (*evpop_marking_cb)(const struct evpop_result *, void *arg);

/* For so many messages at most.  NULL without memory. */
struct evpop_marking *evpop_marking_new(struct evpop_client *,
    const struct evpop_listing *, size_t room) EVPOP_MUST_USE;
/* After the client is freed, or its session over.  NULL is allowed. */
void evpop_marking_free(struct evpop_marking *);

/* The entry with this index is due. */
void evpop_marking_add(struct evpop_marking *, uint32_t index);

/* Drop those that the plan deletes without a fetch and that were not sent. */
void evpop_marking_drop(struct evpop_marking *, const struct evpop_plan *);

/*
 * Send no other DELE, and unmark what is marked with RSET, which is answered as
 * a DELE is.  Where nothing was sent, there is no RSET.
 */
enum evpop_error evpop_marking_revoke(
    struct evpop_marking *, evpop_marking_cb revoked, void *arg) EVPOP_MUST_USE;

/* Hand over as many as may be ahead; the callback runs for each answer. */
enum evpop_error evpop_marking_send(
    struct evpop_marking *, evpop_marking_cb, void *arg) EVPOP_MUST_USE;

/* Whether all DELEs that were sent, or all that are due, are answered. */
bool evpop_marking_is_idle(const struct evpop_marking *);
bool evpop_marking_is_done(const struct evpop_marking *);

/* The entries that are marked, in the order they were; NULL behind the last. */
const struct evpop_entry *evpop_marking_entry(
    const struct evpop_marking *, size_t at);

#endif
