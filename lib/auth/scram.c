/*
 * SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS: RFC 5802, RFC 7677.  The names
 * of messages and keys are those of RFC 5802 section 3.
 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/base64.h"
#include "lib/auth/digest.h"
#include "lib/auth/method.h"

/* 24 characters in base64: two clients never choose the same. */
#define NONCE_OCTETS 18

struct scram {
	size_t hash_size;
	struct evpop_secret nonce; /* the client's, in base64 */
	struct evpop_secret bare;  /* client-first-message-bare */
	struct evpop_secret bound; /* gs2-header, and what is bound to */
	struct evpop_secret server_first;
	struct evpop_secret server_nonce; /* begins with the client's */
	struct evpop_secret salt;
	unsigned int iterations;
	unsigned char server_signature[EVPOP_SHA256_SIZE];
};

static void
scram_end(void *state)
{
	struct scram *scram = state;

	evpop_secret_clear(&scram->nonce);
	evpop_secret_clear(&scram->bare);
	evpop_secret_clear(&scram->bound);
	evpop_secret_clear(&scram->server_first);
	evpop_secret_clear(&scram->server_nonce);
	evpop_secret_clear(&scram->salt);
}

/* Replace a text by what SASLprep makes of it, or give up. */
static bool
scram_prepare(struct evpop_exchange *exchange, const char *name, char **text)
{
	const char *at = *text;

	/* Plain ASCII stays as it is. */
	while (*at >= ' ' && *at <= '~')
		at++;
	if (*at == '\0')
		return true;
	switch (evpop_secret_saslprep(text)) {
	case EVPOP_SASLPREP_DONE:
		return true;
	case EVPOP_SASLPREP_FORBIDDEN:
		(void)evpop_exchange_give_up(exchange, EVPOP_ERROR_USAGE,
		    "the %s is not UTF-8, or holds characters that SASLprep "
		    "(RFC 4013) forbids",
		    name);
		break;
	case EVPOP_SASLPREP_EMPTY:
		(void)evpop_exchange_give_up(exchange, EVPOP_ERROR_USAGE,
		    "nothing is left of the %s after SASLprep (RFC 4013)",
		    name);
		break;
	case EVPOP_SASLPREP_NO_MEMORY:
		(void)evpop_exchange_no_memory(exchange);
		break;
	}
	return false;
}

static bool
scram_make_nonce(struct scram *scram)
{
	unsigned char octets[NONCE_OCTETS];

	if (RAND_bytes(octets, sizeof octets) != 1) {
		ERR_clear_error();
		return false;
	}
	evpop_base64_encode(octets, sizeof octets, &scram->nonce);
	return true;
}

static bool
scram_is_plus(const struct evpop_identity *who)
{
	return (EVPOP_MECHANISM_BIT(who->mechanism) & EVPOP_MECHANISMS_BOUND) !=
	       0;
}

static bool
scram_begin(
    void *state, struct evpop_exchange *exchange, struct evpop_identity *who)
{
	struct scram *scram = state;

	if (!scram_prepare(exchange, "user name", &who->user) ||
	    !scram_prepare(exchange, "password", &who->password))
		return false;
	scram->hash_size =
	    who->mechanism == EVPOP_MECHANISM_SCRAM_SHA_256_PLUS ||
		    who->mechanism == EVPOP_MECHANISM_SCRAM_SHA_256
		? EVPOP_SHA256_SIZE
		: EVPOP_SHA1_SIZE;
	if (scram_make_nonce(scram))
		return true;
	(void)evpop_exchange_no_memory(exchange);
	return false;
}

/*
 * gs2-header.  "y" says that the client could bind to the channel, and that the
 * server did not offer it: one that did offer it notices that somebody struck
 * -PLUS off its list (RFC 5802 section 6).  Who does not allow -PLUS has no use
 * for it.
 */
static void
scram_add_header(const struct evpop_identity *who, struct evpop_secret *header)
{
	const char *flag = "n,";

	if (scram_is_plus(who))
		flag = who->exporter.length > 0 ? "p=tls-exporter,"
						: "p=tls-unique,";
	else if (who->is_binding_allowed &&
		 (who->exporter.length > 0 || who->unique.length > 0))
		flag = "y,";
	evpop_secret_add_text(header, flag);
	if (who->authorization != NULL) {
		evpop_secret_add_text(header, "a=");
		evpop_secret_add_name(header, who->authorization);
	}
	evpop_secret_add_text(header, ",");
}

static enum evpop_answer
scram_say_first(struct scram *scram, const struct evpop_identity *who,
    struct evpop_secret *response)
{
	evpop_secret_add_text(&scram->bare, "n=");
	evpop_secret_add_name(&scram->bare, who->user);
	evpop_secret_add_text(&scram->bare, ",r=");
	evpop_secret_add_secret(&scram->bare, &scram->nonce);
	scram_add_header(who, &scram->bound);
	evpop_secret_add_secret(response, &scram->bound);
	evpop_secret_add_secret(response, &scram->bare);
	if (scram_is_plus(who))
		evpop_secret_add_secret(&scram->bound,
		    who->exporter.length > 0 ? &who->exporter : &who->unique);
	return EVPOP_ANSWER_MORE;
}

/* Take "x=value" and the comma behind it off the front. */
static bool
scram_take_attribute(const char **text, size_t *left, char name,
    const char **value_r, size_t *length_r)
{
	const char *comma;
	size_t length;

	if (*left < 2 || (*text)[0] != name || (*text)[1] != '=')
		return false;
	comma = memchr(*text, ',', *left);
	length = comma == NULL ? *left : (size_t)(comma - *text);
	*value_r = *text + 2;
	*length_r = length - 2;
	if (comma != NULL)
		length++;
	*text += length;
	*left -= length;
	return true;
}

/* A posit-number (RFC 5802 section 7), which has no bound; 0 for none. */
static unsigned int
scram_read_iterations(const char *digits, size_t length)
{
	unsigned int number = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return 0;
		/* Beyond the limit the value no longer matters. */
		if (number <= EVPOP_ITERATIONS_MAX)
			number = number * 10 + (unsigned int)(digits[i] - '0');
	}
	return number;
}

static enum evpop_answer
scram_take_count(struct scram *scram, struct evpop_exchange *exchange,
    const char *digits, size_t length)
{
	char shown[32];

	scram->iterations = scram_read_iterations(digits, length);
	if (scram->iterations > 0 && scram->iterations <= EVPOP_ITERATIONS_MAX)
		return EVPOP_ANSWER_WANTS_KEY;
	evpop_printable(shown, sizeof shown, digits, length);
	if (scram->iterations > 0)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_LIMIT,
		    "the server asks for %s iterations; more than %d are "
		    "refused, since they would be an attack on this machine",
		    shown, EVPOP_ITERATIONS_MAX);
	return evpop_exchange_give_up(exchange, EVPOP_ERROR_LIMIT,
	    "the server asks for '%s' iterations, which is not a number from 1 "
	    "to %d",
	    shown, EVPOP_ITERATIONS_MAX);
}

/* server-first-message: "r=NONCE,s=SALT,i=COUNT" and what may follow. */
static enum evpop_answer
scram_take_first(struct scram *scram, struct evpop_exchange *exchange,
    const char *text, size_t left)
{
	const char *nonce, *salt, *count;
	size_t nonce_length, salt_length, count_length;
	enum evpop_base64_status status;

	evpop_secret_add(&scram->server_first, text, left);
	if (memchr(text, '\0', left) != NULL ||
	    !scram_take_attribute(&text, &left, 'r', &nonce, &nonce_length) ||
	    !scram_take_attribute(&text, &left, 's', &salt, &salt_length) ||
	    !scram_take_attribute(&text, &left, 'i', &count, &count_length))
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's message is not SCRAM");
	/* A nonce without the server's part could be one used before. */
	if (nonce_length <= scram->nonce.length ||
	    memcmp(nonce, scram->nonce.bytes, scram->nonce.length) != 0)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's nonce does not begin with ours");
	evpop_secret_add(&scram->server_nonce, nonce, nonce_length);
	status = evpop_base64_decode(salt, salt_length, &scram->salt);
	if (status == EVPOP_BASE64_BROKEN || salt_length == 0)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's salt is missing or not base64");
	if (status == EVPOP_BASE64_NO_MEMORY)
		return evpop_exchange_no_memory(exchange);
	return scram_take_count(scram, exchange, count, count_length);
}

static void
scram_wanted(const void *state, const struct evpop_identity *who,
    struct evpop_derivation *derivation)
{
	const struct scram *scram = state;

	*derivation = (struct evpop_derivation){
		.user = who->user,
		.password = who->password,
		.salt = (const unsigned char *)scram->salt.bytes,
		.salt_length = scram->salt.length,
		.iterations = scram->iterations,
		.key_size = scram->hash_size,
	};
}

/* ClientProof, and the ServerSignature that is to come, from SaltedPassword. */
static bool
scram_sign(struct scram *scram, const unsigned char *salted,
    const struct evpop_secret *auth_message, unsigned char *proof_r)
{
	const size_t size = scram->hash_size;
	unsigned char client_key[EVPOP_SHA256_SIZE];
	unsigned char stored_key[EVPOP_SHA256_SIZE];
	unsigned char server_key[EVPOP_SHA256_SIZE];
	size_t i;
	bool ok;

	ok = evpop_hmac(size, salted, size, "Client Key", 10, client_key) &&
	     evpop_hmac(size, salted, size, "Server Key", 10, server_key) &&
	     evpop_digest(size, client_key, size, stored_key) &&
	     evpop_hmac(size, stored_key, size, auth_message->bytes,
		 auth_message->length, proof_r) &&
	     evpop_hmac(size, server_key, size, auth_message->bytes,
		 auth_message->length, scram->server_signature);
	for (i = 0; ok && i < size; i++)
		proof_r[i] ^= client_key[i];
	explicit_bzero(client_key, sizeof client_key);
	explicit_bzero(stored_key, sizeof stored_key);
	explicit_bzero(server_key, sizeof server_key);
	return ok;
}

/* client-final-message; its end, the proof, is no part of what is signed. */
static enum evpop_answer
scram_say_proof(void *state, struct evpop_exchange *exchange,
    const unsigned char *key, struct evpop_secret *response)
{
	struct scram *scram = state;
	struct evpop_secret auth_message = { .bytes = NULL };
	unsigned char proof[EVPOP_SHA256_SIZE];
	bool ok;

	evpop_secret_add_text(response, "c=");
	evpop_base64_encode(scram->bound.bytes, scram->bound.length, response);
	evpop_secret_add_text(response, ",r=");
	evpop_secret_add_secret(response, &scram->server_nonce);
	evpop_secret_add_secret(&auth_message, &scram->bare);
	evpop_secret_add_text(&auth_message, ",");
	evpop_secret_add_secret(&auth_message, &scram->server_first);
	evpop_secret_add_text(&auth_message, ",");
	evpop_secret_add_secret(&auth_message, response);
	ok = !auth_message.failed && !scram->bound.failed &&
	     scram_sign(scram, key, &auth_message, proof);
	evpop_secret_clear(&auth_message);
	if (!ok)
		return evpop_exchange_no_memory(exchange);
	evpop_secret_add_text(response, ",p=");
	evpop_base64_encode(proof, scram->hash_size, response);
	explicit_bzero(proof, sizeof proof);
	return EVPOP_ANSWER_MORE;
}

/* "v=SIGNATURE", and what may follow it. */
static bool
scram_is_signed(const struct scram *scram, const char *text, size_t left)
{
	struct evpop_secret signature = { .bytes = NULL };
	const char *value;
	size_t length;
	bool is_signed;

	is_signed =
	    scram_take_attribute(&text, &left, 'v', &value, &length) &&
	    evpop_base64_decode(value, length, &signature) == EVPOP_BASE64_OK &&
	    signature.length == scram->hash_size &&
	    CRYPTO_memcmp(signature.bytes, scram->server_signature,
		scram->hash_size) == 0;
	evpop_secret_clear(&signature);
	return is_signed;
}

/* server-final-message: "v=SIGNATURE" or "e=REASON". */
static enum evpop_answer
scram_take_final(const struct scram *scram, struct evpop_exchange *exchange,
    const char *text, size_t length)
{
	char reason[EVPOP_TEXT_SIZE];

	if (length >= 2 && memcmp(text, "e=", 2) == 0) {
		evpop_printable(reason, sizeof reason, text + 2, length - 2);
		return evpop_exchange_refused(exchange, reason);
	}
	return scram_is_signed(scram, text, length)
		   ? EVPOP_ANSWER_LAST
		   : evpop_exchange_unproved(exchange, "it is wrong");
}

static enum evpop_answer
scram_answer(void *state, struct evpop_exchange *exchange,
    const struct evpop_identity *who, const struct evpop_challenge *challenge,
    struct evpop_secret *response)
{
	switch (challenge->turn) {
	case 0:
		return scram_say_first(state, who, response);
	case 1:
		return scram_take_first(
		    state, exchange, challenge->text, challenge->length);
	default:
		return scram_take_final(
		    state, exchange, challenge->text, challenge->length);
	}
}

const struct evpop_method evpop_method_scram = {
	.client_first = true,
	.is_mutual = true,
	.state_size = sizeof(struct scram),
	.begin = scram_begin,
	.answer = scram_answer,
	.wanted = scram_wanted,
	.take_key = scram_say_proof,
	.end = scram_end,
};
