/* Mechanisms that answer whatever the challenge says. */
#include "lib/auth/method.h"

/*
 * PLAIN (RFC 4616), and EXTERNAL (RFC 4422 appendix A), where the certificate
 * stands for all but whom to act as.
 */
static enum evpop_answer
plain_answer(void *state, struct evpop_exchange *exchange,
    const struct evpop_identity *who, const struct evpop_challenge *challenge,
    struct evpop_secret *response)
{
	(void)state;
	if (challenge->turn > 0)
		return evpop_exchange_asked_on(exchange);
	if (who->authorization != NULL)
		evpop_secret_add_text(response, who->authorization);
	if (who->mechanism == EVPOP_MECHANISM_EXTERNAL)
		return EVPOP_ANSWER_LAST;
	evpop_secret_add(response, "", 1);
	evpop_secret_add_text(response, who->user);
	evpop_secret_add(response, "", 1);
	evpop_secret_add_text(response, who->password);
	return EVPOP_ANSWER_LAST;
}

/*
 * The challenges ask for user and password in words that differ from server to
 * server; their order does not.
 */
static enum evpop_answer
login_answer(void *state, struct evpop_exchange *exchange,
    const struct evpop_identity *who, const struct evpop_challenge *challenge,
    struct evpop_secret *response)
{
	(void)state;
	switch (challenge->turn) {
	case 0:
		evpop_secret_add_text(response, who->user);
		return EVPOP_ANSWER_MORE;
	case 1:
		evpop_secret_add_text(response, who->password);
		return EVPOP_ANSWER_LAST;
	default:
		return evpop_exchange_asked_on(exchange);
	}
}

const struct evpop_method evpop_method_plain = {
	.client_first = true,
	.answer = plain_answer,
};
const struct evpop_method evpop_method_login = {
	.text_challenge = true,
	.answer = login_answer,
};
