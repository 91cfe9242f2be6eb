/*
 * By what time ages are judged.  The calendar's clock may be wrong when the
 * machine starts, and be set right, or wrong, while it runs; how long the
 * machine runs is known better.  While the clock is not set, the two keep
 * their distance, and the store's time is that distance and what has elapsed.
 * Where the clock is set by more than a minute, what was dated since the
 * machine was started is moved as far, in the transaction that first sees it:
 * so ages go on as if nothing had happened.
 *
 * A clock behind what the store has seen, or behind the build, is wrong, and
 * nothing is old by it.  After a clock was set, or has leapt while the machine
 * was off, nothing is old in an account before one poll of it has gone by.
 *
 * All of it is the writer's, within its transactions.
 */
#ifndef STORE_CALENDAR_H
#define STORE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/clock.h"
#include "daemon/store/db.h"

/*
 * What the store keeps of it, in `meta`.  An era is the time since the machine
 * was started; one whose clock was behind goes on in the next.
 */
struct store_era {
	char start[STORE_CLOCK_START]; /* of the machine; empty: unknown */
	int64_t offset_ms; /* the clock's distance from what has elapsed */
	int64_t since_ms;  /* when it began */
	int64_t seen_ms;   /* when it was last written down */
	int64_t floor_ms;  /* what was seen before it; 0: nothing */
	/* What is older has ids up to these. */
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

/*
 * The setting by which the account's ages are judged, as they are within this
 * transaction; 0: they cannot be judged.
 */
enum store_status store_calendar_judges(const struct store_calendar *,
    struct sql_db *, int64_t account_id, uint64_t *setting_r)
    __attribute__((warn_unused_result));

#endif
