/*
 * Challenges of a server given to every mechanism.  The first octet of the
 * input says how; the rest are challenges, one a line.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/base64.h"
#include "lib/auth/exchange.h"
#include "tests/fuzz/target.h"

#define SKIP_INITIAL 1 /* the initial response waits for a challenge */
#define PLAIN        2 /* the challenges are to be encoded */

/* In plain challenges, what stands for the client's nonce. */
#define NONCE '\x02'

/* More turns than any mechanism has. */
#define TURNS_MAX 8

static const struct evpop_credentials credentials = {
	.user = "user",
	.password = "pencil",
	.token = "token",
};
static const struct evpop_exchange_target target = {
	.host = "host",
	.port = 995,
	.channel = { .tls = true,
	    .exporter = (const unsigned char *)"binding",
	    .exporter_length = 7 },
	.client_certificate = true,
};

/* The nonce at the end of the first message of SCRAM. */
static void
find_nonce(const char *initial, struct evpop_secret *nonce)
{
	struct evpop_secret message = { .bytes = NULL };
	const char *found;

	if (initial == NULL || strcmp(initial, "=") == 0)
		return;
	assert(evpop_base64_decode(initial, strlen(initial), &message) ==
	       EVPOP_BASE64_OK);
	found = strstr(evpop_secret_text(&message), ",r=");
	if (found != NULL)
		evpop_secret_add_text(nonce, found + 3);
	evpop_secret_clear(&message);
}

static void
encode(const uint8_t *line, size_t length, const struct evpop_secret *nonce,
    struct evpop_secret *challenge)
{
	struct evpop_secret plain = { .bytes = NULL };
	size_t i;

	for (i = 0; i < length; i++)
		if (line[i] == NONCE)
			evpop_secret_add_text(&plain, evpop_secret_text(nonce));
		else
			evpop_secret_add(&plain, &line[i], 1);
	evpop_base64_encode(plain.bytes, plain.length, challenge);
	assert(!plain.failed && !challenge->failed);
	evpop_secret_clear(&plain);
}

/* A response is "*" or base64, and "*" is the end. */
static bool
check_response(
    const struct evpop_exchange *exchange, const char *response, bool final)
{
	struct evpop_secret message = { .bytes = NULL };
	struct evpop_result result;

	assert(response != NULL);
	if (strcmp(response, "*") == 0) {
		assert(final);
		assert(!evpop_exchange_verified(exchange, &result));
		assert(evpop_exchange_refusal(exchange)[0] != '\0');
		return false;
	}
	assert(evpop_base64_decode(response, strlen(response), &message) ==
	       EVPOP_BASE64_OK);
	evpop_secret_clear(&message);
	return true;
}

/* A step; where a key is wanted any will do, for no server checks the proof. */
static const char *
step(struct evpop_exchange *exchange, const struct evpop_secret *challenge,
    bool *final)
{
	static const unsigned char key[EVPOP_KEY_MAX];
	struct evpop_derivation derivation;
	const char *response = evpop_exchange_step(exchange,
	    (const unsigned char *)evpop_secret_text(challenge),
	    challenge->length, final);

	if (response != NULL)
		return response;
	assert(evpop_exchange_wants_key(exchange, &derivation));
	assert(derivation.iterations > 0 &&
	       derivation.iterations <= EVPOP_ITERATIONS_MAX);
	assert(derivation.salt_length > 0);
	assert(strlen(derivation.password) > 0);
	return evpop_exchange_take_key(exchange, key, final);
}

static void
play(enum evpop_mechanism mechanism, uint8_t how, const uint8_t *data,
    size_t size)
{
	struct evpop_secret nonce = { .bytes = NULL };
	struct evpop_secret challenge = { .bytes = NULL };
	struct evpop_exchange *exchange;
	struct evpop_result result;
	const uint8_t *end;
	const char *response;
	size_t length;
	bool final, going = true;
	int turn;

	exchange =
	    evpop_exchange_new(mechanism, &credentials, &target, &result);
	assert(exchange != NULL);
	find_nonce(evpop_exchange_initial(exchange, &final), &nonce);
	if (how & SKIP_INITIAL)
		evpop_exchange_skip_initial(exchange);
	for (turn = 0; turn < TURNS_MAX; turn++) {
		end = size == 0 ? NULL : memchr(data, '\n', size);
		length = end == NULL ? size : (size_t)(end - data);
		if (how & PLAIN)
			encode(data, length, &nonce, &challenge);
		else
			evpop_secret_add(&challenge, data, length);
		response = step(exchange, &challenge, &final);
		evpop_secret_clear(&challenge);
		/* Given up once, given up for good. */
		assert(going || strcmp(response, "*") == 0);
		going = check_response(exchange, response, final);
		if (end == NULL)
			break;
		data += length + 1;
		size -= length + 1;
	}
	if (evpop_exchange_verified(exchange, &result))
		assert(going);
	evpop_secret_clear(&nonce);
	evpop_exchange_free(exchange);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int i;

	if (size == 0)
		return 0;
	for (i = 0; i < EVPOP_MECHANISM_COUNT; i++)
		if (i != EVPOP_MECHANISM_APOP && i != EVPOP_MECHANISM_USER)
			play((enum evpop_mechanism)i, data[0], data + 1,
			    size - 1);
	return 0;
}
