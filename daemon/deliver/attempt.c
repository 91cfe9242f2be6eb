#include "daemon/deliver/attempt.h"

#include <stdio.h>

#include "daemon/config/target.h"
#include "daemon/deliver/retry.h"
#include "lib/base/unit.h"

static int64_t
attempt_again_ms(const struct attempt *attempt, int64_t retry_after_ms)
{
	const struct config_target *target = attempt->target;
	int64_t delay_ms = retry_delay_ms(attempt->attempts + 1,
	    target->retry_min_ms, target->retry_max_ms, attempt->random);

	/* Who asks for patience gets it, though not for ever. */
	if (retry_after_ms > delay_ms)
		delay_ms = retry_after_ms < target->retry_max_ms
			       ? retry_after_ms
			       : target->retry_max_ms;
	return attempt->now_ms + delay_ms;
}

/* It is tried again, unless that has gone on for too long. */
static void
attempt_put_off(const struct attempt *attempt,
    const struct carried_result *carried, struct store_outbox_result *result,
    char text[ATTEMPT_TEXT])
{
	const struct config_target *target = attempt->target;
	char age[EVPOP_UNIT_SIZE];

	result->state = STORE_OUTBOX_WAITING;
	result->due_ms = attempt_again_ms(attempt, carried->retry_after_ms);
	result->is_attempt = true;
	if (target->give_up_after_ms == 0 ||
	    attempt->now_ms - attempt->queued_ms < target->give_up_after_ms)
		return;
	result->state = STORE_OUTBOX_REFUSED;
	(void)snprintf(text, ATTEMPT_TEXT, "given up after %s: %s",
	    evpop_unit_about(
		(attempt->now_ms - attempt->queued_ms) / 1000, age),
	    carried->answer != NULL ? carried->answer : "no answer");
	result->answer = text;
}

static bool
attempt_unread(const struct attempt *attempt,
    struct store_outbox_result *result, char text[ATTEMPT_TEXT])
{
	if (attempt->read_status == STORE_NOT_FOUND)
		return false;
	result->answer = text;
	(void)snprintf(text, ATTEMPT_TEXT,
	    "the message cannot be read from the store (%s): %s",
	    store_status_name(attempt->read_status),
	    store_status_hint(attempt->read_status));
	if (attempt->read_status == STORE_SEALED ||
	    attempt->read_status == STORE_DAMAGED)
		result->state = STORE_OUTBOX_REFUSED;
	else
		result->due_ms = attempt_again_ms(attempt, 0);
	return true;
}

bool
attempt_judge(const struct attempt *attempt,
    const struct carried_result *carried, struct store_outbox_result *result,
    char text[ATTEMPT_TEXT])
{
	*result = (struct store_outbox_result){
		.id = attempt->id,
		.state = STORE_OUTBOX_WAITING,
		.due_ms = attempt->now_ms,
		/* What an earlier attempt has left there is there still. */
		.may_be_there = attempt->may_be_there || carried->may_be_there,
		.answer = carried->answer,
		.place = carried->place,
	};
	switch (carried->outcome) {
	case CARRIED_DELIVERED:
		result->state = STORE_OUTBOX_DELIVERED;
		result->may_be_there = false;
		result->is_attempt = true;
		return true;
	case CARRIED_REFUSED:
		result->state = STORE_OUTBOX_REFUSED;
		result->is_attempt = true;
		return true;
	case CARRIED_UNREAD:
		return attempt_unread(attempt, result, text);
	case CARRIED_LATER:
		attempt_put_off(attempt, carried, result, text);
		return true;
	case CARRIED_DOWN:
	case CARRIED_WRONG:
		if (attempt->is_culprit)
			attempt_put_off(attempt, carried, result, text);
		return true;
	}
	return true;
}
