/*
 * The memory of all polls under way for listings, plans and known unique-ids.
 * It is bounded, however long the servers' listings are: if it does not
 * suffice, the poll that holds most ends, and all others go on.
 */
#ifndef POLL_LEDGER_H
#define POLL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Beside memory_limit, so that with 8 MiB more, for what else there is, the
 * daemon grows by no more than 64 MiB and memory_limit.
 */
#define LEDGER_LEAST (UINT64_C(56) << 20)

struct ledger;
struct ledger_share;

/* In octets.  NULL without memory. */
struct ledger *ledger_new(uint64_t capacity)
    __attribute__((warn_unused_result));

uint64_t ledger_capacity(const struct ledger *);

/* What all shares hold. */
uint64_t ledger_held(const struct ledger *);

/* Once all shares are closed.  Sets the pointer to NULL; NULL is allowed. */
void ledger_free(struct ledger **);

/*
 * The share of one poll.  `overdrawn` runs at most once, from inside a charge
 * of another one's: this one holds most, and must end.  What it holds counts no
 * longer from then on.  NULL without memory.
 */
struct ledger_share *ledger_open(struct ledger *, void (*overdrawn)(void *arg),
    void *arg) __attribute__((warn_unused_result));

/*
 * Hold so many octets more (below 0: less).  False: this poll holds most, or
 * was told already, and must end; `overdrawn` does not run for that.
 */
bool ledger_charge(struct ledger_share *, int64_t octets)
    __attribute__((warn_unused_result));

/* What a share holds. */
uint64_t ledger_share_held(const struct ledger_share *);

/* All of it is freed: give it back, to the system too.  Sets the pointer to
 * NULL; NULL is allowed. */
void ledger_close(struct ledger_share **);

#endif
