/*
 * The time by which ages are judged.  The calendar's clock may be wrong when
 * the machine starts, and may be set, rightly or wrongly, while it runs; the
 * time since the start is more reliable.  While nobody sets the clock, the two
 * keep their distance.  When the clock is set by more than a minute, everything
 * that was dated since the machine was started is moved by the same amount, in
 * the transaction that first sees it: ages go on as if nothing had happened.
 *
 * A clock behind what the store has seen, or behind the build, is wrong, and
 * nothing is old by it.  After a clock was set, or has leapt while the machine
 * was off, nothing is old in an account until one poll of it has gone by.
 *
 * The writer uses all of this, inside its transactions.
 */
#ifndef STORE_CALENDAR_H
#define STORE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/clock.h"
#include "daemon/store/db.h"

/*
 * What the store keeps in `meta`.  An era begins when the machine is started;
 * if the clock was behind, the era goes on after the next start.
 */
struct store_era {
	char start[STORE_CLOCK_START]; /* of the machine; empty: unknown */
	int64_t offset_ms; /* the clock's distance from what has elapsed */
	int64_t since_ms;  /* when it began */
	int64_t seen_ms;   /* when it was last written down */
	int64_t floor_ms;  /* what was seen before it; 0: nothing */
	/* Rows from before the era have ids up to these. */
	int64_t message, poll, quarantine;
	/* An account's ages are judged once it has a poll with a higher id. */
	int64_t doubted_poll;
#define STORE_NOT_DOUBTED INT64_C(-1)
	int64_t has_leapt; /* it began with that doubt */
	int64_t is_behind;
};

struct store_calendar_state {
	bool is_loaded;
	struct store_era era;
	/* Another number each time that ages have to be asked for anew. */
	uint64_t setting;
	struct store_clock clock; /* how it was set */
	bool is_doubted;          /* by this transaction */
};

struct store_calendar {
	struct store_calendar_state kept; /* as committed */
	struct store_calendar_state next; /* within a transaction */
};

/*
 * At the begin of a transaction: look at the clocks, move what has to be moved,
 * and set the connection's now_ms.
 */
enum store_status store_calendar_begin(struct store_calendar *, struct sql_db *)
    __attribute__((warn_unused_result));

/* At its end, before it is committed. */
enum store_status store_calendar_end(struct store_calendar *, struct sql_db *)
    __attribute__((warn_unused_result));

/* Whether ages that were read before the transaction are wrong after it. */
bool store_calendar_is_set(const struct store_calendar *);

/* The transaction was committed. */
void store_calendar_committed(struct store_calendar *);

/* As it was committed last. */
struct store_clock store_calendar_clock(const struct store_calendar *);
/* The same for who may see ages of before, or of after. */
struct store_clock store_calendar_clock_unsure(const struct store_calendar *);

/*
 * The setting by which the account's ages are judged, as they are within this
 * transaction; 0: they cannot be judged.  STORE_ANY_ACCOUNT: those of messages
 * here, for which a poll of any account will do.
 */
#define STORE_ANY_ACCOUNT 0
enum store_status store_calendar_judges(const struct store_calendar *,
    struct sql_db *, int64_t account_id, uint64_t *setting_r)
    __attribute__((warn_unused_result));

#endif
