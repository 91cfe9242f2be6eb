#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/base64.h"
#include "lib/auth/method.h"
#include "lib/base/guarded.h"

/*
 * SCRAM's longest message is a few hundred octets, and so is a refusal of
 * OAuth; this leaves them room and no server more.
 */
#define CHALLENGE_MAX         8192
#define CHALLENGE_ENCODED_MAX ((CHALLENGE_MAX + 2) / 3 * 4)

/* The whole of a response that ends an exchange (RFC 5034 section 4). */
#define CANCEL "*"

struct evpop_exchange {
	const char *name; /* of the mechanism */
	const struct evpop_method *method;
	void *state;                    /* the mechanism's own, or NULL */
	struct evpop_identity identity; /* secrets go as early as may be */

	unsigned int turn; /* how many responses were made */
	bool initial_held; /* it waits for the first challenge */
	bool initial_final;
	bool wants_key;
	bool proved; /* all that the mechanism demands has happened */
	struct evpop_secret line; /* the response in base64 */

	struct evpop_result failure; /* why it was given up */
	char refusal[EVPOP_TEXT_SIZE];
	bool token_expired;
};

/* ---- what a mechanism asks of it ---- */

enum evpop_answer
evpop_exchange_give_up(struct evpop_exchange *exchange, enum evpop_error error,
    const char *format, ...)
{
	char text[EVPOP_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	evpop_result_set(&exchange->failure, error, EVPOP_PHASE_LOGIN, "%s: %s",
	    exchange->name, text);
	return EVPOP_ANSWER_GIVE_UP;
}

enum evpop_answer
evpop_exchange_no_memory(struct evpop_exchange *exchange)
{
	return evpop_exchange_give_up(
	    exchange, EVPOP_ERROR_MEMORY, "no memory");
}

enum evpop_answer
evpop_exchange_asked_on(struct evpop_exchange *exchange)
{
	return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
	    "the server sends a challenge after the last response");
}

enum evpop_answer
evpop_exchange_refused(struct evpop_exchange *exchange, const char *reason)
{
	(void)evpop_exchange_give_up(
	    exchange, EVPOP_ERROR_AUTH, "the server says: %s", reason);
	exchange->failure.scope = EVPOP_SCOPE_ACCOUNT;
	return EVPOP_ANSWER_GIVE_UP;
}

static void
exchange_set_unproved(const struct evpop_exchange *exchange, const char *reason,
    struct evpop_result *result)
{
	evpop_result_set(result, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN,
	    "%s: the server did not prove by its signature that it knows the "
	    "password: %s",
	    exchange->name, reason);
	result->scope = EVPOP_SCOPE_ACCOUNT;
	result->retry = false;
}

enum evpop_answer
evpop_exchange_unproved(struct evpop_exchange *exchange, const char *reason)
{
	exchange_set_unproved(exchange, reason, &exchange->failure);
	return EVPOP_ANSWER_GIVE_UP;
}

void
evpop_exchange_note_refusal(
    struct evpop_exchange *exchange, const char *words, bool is_expired)
{
	snprintf(exchange->refusal, sizeof exchange->refusal, "%s", words);
	exchange->token_expired = is_expired;
}

/* ---- answers ---- */

static void
exchange_forget_secrets(struct evpop_exchange *exchange)
{
	evpop_secret_forget(&exchange->identity.password);
	evpop_secret_forget(&exchange->identity.token);
	if (exchange->state == NULL)
		return;
	if (exchange->method->end != NULL)
		exchange->method->end(exchange->state);
	evpop_guarded_free(exchange->state);
	exchange->state = NULL;
}

/* The mechanism has answered: put its response into the line, and wipe it. */
static enum evpop_answer
exchange_put_line(struct evpop_exchange *exchange, enum evpop_answer answer,
    struct evpop_secret *response)
{
	exchange->wants_key = answer == EVPOP_ANSWER_WANTS_KEY;
	if (exchange->wants_key)
		return answer;
	exchange->turn++;
	if (answer != EVPOP_ANSWER_GIVE_UP) {
		evpop_base64_encode(
		    response->bytes, response->length, &exchange->line);
		if (response->failed || exchange->line.failed)
			answer = evpop_exchange_no_memory(exchange);
	}
	evpop_secret_clear(response);
	if (answer == EVPOP_ANSWER_LAST)
		exchange->proved = true;
	if (answer == EVPOP_ANSWER_GIVE_UP) {
		exchange->proved = false;
		evpop_secret_clear(&exchange->line);
	}
	if (answer != EVPOP_ANSWER_MORE)
		exchange_forget_secrets(exchange);
	return answer;
}

static enum evpop_answer
exchange_respond(
    struct evpop_exchange *exchange, const char *text, size_t length)
{
	const struct evpop_challenge challenge = { exchange->turn, text,
		length };
	struct evpop_secret response = { .bytes = NULL };
	enum evpop_answer answer;

	evpop_secret_clear(&exchange->line);
	answer = exchange->turn > 0 && exchange->method->state_size > 0 &&
			 exchange->state == NULL
		     ? evpop_exchange_asked_on(exchange)
		     : exchange->method->answer(exchange->state, exchange,
			   &exchange->identity, &challenge, &response);
	return exchange_put_line(exchange, answer, &response);
}

/* An empty text counts as absent. */
static bool
exchange_copy(const char *text, char **copy_r)
{
	if (text == NULL || *text == '\0')
		return true;
	*copy_r = evpop_secret_copy(text);
	return *copy_r != NULL;
}

static bool
exchange_copy_all(struct evpop_exchange *exchange,
    const struct evpop_credentials *credentials,
    const struct evpop_exchange_target *target)
{
	const struct evpop_channel *channel = &target->channel;
	struct evpop_identity *identity = &exchange->identity;

	identity->port = target->port;
	identity->is_binding_allowed =
	    credentials->mechanisms == 0 ||
	    (credentials->mechanisms & EVPOP_MECHANISMS_BOUND) != 0;
	if (channel->tls) {
		evpop_secret_add(&identity->exporter, channel->exporter,
		    channel->exporter_length);
		evpop_secret_add(
		    &identity->unique, channel->unique, channel->unique_length);
	}
	if (exchange->method->state_size > 0)
		exchange->state =
		    evpop_guarded_alloc(exchange->method->state_size);
	return (exchange->state != NULL || exchange->method->state_size == 0) &&
	       !identity->exporter.failed && !identity->unique.failed &&
	       exchange_copy(credentials->user, &identity->user) &&
	       exchange_copy(credentials->password, &identity->password) &&
	       exchange_copy(credentials->token, &identity->token) &&
	       exchange_copy(
		   credentials->authorization, &identity->authorization) &&
	       exchange_copy(target->host, &identity->host);
}

/* The first response is made before the server is asked: it may fail. */
static bool
exchange_make_initial(struct evpop_exchange *exchange)
{
	enum evpop_answer answer;

	if (exchange->method->begin != NULL &&
	    !exchange->method->begin(
		exchange->state, exchange, &exchange->identity))
		return false;
	if (!exchange->method->client_first)
		return true;
	answer = exchange_respond(exchange, "", 0);
	exchange->initial_final = answer == EVPOP_ANSWER_LAST;
	return answer != EVPOP_ANSWER_GIVE_UP;
}

struct evpop_exchange *
evpop_exchange_begin(enum evpop_mechanism mechanism, const char *name,
    const struct evpop_method *method,
    const struct evpop_credentials *credentials,
    const struct evpop_exchange_target *target, struct evpop_result *result)
{
	struct evpop_exchange *exchange;

	exchange = calloc(1, sizeof *exchange);
	if (exchange == NULL) {
		evpop_result_set(
		    result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_LOGIN, "no memory");
		return NULL;
	}
	exchange->identity.mechanism = mechanism;
	exchange->name = name;
	exchange->method = method;
	if (!exchange_copy_all(exchange, credentials, target))
		(void)evpop_exchange_no_memory(exchange);
	else if (exchange_make_initial(exchange))
		return exchange;
	*result = exchange->failure;
	evpop_exchange_free(exchange);
	if (result->error == EVPOP_ERROR_USAGE)
		result->scope = EVPOP_SCOPE_ACCOUNT;
	return NULL;
}

void
evpop_exchange_free(struct evpop_exchange *exchange)
{
	if (exchange == NULL)
		return;
	exchange_forget_secrets(exchange);
	evpop_secret_forget(&exchange->identity.user);
	evpop_secret_forget(&exchange->identity.authorization);
	evpop_secret_forget(&exchange->identity.host);
	evpop_secret_clear(&exchange->identity.exporter);
	evpop_secret_clear(&exchange->identity.unique);
	evpop_secret_clear(&exchange->line);
	free(exchange);
}

const char *
evpop_exchange_initial(struct evpop_exchange *exchange, bool *final_r)
{
	*final_r = exchange->initial_final;
	if (!exchange->method->client_first)
		return NULL;
	/* An empty one must not look like none (RFC 5034 section 4). */
	return exchange->line.length == 0 ? "="
					  : evpop_secret_text(&exchange->line);
}

void
evpop_exchange_skip_initial(struct evpop_exchange *exchange)
{
	exchange->initial_held =
	    exchange->method->client_first && exchange->turn == 1;
}

static const char *
exchange_cancel(struct evpop_exchange *exchange, bool *final_r)
{
	exchange->proved = false;
	evpop_secret_clear(&exchange->line);
	exchange->wants_key = false;
	exchange_forget_secrets(exchange);
	*final_r = true;
	return CANCEL;
}

static enum evpop_answer
exchange_challenge_too_big(struct evpop_exchange *exchange)
{
	return evpop_exchange_give_up(exchange, EVPOP_ERROR_LIMIT,
	    "the server's challenge has more than %d octets", CHALLENGE_MAX);
}

/* Decode what is to be decoded; an empty challenge needs no room. */
static enum evpop_answer
exchange_read_challenge(struct evpop_exchange *exchange,
    const unsigned char *challenge, size_t length, struct evpop_secret *decoded)
{
	enum evpop_base64_status status;

	while (length > 0 &&
	       (challenge[length - 1] == ' ' || challenge[length - 1] == '\t'))
		length--;
	while (length > 0 && (*challenge == ' ' || *challenge == '\t')) {
		challenge++;
		length--;
	}
	if (length > CHALLENGE_ENCODED_MAX)
		return exchange_challenge_too_big(exchange);
	if (exchange->method->text_challenge)
		return EVPOP_ANSWER_MORE;
	status = evpop_base64_decode(challenge, length, decoded);
	if (decoded->length > CHALLENGE_MAX)
		return exchange_challenge_too_big(exchange);
	if (status == EVPOP_BASE64_BROKEN)
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server's challenge is not base64");
	if (status == EVPOP_BASE64_NO_MEMORY)
		return evpop_exchange_no_memory(exchange);
	return EVPOP_ANSWER_MORE;
}

/* The line to send for an answer; NULL while it wants a key. */
static const char *
exchange_say(
    struct evpop_exchange *exchange, enum evpop_answer answer, bool *final_r)
{
	if (answer == EVPOP_ANSWER_GIVE_UP)
		return exchange_cancel(exchange, final_r);
	*final_r = answer == EVPOP_ANSWER_LAST;
	return answer == EVPOP_ANSWER_WANTS_KEY
		   ? NULL
		   : evpop_secret_text(&exchange->line);
}

const char *
evpop_exchange_step(struct evpop_exchange *exchange,
    const unsigned char *challenge, size_t length, bool *final_r)
{
	struct evpop_secret decoded = { .bytes = NULL };
	enum evpop_answer answer;

	*final_r = false;
	if (exchange->wants_key)
		(void)evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server sends a challenge before it was answered");
	if (exchange->failure.error != EVPOP_ERROR_NONE)
		return exchange_cancel(exchange, final_r);
	answer = exchange_read_challenge(exchange, challenge, length, &decoded);
	if (answer != EVPOP_ANSWER_GIVE_UP && exchange->initial_held) {
		exchange->initial_held = false;
		answer = exchange->initial_final ? EVPOP_ANSWER_LAST
						 : EVPOP_ANSWER_MORE;
		if (decoded.length > 0)
			answer = evpop_exchange_give_up(exchange,
			    EVPOP_ERROR_PROTOCOL,
			    "the server's first challenge is not empty");
	} else if (answer != EVPOP_ANSWER_GIVE_UP)
		answer = exchange_respond(exchange,
		    decoded.bytes == NULL ? "" : decoded.bytes, decoded.length);
	evpop_secret_clear(&decoded);
	return exchange_say(exchange, answer, final_r);
}

bool
evpop_exchange_wants_key(const struct evpop_exchange *exchange,
    struct evpop_derivation *derivation_r)
{
	if (exchange->wants_key)
		exchange->method->wanted(
		    exchange->state, &exchange->identity, derivation_r);
	return exchange->wants_key;
}

const char *
evpop_exchange_take_key(
    struct evpop_exchange *exchange, const unsigned char *key, bool *final_r)
{
	struct evpop_secret response = { .bytes = NULL };
	enum evpop_answer answer;

	assert(exchange->wants_key);
	answer = key == NULL
		     ? evpop_exchange_give_up(exchange, EVPOP_ERROR_MEMORY,
			   "no key could be derived from the password")
		     : exchange->method->take_key(
			   exchange->state, exchange, key, &response);
	evpop_secret_forget(&exchange->identity.password);
	answer = exchange_put_line(exchange, answer, &response);
	assert(answer != EVPOP_ANSWER_WANTS_KEY);
	return exchange_say(exchange, answer, final_r);
}

bool
evpop_exchange_verified(
    const struct evpop_exchange *exchange, struct evpop_result *result)
{
	if (exchange->failure.error != EVPOP_ERROR_NONE) {
		*result = exchange->failure;
		return false;
	}
	if (exchange->proved && !exchange->initial_held)
		return true;
	if (exchange->method->is_mutual && !exchange->initial_held) {
		exchange_set_unproved(exchange, "it never came", result);
		return false;
	}
	evpop_result_set(result, EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_LOGIN,
	    "%s: the server accepted the log-in before it knew who logs in",
	    exchange->name);
	return false;
}

const char *
evpop_exchange_refusal(const struct evpop_exchange *exchange)
{
	if (exchange->refusal[0] != '\0')
		return exchange->refusal;
	return exchange->failure.error != EVPOP_ERROR_NONE
		   ? exchange->failure.text
		   : "";
}

bool
evpop_exchange_token_expired(const struct evpop_exchange *exchange)
{
	return exchange->token_expired;
}
