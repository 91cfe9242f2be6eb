#include "lib/session/retry.h"

#include <string.h>

static bool
retry_other_mechanism(struct evpop_retry *retry, struct evpop_target *target,
    const struct evpop_client *client, const struct evpop_result *result)
{
	if (retry->log_ins == 0)
		retry->refusal = *result;
	target->credentials.tried |= evpop_client_tried(client);
	return ++retry->log_ins < EVPOP_RETRY_LOG_INS;
}

bool
evpop_retry_prepare(struct evpop_retry *retry, struct evpop_target *target,
    const struct evpop_client *client, const struct evpop_result *result)
{
	switch (evpop_client_again(client)) {
	case EVPOP_AGAIN_ONE_BY_ONE:
		if (retry->is_careful || target->config.one_by_one)
			return false;
		retry->is_careful = target->config.one_by_one = true;
		return true;
	case EVPOP_AGAIN_OTHER_MECHANISM:
		return retry_other_mechanism(retry, target, client, result);
	default:
		return false;
	}
}

void
evpop_retry_explain(
    const struct evpop_retry *retry, struct evpop_result *result)
{
	const struct evpop_result *first = &retry->refusal;
	struct evpop_result last = *result;

	if (first->error == EVPOP_ERROR_NONE ||
	    result->error == EVPOP_ERROR_NONE ||
	    result->phase != EVPOP_PHASE_LOGIN ||
	    strcmp(first->text, last.text) == 0)
		return;
	evpop_result_set(result, last.error, EVPOP_PHASE_LOGIN,
	    "%.120s; then, by another mechanism: %.100s", first->text,
	    last.text);
	result->code = last.code;
	result->scope = last.scope;
	result->retry = last.retry;
	/* That none is left is no more than what was said at first. */
	if (first->error != EVPOP_ERROR_AUTH)
		return;
	result->error = first->error;
	result->code = first->code;
	result->scope = first->scope;
	result->retry = first->retry;
}
