#include "daemon/deliver/condition.h"

#include <stddef.h>
#include <stdio.h>

#include "daemon/config/target.h"
#include "daemon/deliver/retry.h"

/* A server that wants fewer connections is asked for one more after this. */
#define GROWS_MS 30000

/* What a person has to mend is tried less often, by so many doublings. */
#define WRONG_DOUBLINGS 3

#define CULPRIT_TIMES 3

static void
condition_blame(struct condition *condition, int64_t row)
{
	if (row == 0)
		return;
	if (condition->culprit != row) {
		condition->culprit_times = 0;
		condition->is_proven = false;
	}
	condition->culprit = row;
	condition->culprit_times++;
}

static void
condition_describe(
    struct condition *condition, const struct carried_result *carried)
{
	(void)snprintf(condition->text, sizeof(condition->text), "%s",
	    carried->answer != NULL ? carried->answer : "it does not say why");
}

bool
condition_fail(
    struct condition *condition, const struct condition_failure *failure)
{
	const struct carried_result *carried = failure->carried;
	enum condition_health before = condition->health;
	int64_t delay_ms;
	unsigned failures;

	condition_blame(condition, failure->row);
	condition_describe(condition, carried);
	if (failure->working > 0 && carried->outcome == CARRIED_DOWN &&
	    before == CONDITION_WORKS) {
		condition->most = failure->working;
		condition->grows_ms = failure->now_ms + GROWS_MS;
		return false;
	}
	/* Others that fail with it are the same failure. */
	if (before == CONDITION_WORKS || failure->now_ms >= condition->next_ms)
		condition->failures++;
	failures = condition->failures;
	condition->health = CONDITION_DOWN;
	if (carried->outcome == CARRIED_WRONG) {
		condition->health = CONDITION_WRONG;
		failures += WRONG_DOUBLINGS;
	}
	delay_ms = retry_delay_ms(failures, failure->target->retry_min_ms,
	    failure->target->retry_max_ms, failure->random);
	if (carried->retry_after_ms > delay_ms)
		delay_ms =
		    carried->retry_after_ms < failure->target->retry_max_ms
			? carried->retry_after_ms
			: failure->target->retry_max_ms;
	condition->next_ms = failure->now_ms + delay_ms;
	if (before == CONDITION_WORKS)
		condition->since_ms = failure->unix_ms;
	return condition->health != before;
}

bool
condition_is_culprit(const struct condition *condition, int64_t row)
{
	return condition->culprit == row && condition->is_proven &&
	       condition->culprit_times >= CULPRIT_TIMES;
}

int64_t
condition_suspect(const struct condition *condition)
{
	return condition->culprit_times >= CULPRIT_TIMES &&
		       !condition->is_proven
		   ? condition->culprit
		   : 0;
}

static void
condition_absolve(struct condition *condition, int64_t row)
{
	if (row == condition->culprit) {
		condition->culprit = 0;
		condition->culprit_times = 0;
	} else if (row != 0)
		condition->is_proven = condition->culprit != 0;
}

bool
condition_work(struct condition *condition, int64_t row, int64_t now_ms)
{
	bool has_changed = condition->health != CONDITION_WORKS;

	condition->health = CONDITION_WORKS;
	condition->failures = 0;
	condition_absolve(condition, row);
	if (has_changed)
		condition->text[0] = '\0';
	if (condition->most > 0 && now_ms >= condition->grows_ms) {
		condition->most++;
		condition->grows_ms = now_ms + GROWS_MS;
	}
	return has_changed;
}

void
condition_retry(struct condition *condition)
{
	condition->next_ms = 0;
	condition->failures = 0;
	condition->most = 0;
}

bool
condition_may_try(const struct condition *condition, int64_t now_ms)
{
	return condition->health == CONDITION_WORKS ||
	       now_ms >= condition->next_ms;
}

unsigned
condition_most(const struct condition *condition, unsigned wanted)
{
	return condition->most > 0 && condition->most < wanted ? condition->most
							       : wanted;
}

const char *
condition_name(enum condition_health health)
{
	static const char *const names[CONDITION_COUNT] = {
		[CONDITION_WORKS] = "ok",
		[CONDITION_DOWN] = "down",
		[CONDITION_WRONG] = "refused",
	};

	return names[health];
}
