/*
 * Whether a target can be delivered to, and when one that cannot is tried
 * again.  Pure.
 */
#ifndef DELIVER_CONDITION_H
#define DELIVER_CONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/deliver/carrier.h"

#define CONDITION_TEXT 400

enum condition_health {
	CONDITION_WORKS = 0,
	CONDITION_DOWN,
	CONDITION_WRONG, /* a person has to mend something */
	CONDITION_COUNT
};

struct condition {
	enum condition_health health;
	int64_t since_ms;  /* it does not work, Unix time */
	int64_t next_ms;   /* it is tried again, monotonic */
	unsigned failures; /* in a row */
	char text[CONDITION_TEXT];
	/* Carriers that are of use at a time; 0: as many as are wanted. */
	unsigned most;
	int64_t grows_ms; /* one more, monotonic */
	/*
	 * The row with which it failed last, and how often in a row; whether
	 * it worked with another one meanwhile.
	 */
	int64_t culprit;
	unsigned culprit_times;
	bool is_proven;
};

struct condition_failure {
	const struct config_target *target;
	const struct carried_result *carried; /* DOWN or WRONG */
	int64_t row;                          /* in the outbox; 0: none */
	/* Carriers that go on with what they have. */
	unsigned working;
	int64_t unix_ms, now_ms; /* the second monotonic */
	uint32_t random;
};

/*
 * It failed.  Where other carriers still work, it takes fewer of them; else it
 * is down.  Returns whether its health has changed.
 */
bool condition_fail(struct condition *, const struct condition_failure *);
/*
 * Whether it has failed with this row again and again, and not with others: the
 * row is to blame.
 */
bool condition_is_culprit(const struct condition *, int64_t row);
/* A row that may be to blame: another one would tell; 0: none. */
int64_t condition_suspect(const struct condition *);
/* A row (0: a probe) was answered.  Returns whether its health has changed. */
bool condition_work(struct condition *, int64_t row, int64_t now_ms);
/* Try it at once, as if it had not failed. */
void condition_retry(struct condition *);
/* Whether something may be tried, and then one thing alone. */
bool condition_may_try(const struct condition *, int64_t now_ms);

/* At most so many carriers. */
unsigned condition_most(const struct condition *, unsigned wanted);

/* "ok", "down", "refused". */
const char *condition_name(enum condition_health);

#endif
