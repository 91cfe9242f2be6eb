#include "lib/session/waits.h"

#include <stdlib.h>

/* It has waited, as has whatever is known since that time. */
#define WAITS_OVER INT64_MIN

struct evpop_waits {
	size_t count;
	int64_t since_ms[]; /* 0: it is not known to wait */
};

struct evpop_waits *
evpop_waits_new(size_t entries)
{
	struct evpop_waits *waits;

	waits = calloc(1, sizeof *waits + entries * sizeof waits->since_ms[0]);
	if (waits != NULL)
		waits->count = entries;
	return waits;
}

void
evpop_waits_free(struct evpop_waits *waits)
{
	free(waits);
}

/* By a time before that, such as that of a clock gone back, it waits on. */
static bool
waits_are_long_enough(int64_t since_ms, int64_t least_ms, int64_t now_ms)
{
	int64_t age_ms;

	return now_ms >= since_ms &&
	       (__builtin_sub_overflow(now_ms, since_ms, &age_ms) ||
		   age_ms >= least_ms);
}

bool
evpop_waits_take(struct evpop_waits *waits, size_t index,
    const struct evpop_known *known, const struct evpop_policy *policy,
    int64_t now_ms)
{
	bool is_over = waits == NULL || waits_are_long_enough(known->stored_ms,
					    policy->fetch_after_ms, now_ms);

	if (waits != NULL)
		waits->since_ms[index] =
		    is_over ? WAITS_OVER : known->stored_ms;
	return !is_over;
}

bool
evpop_waits_are_over(const struct evpop_waits *waits, size_t index)
{
	return waits != NULL && waits->since_ms[index] == WAITS_OVER;
}

int64_t
evpop_waits_since(const struct evpop_waits *waits, size_t index)
{
	return waits == NULL || evpop_waits_are_over(waits, index)
		   ? 0
		   : waits->since_ms[index];
}

size_t
evpop_waits_held(const struct evpop_waits *waits)
{
	return waits == NULL
		   ? 0
		   : sizeof *waits + waits->count * sizeof waits->since_ms[0];
}
