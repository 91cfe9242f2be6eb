/*
 * How a target stands: what waits for it and what went there, in figures, and
 * what is told of it.
 */
#ifndef DELIVER_STANDING_H
#define DELIVER_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/deliver/carrier.h"
#include "daemon/deliver/condition.h"
#include "daemon/deliver/deliver.h"
#include "daemon/store/outbox.h"

struct notify;
struct standing;

/* The name is borrowed.  NULL without memory. */
struct standing *standing_new(struct notify *, const char *name)
    __attribute__((warn_unused_result));
void standing_free(struct standing **);

/* NULL: there is no such target any more.  Borrowed until the next call. */
void standing_configure(struct standing *, const struct config_target *);

/* ---- what waits ---- */

void standing_count(struct standing *, const struct store_outbox_figures *);
/* Since then one more waits. */
void standing_stored(struct standing *);
/* The store is asked: what changes from now on is not in its answer. */
void standing_ask(struct standing *);
/* The store knows better. */
void standing_recount(struct standing *);
/* Whether nothing has changed since standing_count(). */
bool standing_is_counted(const struct standing *);
bool standing_is_full(const struct standing *);

void standing_pause(struct standing *, int64_t now_ms, const char *who);
void standing_resume(struct standing *);
bool standing_is_paused(const struct standing *);

/* ---- what happens ---- */

void standing_attempt(
    struct standing *, const struct carried_result *, uint64_t octets);

struct standing_row {
	const char *account;
	int64_t id, message_id;
	uint64_t octets;
	unsigned attempts;
};
/* A row waits no longer. */
void standing_settled(struct standing *, const struct standing_row *,
    const struct store_outbox_result *);

/* Its health has changed; to one that does not work. */
void standing_health(
    struct standing *, const struct condition *, enum condition_health before);
/* It works again, after this. */
void standing_recovery(struct standing *, const struct condition *before);

/* ---- for people ---- */

/* All but what is under way. */
void standing_status(const struct standing *, const struct condition *,
    struct deliver_status *status_r);

#endif
