/*
 * SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS (RFC 5802, 7677), by GSASL.  The
 * password never gets there: GSASL leaves copies of it in memory that it
 * frees, so it is given the salted password, computed here.
 */
#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/base64.h"
#include "lib/auth/digest.h"
#include "lib/auth/mechanism.h"
#include "lib/base/hex.h"

/*
 * Begun with the exchange.  What the server's first message said is kept until
 * the key that it wants is there.
 */
struct scram {
	Gsasl *gsasl;
	Gsasl_session *session;
	struct evpop_secret message, salt;
	unsigned int iterations;
};

static size_t
scram_key_size(enum evpop_mechanism mechanism)
{
	return mechanism == EVPOP_MECHANISM_SCRAM_SHA_256_PLUS ||
		       mechanism == EVPOP_MECHANISM_SCRAM_SHA_256
		   ? EVPOP_SHA256_SIZE
		   : EVPOP_SHA1_SIZE;
}

static void
scram_end_session(struct scram *scram)
{
	static const Gsasl_property held[] = { GSASL_AUTHID, GSASL_AUTHZID,
		GSASL_CB_TLS_EXPORTER, GSASL_CB_TLS_UNIQUE, GSASL_SCRAM_ITER,
		GSASL_SCRAM_SALT, GSASL_SCRAM_SALTED_PASSWORD };
	const char *value;
	size_t i;

	if (scram->session == NULL)
		return;
	for (i = 0; i < sizeof held / sizeof held[0]; i++) {
		value = gsasl_property_fast(scram->session, held[i]);
		/* It is GSASL's own copy, and about to be freed unwiped. */
		if (value != NULL)
			explicit_bzero((char *)value, strlen(value));
	}
	gsasl_finish(scram->session);
	scram->session = NULL;
}

static void
scram_end(struct evpop_exchange *exchange)
{
	struct scram *scram = exchange->state;

	if (scram == NULL)
		return;
	scram_end_session(scram);
	if (scram->gsasl != NULL)
		gsasl_done(scram->gsasl);
	evpop_secret_clear(&scram->message);
	evpop_secret_clear(&scram->salt);
	free(scram);
	exchange->state = NULL;
}

/* Plain ASCII stays as it is; for the rest, RFC 4013. */
static bool
scram_prepare_password(struct evpop_exchange *exchange)
{
	const char *text = exchange->password;
	char *prepared;
	int rc;

	while (*text >= ' ' && *text <= '~')
		text++;
	if (*text == '\0')
		return true;
	rc = gsasl_saslprep(exchange->password, 0, &prepared, NULL);
	if (rc == GSASL_OK) {
		evpop_secret_forget(&exchange->password);
		exchange->password = strdup(prepared);
		explicit_bzero(prepared, strlen(prepared));
		gsasl_free(prepared);
		if (exchange->password == NULL)
			rc = GSASL_MALLOC_ERROR;
	}
	if (rc == GSASL_MALLOC_ERROR)
		(void)evpop_exchange_give_up(
		    exchange, EVPOP_ERROR_MEMORY, "no memory");
	else if (rc != GSASL_OK)
		(void)evpop_exchange_give_up(exchange, EVPOP_ERROR_USAGE,
		    "the password is not UTF-8, or holds characters that "
		    "SASLprep (RFC 4013) forbids");
	else if (*exchange->password == '\0')
		(void)evpop_exchange_give_up(exchange, EVPOP_ERROR_USAGE,
		    "nothing is left of the password after SASLprep "
		    "(RFC 4013)");
	return exchange->failure.error == EVPOP_ERROR_NONE;
}

static int
scram_give_binding(struct evpop_exchange *exchange)
{
	struct scram *scram = exchange->state;
	const bool exporter = exchange->exporter.length > 0;
	const struct evpop_secret *binding =
	    exporter ? &exchange->exporter : &exchange->unique;
	struct evpop_secret text = { .bytes = NULL };
	int rc;

	evpop_base64_encode(binding->bytes, binding->length, &text);
	rc = text.failed
		 ? GSASL_MALLOC_ERROR
		 : gsasl_property_set(scram->session,
		       exporter ? GSASL_CB_TLS_EXPORTER : GSASL_CB_TLS_UNIQUE,
		       evpop_secret_text(&text));
	evpop_secret_clear(&text);
	return rc;
}

static int
scram_begin_session(struct evpop_exchange *exchange, bool bind)
{
	struct scram *scram = exchange->state;
	int rc;

	rc = gsasl_client_start(scram->gsasl,
	    evpop_mechanism_name(exchange->mechanism), &scram->session);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(
		    scram->session, GSASL_AUTHID, exchange->user);
	if (rc == GSASL_OK && exchange->authorization != NULL)
		rc = gsasl_property_set(
		    scram->session, GSASL_AUTHZID, exchange->authorization);
	if (rc == GSASL_OK && bind)
		rc = scram_give_binding(exchange);
	return rc;
}

static int
scram_step(struct scram *scram, const char *challenge, size_t length,
    struct evpop_secret *response)
{
	char *output = NULL;
	size_t output_length = 0;
	int rc;

	rc = gsasl_step(
	    scram->session, challenge, length, &output, &output_length);
	if (output == NULL)
		return rc;
	evpop_secret_add(response, output, output_length);
	explicit_bzero(output, output_length);
	gsasl_free(output);
	return rc;
}

/*
 * Without -PLUS a binding that could have been used makes GSASL say so ("y"),
 * and the server notice that somebody struck -PLUS off its list (RFC 5802
 * section 6).  To somebody who does not allow -PLUS it is of no use.
 */
static bool
scram_may_bind(const struct evpop_exchange *exchange)
{
	const unsigned int plus =
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_SCRAM_SHA_256_PLUS) |
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_SCRAM_SHA_1_PLUS);

	if (exchange->facts->binding)
		return true;
	return (exchange->mechanisms & plus) != 0 &&
	       (exchange->exporter.length > 0 || exchange->unique.length > 0);
}

static enum evpop_answer
scram_say_first(struct evpop_exchange *exchange, struct evpop_secret *response)
{
	const bool bind = scram_may_bind(exchange);
	struct scram *scram = exchange->state;
	int rc;

	rc = scram_begin_session(exchange, bind);
	if (rc == GSASL_OK)
		rc = scram_step(scram, NULL, 0, response);
	if (rc == GSASL_AUTHENTICATION_ERROR && bind &&
	    !exchange->facts->binding) {
		/* GSASL 2.2.0 fails where it should say "y"; "n" it can. */
		scram_end_session(scram);
		evpop_secret_clear(response);
		rc = scram_begin_session(exchange, false);
		if (rc == GSASL_OK)
			rc = scram_step(scram, NULL, 0, response);
	}
	switch (rc) {
	case GSASL_NEEDS_MORE:
		return EVPOP_ANSWER_MORE;
	case GSASL_MALLOC_ERROR:
		return evpop_exchange_give_up(
		    exchange, EVPOP_ERROR_MEMORY, "no memory");
	case GSASL_SASLPREP_ERROR:
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_USAGE,
		    "the user name is not UTF-8, or holds characters that "
		    "SASLprep (RFC 4013) forbids");
	default:
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_USAGE,
		    "GSASL: %s", gsasl_strerror(rc));
	}
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

/* A posit-number (RFC 5802 section 7), which does not end; 0 for none. */
static unsigned int
scram_read_iterations(const char *digits, size_t length)
{
	unsigned int number = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return 0;
		/* Enough is known of what is too much. */
		if (number <= EVPOP_ITERATIONS_MAX)
			number = number * 10 + (unsigned int)(digits[i] - '0');
	}
	return number;
}

static enum evpop_answer
scram_take_count(
    struct evpop_exchange *exchange, const char *digits, size_t length)
{
	struct scram *scram = exchange->state;
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
	    "the server asks for '%s' iterations, which is no number from 1 "
	    "to %d",
	    shown, EVPOP_ITERATIONS_MAX);
}

/* server-first-message: "r=NONCE,s=SALT,i=COUNT" and what may follow. */
static enum evpop_answer
scram_hear_salt(struct evpop_exchange *exchange, const char *text, size_t left)
{
	struct scram *scram = exchange->state;
	const char *nonce, *encoded, *count;
	size_t nonce_length, encoded_length, count_length;
	enum evpop_base64_status status;

	evpop_secret_add(&scram->message, text, left);
	if (memchr(text, '\0', left) != NULL ||
	    !scram_take_attribute(&text, &left, 'r', &nonce, &nonce_length) ||
	    !scram_take_attribute(
		&text, &left, 's', &encoded, &encoded_length) ||
	    !scram_take_attribute(&text, &left, 'i', &count, &count_length) ||
	    nonce_length == 0)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's message is no SCRAM");
	status = evpop_base64_decode(encoded, encoded_length, &scram->salt);
	if (status == EVPOP_BASE64_BROKEN || encoded_length == 0)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's salt is missing or no base64");
	if (status == EVPOP_BASE64_NO_MEMORY || scram->message.failed)
		return evpop_exchange_give_up(
		    exchange, EVPOP_ERROR_MEMORY, "no memory");
	return scram_take_count(exchange, count, count_length);
}

static void
scram_wanted(
    const struct evpop_exchange *exchange, struct evpop_derivation *derivation)
{
	const struct scram *scram = exchange->state;

	*derivation = (struct evpop_derivation){
		.user = exchange->user,
		.password = exchange->password,
		.salt = (const unsigned char *)scram->salt.bytes,
		.salt_length = scram->salt.length,
		.iterations = scram->iterations,
		.key_size = scram_key_size(exchange->mechanism),
	};
}

static bool
scram_give_key(struct evpop_exchange *exchange, const unsigned char *key)
{
	struct scram *scram = exchange->state;
	char hex[2 * EVPOP_KEY_MAX + 1];
	int rc;

	evpop_hex_encode(key, scram_key_size(exchange->mechanism), hex);
	rc = gsasl_property_set(
	    scram->session, GSASL_SCRAM_SALTED_PASSWORD, hex);
	explicit_bzero(hex, sizeof hex);
	evpop_secret_forget(&exchange->password);
	return rc == GSASL_OK;
}

static enum evpop_answer
scram_say_proof(struct evpop_exchange *exchange, const unsigned char *key,
    struct evpop_secret *response)
{
	struct scram *scram = exchange->state;

	if (!scram_give_key(exchange, key))
		return evpop_exchange_give_up(
		    exchange, EVPOP_ERROR_MEMORY, "no memory");
	switch (scram_step(
	    scram, scram->message.bytes, scram->message.length, response)) {
	case GSASL_NEEDS_MORE:
		return EVPOP_ANSWER_MORE;
	case GSASL_MALLOC_ERROR:
		return evpop_exchange_give_up(
		    exchange, EVPOP_ERROR_MEMORY, "no memory");
	case GSASL_AUTHENTICATION_ERROR:
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's nonce does not begin with ours");
	default:
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's message is no SCRAM");
	}
}

/* server-final-message: "v=SIGNATURE" or "e=REASON". */
static enum evpop_answer
scram_hear_signature(struct evpop_exchange *exchange, const char *challenge,
    size_t length, struct evpop_secret *response)
{
	struct scram *scram = exchange->state;
	char reason[EVPOP_TEXT_SIZE];
	enum evpop_answer answer;
	int rc;

	if (length >= 2 && memcmp(challenge, "e=", 2) == 0) {
		evpop_printable(
		    reason, sizeof reason, challenge + 2, length - 2);
		answer = evpop_exchange_give_up(
		    exchange, EVPOP_ERROR_AUTH, "the server says: %s", reason);
		exchange->failure.scope = EVPOP_SCOPE_ACCOUNT;
		return answer;
	}
	rc = scram_step(scram, challenge, length, response);
	scram_end_session(scram);
	if (rc != GSASL_OK) {
		evpop_exchange_unproved(
		    exchange, "it is wrong", &exchange->failure);
		return EVPOP_ANSWER_GIVE_UP;
	}
	exchange->proved = true;
	return EVPOP_ANSWER_LAST;
}

static enum evpop_answer
scram_answer(struct evpop_exchange *exchange, const char *challenge,
    size_t length, struct evpop_secret *response)
{
	switch (exchange->turn) {
	case 0:
		return scram_say_first(exchange, response);
	case 1:
		return scram_hear_salt(exchange, challenge, length);
	case 2:
		return scram_hear_signature(
		    exchange, challenge, length, response);
	default:
		return evpop_exchange_asked_on(exchange);
	}
}

static bool
scram_begin(struct evpop_exchange *exchange)
{
	struct scram *scram;

	if (!scram_prepare_password(exchange))
		return false;
	exchange->state = scram = calloc(1, sizeof *scram);
	if (scram != NULL && gsasl_init(&scram->gsasl) == GSASL_OK)
		return true;
	if (scram != NULL)
		scram->gsasl = NULL;
	(void)evpop_exchange_give_up(exchange, EVPOP_ERROR_MEMORY, "no memory");
	return false;
}

const struct evpop_method evpop_method_scram = {
	.client_first = true,
	.begin = scram_begin,
	.answer = scram_answer,
	.wanted = scram_wanted,
	.take_key = scram_say_proof,
	.end = scram_end,
};
