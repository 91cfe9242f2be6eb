/*
 * The simulated day of test_poll_day.c: a world of accounts at hosts around
 * the agenda under test, what happens to it, and a model that says what the
 * schedule promises.  There is one world, and one clock, `world.now`, in
 * milliseconds since the day began.  All that is random comes from day_draw(),
 * so that every run is the same.
 */
#ifndef EVPOP_TESTS_UNIT_POLL_DAY_H
#define EVPOP_TESTS_UNIT_POLL_DAY_H

#include "daemon/poll/agenda.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define ACCOUNTS 100000
#define NEVER    INT64_MIN
#define RATE_MAX 20
/* All accounts are due at the start; after this that is over. */
#define SETTLED HOUR
/* Outages, in the order of the hosts, and what they leave behind. */
#define OUTAGES         6
#define OUTAGE_LASTS    (2 * HOUR)
#define OUTAGE_RECOVERS HOUR
/* Thousands are due at once by a reload, and after it for so long. */
#define RELOAD_AT (12 * HOUR)
#define CROWDED   (5 * MINUTE)

enum kind {
	STEADY = 0, /* never fails but for its host */
	ADAPTIVE,   /* the same, and its interval follows its mail */
	FLOORED,    /* its server announces a LOGIN-DELAY */
	FLAKY,      /* fails in all ways */
	HOPELESS    /* always [SYS/PERM] */
};

struct site {
	struct host *host;
	int64_t out_from;         /* NEVER: it is always well */
	int64_t starts[RATE_MAX]; /* the last ones, in a ring */
	int64_t last_start, last_queued;
	unsigned next_start, sessions;
};

struct account {
	struct agenda_item item; /* first */
	struct schedule_item end;
	struct site *site, *session; /* where it is, and where it polls */
	struct pace pace;
	enum kind kind;
	unsigned mail_percent, floor_s;
	char name[24];
	/* The model. */
	enum poller_state rests; /* WAITING: it does not */
	enum poller_state comes_back;
	bool wished, again, pause, removed, renewed, touched, present;
	unsigned failures, refusals, polls;
	unsigned known_floor_s;
	int64_t started, queued_at, earliest, latest, interval;
};

struct world {
	struct agenda agenda;
	struct queue_limits limits;
	struct schedule ends;
	struct account *accounts;
	struct site *sites;
	size_t site_count;
	int64_t now;
	uint64_t seed;
	unsigned sessions;
	struct account *wishes[ACCOUNTS]; /* that wait, the first first */
	size_t wish_count;
	/* What is told and judged in the end. */
	uint64_t polls, wished_polls, failed_polls, fetching_polls;
	int64_t latest, latest_small, latest_recovering;
	unsigned due_minutes[2 * DAY / MINUTE];
	unsigned jitter[10];
};

extern struct world world;

/* How a poll ended. */
struct failure {
	enum evpop_error error;
	enum evpop_response_code code;
};

/* ---- the world ---- */

/* The next random number, and whether a chance in a hundred came true. */
uint32_t day_draw(void);
bool day_percent(unsigned chance);

int64_t day_least(int64_t, int64_t);
int64_t day_most(int64_t, int64_t);

/* All accounts at their hosts, due at once; day_free() frees them. */
void day_make(void);
void day_free(void);

/* Whether a site is out now. */
bool day_is_out(const struct site *);
/* Also while it catches up. */
bool day_is_troubled(const struct site *);
/* Whether a site may not start a session now, by its limits. */
bool day_is_held(const struct site *);

/* The account waits by a wish, as the last; or no longer, if it did. */
void day_add_wish(struct account *);
void day_drop_wish(struct account *);

/* ---- what happens ---- */

/* Somebody wishes for a poll, pauses an account or resumes one. */
void day_interfere(void);
/* While many wait, by the clock and by persons' wishes. */
void day_reload(void);

/* ---- the promises; each fails the test where one is broken ---- */

/* Of the wishes before `account`, or of all, none could have been fulfilled. */
void day_check_wishes(const struct account *);
/* Counts a session that starts now, within all limits. */
void day_check_limits(struct site *);
/* By the clock: not too early, not too late, and in turn. */
void day_check_due(const struct account *);

/* The interval after a poll; `counts`: it ended well, and its mail is known. */
void day_check_pace(struct account *, bool mail, bool counts);
/* What the model expects of the account after a poll. */
void day_check_after(struct account *, struct failure);

/* Nobody who is well is polled less often than the interval says. */
void day_check_starved(void);
/* Due times by the clock, outages and the reload aside, never bunch up. */
void day_check_spread(void);
/* Those that failed together part. */
void day_check_jitter(void);

#endif
