/* CRAM-MD5: RFC 2195. */
#include <string.h>

#include "lib/auth/digest.h"
#include "lib/auth/mechanism.h"
#include "lib/base/hex.h"

static bool
cram_digest(const struct evpop_exchange *exchange, const char *challenge,
    size_t length, unsigned char digest_r[EVPOP_MD5_SIZE])
{
	return evpop_hmac(EVPOP_MD5_SIZE, exchange->password,
	    strlen(exchange->password), challenge, length, digest_r);
}

static enum evpop_answer
cram_answer(struct evpop_exchange *exchange, const char *challenge,
    size_t length, struct evpop_secret *response)
{
	unsigned char digest[EVPOP_MD5_SIZE];
	char hex[2 * EVPOP_MD5_SIZE + 1];

	if (exchange->turn > 0)
		return evpop_exchange_asked_on(exchange);
	if (length == 0)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's challenge is empty");
	if (!cram_digest(exchange, challenge, length, digest))
		return evpop_exchange_give_up(
		    exchange, EVPOP_ERROR_MEMORY, "no memory");
	evpop_hex_encode(digest, sizeof digest, hex);
	evpop_secret_add_text(response, exchange->user);
	evpop_secret_add_text(response, " ");
	evpop_secret_add_text(response, hex);
	explicit_bzero(digest, sizeof digest);
	explicit_bzero(hex, sizeof hex);
	exchange->proved = true;
	return EVPOP_ANSWER_LAST;
}

/* A machine's policy may forbid MD5: say so before the server is asked. */
static bool
cram_begin(struct evpop_exchange *exchange)
{
	unsigned char digest[EVPOP_MD5_SIZE];

	if (!cram_digest(exchange, "", 0, digest)) {
		(void)evpop_exchange_give_up(exchange, EVPOP_ERROR_USAGE,
		    "MD5 is not to be had on this machine");
		return false;
	}
	explicit_bzero(digest, sizeof digest);
	return true;
}

const struct evpop_method evpop_method_cram_md5 = {
	.begin = cram_begin,
	.answer = cram_answer,
};
