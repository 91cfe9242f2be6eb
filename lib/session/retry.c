#include "lib/session/retry.h"

#include <string.h>

/* These three tell the server the same: who is refused by one is by all. */
#define SAME_PASSWORD                                    \
	(EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_PLAIN) |    \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_LOGIN) | \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER))

/* What shows the password, or a token as good as one, to who listens. */
#define IN_CLEAR_TEXT                                                   \
	(SAME_PASSWORD | EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_XOAUTH2) | \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_OAUTHBEARER))

/* Whether anybody on the way may read what is sent, and change it. */
static bool
retry_is_in_clear(
    const struct evpop_target *target, const struct evpop_client *client)
{
	const char *peer = evpop_client_peer(client);
	bool loopback =
	    target->config.proxy == NULL &&
	    (strncmp(peer, "127.", 4) == 0 || strncmp(peer, "[::1]", 5) == 0);

	return target->config.tls == EVPOP_TLS_NONE && !loopback;
}

static unsigned int
retry_count(unsigned int mechanisms)
{
	unsigned int count = 0;

	for (; mechanisms != 0; mechanisms &= mechanisms - 1)
		count++;
	return count;
}

/* What is left to be tried after this refusal. */
static unsigned int
retry_left(const struct evpop_retry *retry, const struct evpop_target *target,
    const struct evpop_client *client, const struct evpop_result *result)
{
	unsigned int left = retry->mechanisms & ~retry->refused;

	/* Who hangs up without a word may do so for the mechanism alone. */
	if (result->error == EVPOP_ERROR_AUTH &&
	    (retry->refused & SAME_PASSWORD) != 0)
		left &= ~SAME_PASSWORD;
	/* Whoever refuses it may want to see the password. */
	if (retry->mechanisms == EVPOP_MECHANISMS_DEFAULT &&
	    retry_is_in_clear(target, client))
		left &= ~IN_CLEAR_TEXT;
	return left;
}

static bool
retry_other_mechanism(struct evpop_retry *retry, struct evpop_target *target,
    const struct evpop_client *client, const struct evpop_result *result)
{
	unsigned int left;

	/* It is the credentials, and not the mechanism: RFC 3206. */
	if (result->code == EVPOP_CODE_AUTH)
		return false;
	if (retry->refused == 0) {
		retry->mechanisms = target->credentials.mechanisms;
		retry->refusal = *result;
	}
	retry->refused |= evpop_client_tried(client);
	left = retry_left(retry, target, client, result);
	if (left == 0 || retry_count(retry->refused) >= EVPOP_RETRY_MECHANISMS)
		return false;
	target->credentials.mechanisms = left;
	return true;
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
