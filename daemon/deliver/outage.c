#include "daemon/deliver/outage.h"

#include <event2/util.h>

#include "lib/base/clock.h"

uint32_t
outage_random(void)
{
	uint32_t random;

	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return random;
}

static void
outage_fail(struct condition *condition, struct standing *standing,
    const struct condition_failure *failure)
{
	enum condition_health before = condition->health;

	if (condition_fail(condition, failure))
		standing_health(standing, condition, before);
}

static void
outage_end(struct condition *condition, struct standing *standing, int64_t row)
{
	const struct condition before = *condition;

	if (condition_work(condition, row, evpop_clock_monotonic_ms()))
		standing_recovery(standing, &before);
}

bool
outage_learn(struct condition *condition, struct standing *standing,
    const struct config_target *config, const struct carried_result *result,
    int64_t row, unsigned working)
{
	struct condition_failure failure = {
		.target = config,
		.carried = result,
		.row = row,
		.working = working,
		.unix_ms = evpop_clock_unix_ms(),
		.now_ms = evpop_clock_monotonic_ms(),
	};

	switch (result->outcome) {
	case CARRIED_DELIVERED:
	case CARRIED_LATER:
	case CARRIED_REFUSED:
		outage_end(condition, standing, row);
		break;
	case CARRIED_DOWN:
	case CARRIED_WRONG:
		failure.random = outage_random();
		if (config != NULL)
			outage_fail(condition, standing, &failure);
		break;
	case CARRIED_UNREAD:
		/* Why a parcel could not be read is no news of its target. */
		break;
	}
	return condition->health == CONDITION_WORKS;
}
