/*
 * SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS (RFC 5802, 7677), by GSASL.  The
 * password never gets there: GSASL leaves copies of it in memory that it
 * frees, so it is given the salted password, computed here.
 */
#include <gsasl.h>
#include <string.h>

#include "lib/auth/base64.h"
#include "lib/auth/digest.h"
#include "lib/auth/mechanism.h"

/*
 * The loop stands still while a password is salted; more than the most that is
 * recommended anywhere (600,000) is an attack.
 */
#define ITERATIONS_MAX 1000000

static bool
is_plus(enum evpop_mechanism mechanism)
{
	return mechanism == EVPOP_MECHANISM_SCRAM_SHA_256_PLUS ||
	       mechanism == EVPOP_MECHANISM_SCRAM_SHA_1_PLUS;
}

static size_t
key_size(enum evpop_mechanism mechanism)
{
	return mechanism == EVPOP_MECHANISM_SCRAM_SHA_256_PLUS ||
		       mechanism == EVPOP_MECHANISM_SCRAM_SHA_256
		   ? EVPOP_SHA256_SIZE
		   : EVPOP_SHA1_SIZE;
}

static void
end_session(struct evpop_exchange *exchange)
{
	static const Gsasl_property held[] = { GSASL_AUTHID, GSASL_AUTHZID,
		GSASL_CB_TLS_EXPORTER, GSASL_CB_TLS_UNIQUE, GSASL_SCRAM_ITER,
		GSASL_SCRAM_SALT, GSASL_SCRAM_SALTED_PASSWORD };
	const char *value;
	size_t i;

	if (exchange->session == NULL)
		return;
	for (i = 0; i < sizeof held / sizeof held[0]; i++) {
		value = gsasl_property_fast(exchange->session, held[i]);
		/* It is GSASL's own copy, and about to be freed unwiped. */
		if (value != NULL)
			explicit_bzero((char *)value, strlen(value));
	}
	gsasl_finish(exchange->session);
	exchange->session = NULL;
}

static void
scram_end(struct evpop_exchange *exchange)
{
	end_session(exchange);
	if (exchange->gsasl != NULL)
		gsasl_done(exchange->gsasl);
	exchange->gsasl = NULL;
}

/* Plain ASCII stays as it is; for the rest, RFC 4013. */
static bool
prepare_password(struct evpop_exchange *exchange, struct evpop_result *result)
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
	} else if (rc != GSASL_MALLOC_ERROR) {
		evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_LOGIN,
		    "%s: the password is not UTF-8, or holds characters that "
		    "SASLprep (RFC 4013) forbids",
		    evpop_mechanism_name(exchange->mechanism));
		return false;
	}
	if (rc == GSASL_MALLOC_ERROR || exchange->password == NULL) {
		evpop_result_set(
		    result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_LOGIN, "no memory");
		return false;
	}
	if (*exchange->password == '\0') {
		evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_LOGIN,
		    "%s: nothing is left of the password after SASLprep "
		    "(RFC 4013)",
		    evpop_mechanism_name(exchange->mechanism));
		return false;
	}
	return true;
}

static int
give_binding(struct evpop_exchange *exchange)
{
	const bool exporter = exchange->exporter.length > 0;
	const struct evpop_secret *binding =
	    exporter ? &exchange->exporter : &exchange->unique;
	struct evpop_secret text = { .bytes = NULL };
	int rc;

	evpop_base64_encode(binding->bytes, binding->length, &text);
	rc = text.failed
		 ? GSASL_MALLOC_ERROR
		 : gsasl_property_set(exchange->session,
		       exporter ? GSASL_CB_TLS_EXPORTER : GSASL_CB_TLS_UNIQUE,
		       evpop_secret_text(&text));
	evpop_secret_clear(&text);
	return rc;
}

static int
begin_session(struct evpop_exchange *exchange, bool bind)
{
	int rc;

	rc = gsasl_client_start(exchange->gsasl,
	    evpop_mechanism_name(exchange->mechanism), &exchange->session);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(
		    exchange->session, GSASL_AUTHID, exchange->user);
	if (rc == GSASL_OK && exchange->authorization != NULL)
		rc = gsasl_property_set(
		    exchange->session, GSASL_AUTHZID, exchange->authorization);
	if (rc == GSASL_OK && bind)
		rc = give_binding(exchange);
	return rc;
}

static int
step(struct evpop_exchange *exchange, const char *challenge, size_t length,
    struct evpop_secret *response)
{
	char *output = NULL;
	size_t output_length = 0;
	int rc;

	rc = gsasl_step(
	    exchange->session, challenge, length, &output, &output_length);
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
may_bind(const struct evpop_exchange *exchange)
{
	const unsigned int plus =
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_SCRAM_SHA_256_PLUS) |
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_SCRAM_SHA_1_PLUS);

	if (is_plus(exchange->mechanism))
		return true;
	return (exchange->mechanisms & plus) != 0 &&
	       (exchange->exporter.length > 0 || exchange->unique.length > 0);
}

static enum evpop_answer
say_first(struct evpop_exchange *exchange, struct evpop_secret *response)
{
	const bool bind = may_bind(exchange);
	int rc;

	rc = begin_session(exchange, bind);
	if (rc == GSASL_OK)
		rc = step(exchange, NULL, 0, response);
	if (rc == GSASL_AUTHENTICATION_ERROR && bind &&
	    !is_plus(exchange->mechanism)) {
		/* GSASL 2.2.0 fails where it should say "y"; "n" it can. */
		end_session(exchange);
		evpop_secret_clear(response);
		rc = begin_session(exchange, false);
		if (rc == GSASL_OK)
			rc = step(exchange, NULL, 0, response);
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
take_attribute(const char **text, size_t *left, char name, const char **value_r,
    size_t *length_r)
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

/* 0 for what is no number or out of bounds. */
static unsigned int
read_iterations(const char *digits, size_t length)
{
	unsigned int number = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return 0;
		number = number * 10 + (unsigned int)(digits[i] - '0');
		if (number > ITERATIONS_MAX)
			return 0;
	}
	return number;
}

static bool
give_salted_password(struct evpop_exchange *exchange, const char *salt,
    size_t salt_length, unsigned int iterations)
{
	const size_t size = key_size(exchange->mechanism);
	unsigned char key[EVPOP_SHA256_SIZE];
	char hex[2 * EVPOP_SHA256_SIZE + 1];
	bool ok = false;

	if (evpop_digest_pbkdf2(
		exchange->password, salt, salt_length, iterations, key, size)) {
		evpop_digest_hex(key, size, hex);
		ok = gsasl_property_set(exchange->session,
			 GSASL_SCRAM_SALTED_PASSWORD, hex) == GSASL_OK;
		explicit_bzero(hex, sizeof hex);
	}
	explicit_bzero(key, sizeof key);
	evpop_secret_forget(&exchange->password);
	return ok;
}

/* server-first-message: "r=NONCE,s=SALT,i=COUNT" and what may follow. */
static enum evpop_answer
salt_password(struct evpop_exchange *exchange, const char *text, size_t left)
{
	struct evpop_secret salt = { .bytes = NULL };
	const char *nonce, *encoded, *count;
	size_t nonce_length, encoded_length, count_length;
	enum evpop_base64_status status;
	unsigned int iterations;
	bool ok;

	if (memchr(text, '\0', left) != NULL ||
	    !take_attribute(&text, &left, 'r', &nonce, &nonce_length) ||
	    !take_attribute(&text, &left, 's', &encoded, &encoded_length) ||
	    !take_attribute(&text, &left, 'i', &count, &count_length) ||
	    nonce_length == 0)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's message is no SCRAM");
	iterations = read_iterations(count, count_length);
	if (iterations == 0)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_LIMIT,
		    "the server's iteration count is not between 1 and %d",
		    ITERATIONS_MAX);
	status = evpop_base64_decode(encoded, encoded_length, &salt);
	if (status == EVPOP_BASE64_BROKEN || encoded_length == 0)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's salt is missing or no base64");
	ok =
	    status == EVPOP_BASE64_OK &&
	    give_salted_password(exchange, salt.bytes, salt.length, iterations);
	evpop_secret_clear(&salt);
	if (!ok)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_MEMORY,
		    "the password could not be salted");
	return EVPOP_ANSWER_MORE;
}

static enum evpop_answer
say_proof(struct evpop_exchange *exchange, const char *challenge, size_t length,
    struct evpop_secret *response)
{
	if (salt_password(exchange, challenge, length) == EVPOP_ANSWER_GIVE_UP)
		return EVPOP_ANSWER_GIVE_UP;
	switch (step(exchange, challenge, length, response)) {
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
hear_signature(struct evpop_exchange *exchange, const char *challenge,
    size_t length, struct evpop_secret *response)
{
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
	rc = step(exchange, challenge, length, response);
	end_session(exchange);
	if (rc != GSASL_OK) {
		evpop_exchange_unproved(
		    exchange, "it is wrong", &exchange->failure);
		return EVPOP_ANSWER_GIVE_UP;
	}
	exchange->proved = true;
	return EVPOP_ANSWER_LAST;
}

static enum evpop_answer
scram(struct evpop_exchange *exchange, const char *challenge, size_t length,
    struct evpop_secret *response)
{
	switch (exchange->turn) {
	case 0:
		return say_first(exchange, response);
	case 1:
		return say_proof(exchange, challenge, length, response);
	case 2:
		return hear_signature(exchange, challenge, length, response);
	default:
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server asks on after all was said");
	}
}

static bool
scram_begin(struct evpop_exchange *exchange, struct evpop_result *result)
{
	if (!prepare_password(exchange, result))
		return false;
	if (gsasl_init(&exchange->gsasl) != GSASL_OK) {
		exchange->gsasl = NULL;
		evpop_result_set(
		    result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_LOGIN, "no memory");
		return false;
	}
	return true;
}

const struct evpop_method evpop_method_scram = {
	.password = true,
	.client_first = true,
	.begin = scram_begin,
	.answer = scram,
	.end = scram_end,
};
