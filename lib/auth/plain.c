/* Mechanisms that say what they have to say, and hear nothing. */
#include "lib/auth/mechanism.h"

static enum evpop_answer
unasked(struct evpop_exchange *exchange)
{
	return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
	    "the server asks on after all was said");
}

/* RFC 4616 */
static enum evpop_answer
plain(struct evpop_exchange *exchange, const char *challenge, size_t length,
    struct evpop_secret *response)
{
	(void)challenge;
	(void)length;
	if (exchange->turn > 0)
		return unasked(exchange);
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
login(struct evpop_exchange *exchange, const char *challenge, size_t length,
    struct evpop_secret *response)
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
		return unasked(exchange);
	}
}

/* RFC 4422 appendix A: the certificate speaks, this only says for whom. */
static enum evpop_answer
external(struct evpop_exchange *exchange, const char *challenge, size_t length,
    struct evpop_secret *response)
{
	(void)challenge;
	(void)length;
	if (exchange->turn > 0)
		return unasked(exchange);
	if (exchange->authorization != NULL)
		evpop_secret_add_text(response, exchange->authorization);
	exchange->proved = true;
	return EVPOP_ANSWER_LAST;
}

const struct evpop_method evpop_method_plain = {
	.password = true,
	.client_first = true,
	.answer = plain,
};
const struct evpop_method evpop_method_login = {
	.password = true,
	.text_challenge = true,
	.answer = login,
};
const struct evpop_method evpop_method_external = {
	.client_first = true,
	.answer = external,
};
