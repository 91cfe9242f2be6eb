/* CRAM-MD5: RFC 2195. */
#include <string.h>

#include "lib/auth/digest.h"
#include "lib/auth/method.h"
#include "lib/base/hex.h"

static bool
cram_digest(const struct evpop_identity *who, const char *challenge,
    size_t length, unsigned char digest_r[EVPOP_MD5_SIZE])
{
	return evpop_hmac(EVPOP_MD5_SIZE, who->password, strlen(who->password),
	    challenge, length, digest_r);
}

static enum evpop_answer
cram_answer(void *state, struct evpop_exchange *exchange,
    const struct evpop_identity *who, const struct evpop_challenge *challenge,
    struct evpop_secret *response)
{
	unsigned char digest[EVPOP_MD5_SIZE];
	char hex[2 * EVPOP_MD5_SIZE + 1];

	(void)state;
	if (challenge->turn > 0)
		return evpop_exchange_asked_on(exchange);
	if (challenge->length == 0)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's challenge is empty");
	if (!cram_digest(who, challenge->text, challenge->length, digest))
		return evpop_exchange_no_memory(exchange);
	evpop_hex_encode(digest, sizeof digest, hex);
	evpop_secret_add_text(response, who->user);
	evpop_secret_add_text(response, " ");
	evpop_secret_add_text(response, hex);
	explicit_bzero(digest, sizeof digest);
	explicit_bzero(hex, sizeof hex);
	return EVPOP_ANSWER_LAST;
}

/* A machine's policy may forbid MD5: say so before the server is asked. */
static bool
cram_begin(
    void *state, struct evpop_exchange *exchange, struct evpop_identity *who)
{
	unsigned char digest[EVPOP_MD5_SIZE];

	(void)state;
	if (!cram_digest(who, "", 0, digest)) {
		(void)evpop_exchange_give_up(exchange, EVPOP_ERROR_USAGE,
		    "MD5 is not available on this machine");
		return false;
	}
	explicit_bzero(digest, sizeof digest);
	return true;
}

const struct evpop_method evpop_method_cram_md5 = {
	.begin = cram_begin,
	.answer = cram_answer,
};
