/* Mechanisms that say what they have to say, and hear nothing. */
#include "lib/auth/mechanism.h"

/* RFC 4616 */
static enum evpop_answer
plain_answer(struct evpop_exchange *exchange, const char *challenge,
    size_t length, struct evpop_secret *response)
{
	(void)challenge;
	(void)length;
	if (exchange->turn > 0)
		return evpop_exchange_asked_on(exchange);
	if (exchange->authorization != NULL)
		evpop_secret_add_text(response, exchange->authorization);
	evpop_secret_add(response, "", 1);
	evpop_secret_add_text(response, exchange->user);
	evpop_secret_add(response, "", 1);
	evpop_secret_add_text(response, exchange->password);
	exchange->proved = true;
	return EVPOP_ANSWER_LAST;
}

/*
 * The challenges ask for user and password in words that differ from server to
 * server; their order does not.
 */
static enum evpop_answer
login_answer(struct evpop_exchange *exchange, const char *challenge,
    size_t length, struct evpop_secret *response)
{
	(void)challenge;
	(void)length;
	switch (exchange->turn) {
	case 0:
		evpop_secret_add_text(response, exchange->user);
		return EVPOP_ANSWER_MORE;
	case 1:
		evpop_secret_add_text(response, exchange->password);
		exchange->proved = true;
		return EVPOP_ANSWER_LAST;
	default:
		return evpop_exchange_asked_on(exchange);
	}
}

/* RFC 4422 appendix A: the certificate speaks, this only says for whom. */
static enum evpop_answer
external_answer(struct evpop_exchange *exchange, const char *challenge,
    size_t length, struct evpop_secret *response)
{
	(void)challenge;
	(void)length;
	if (exchange->turn > 0)
		return evpop_exchange_asked_on(exchange);
	if (exchange->authorization != NULL)
		evpop_secret_add_text(response, exchange->authorization);
	exchange->proved = true;
	return EVPOP_ANSWER_LAST;
}

const struct evpop_method evpop_method_plain = {
	.client_first = true,
	.answer = plain_answer,
};
const struct evpop_method evpop_method_login = {
	.text_challenge = true,
	.answer = login_answer,
};
const struct evpop_method evpop_method_external = {
	.client_first = true,
	.answer = external_answer,
};
