#include "tests/unit/test_auth_player.h"

#include <gsasl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
expect_text(
    const char *name, const char *what, const char *got, const char *expected)
{
	if (got == NULL || expected == NULL) {
		if (got != expected)
			fail_msg("%s: %s: '%s', not '%s'", name, what,
			    got == NULL ? "(none)" : got,
			    expected == NULL ? "(none)" : expected);
		return;
	}
	if (strcmp(got, expected) != 0)
		fail_msg("%s: %s: '%s', not '%s'", name, what, got, expected);
}

static void
expect_end(const struct script *script, const struct evpop_exchange *exchange)
{
	const char *refusal = script->refusal == NULL ? "" : script->refusal;
	const char *got = evpop_exchange_refusal(exchange);
	struct evpop_result result = { .error = EVPOP_ERROR_NONE };
	bool verified = evpop_exchange_verified(exchange, &result);

	expect_text(script->name, "verified", evpop_error_name(result.error),
	    evpop_error_name(script->verified));
	assert_int_equal(verified, script->verified == EVPOP_ERROR_NONE);
	if (!verified) {
		assert_int_equal(result.phase, EVPOP_PHASE_LOGIN);
		assert_true(result.text[0] != '\0');
	}
	if (strncmp(got, refusal, strlen(refusal)) != 0 ||
	    (*refusal == '\0' && *got != '\0'))
		fail_msg(
		    "%s: refusal '%s', not '%s'", script->name, got, refusal);
	assert_int_equal(
	    evpop_exchange_token_expired(exchange), script->expired);
}

void
play_script(const struct script *script)
{
	struct evpop_exchange *exchange;
	struct evpop_result result = { .error = EVPOP_ERROR_NONE };
	const struct turn *turn;
	bool final = false;
	size_t i;

	exchange = evpop_exchange_new(
	    script->mechanism, &script->credentials, &script->target, &result);
	if (exchange == NULL)
		fail_msg("%s: %s", script->name, result.text);
	expect_text(script->name, "initial",
	    evpop_exchange_initial(exchange, &final), script->initial);
	assert_int_equal(final, script->initial_final);
	if (script->skip)
		evpop_exchange_skip_initial(exchange);
	for (i = 0; i < TURNS_MAX; i++) {
		turn = &script->turns[i];
		if (turn->response == NULL)
			break;
		expect_text(script->name, "response",
		    step_through(exchange,
			(const unsigned char *)turn->challenge,
			strlen(turn->challenge), &final),
		    turn->response);
		if (final != turn->final)
			fail_msg("%s: turn %zu: final %d", script->name, i,
			    (int) final);
	}
	expect_end(script, exchange);
	evpop_exchange_free(exchange);
}

char *
encoded(const char *text)
{
	char *code, *copy;
	size_t length;

	assert_int_equal(
	    gsasl_base64_to(text, strlen(text), &code, &length), GSASL_OK);
	copy = strdup(code);
	assert_non_null(copy);
	gsasl_free(code);
	return copy;
}

char *
decoded(const char *text)
{
	char *bytes, *copy;
	size_t length;

	if (*text == '\0')
		return strdup("");
	assert_int_equal(
	    gsasl_base64_from(text, strlen(text), &bytes, &length), GSASL_OK);
	copy = strndup(bytes, length);
	assert_non_null(copy);
	gsasl_free(bytes);
	return copy;
}

void
derive_key(const struct evpop_derivation *derivation,
    unsigned char key_r[EVPOP_KEY_MAX])
{
	struct evpop_pbkdf2 *pbkdf2 = evpop_pbkdf2_new(derivation);
	const unsigned char *key;

	assert_non_null(pbkdf2);
	assert_true(evpop_pbkdf2_run(pbkdf2, EVPOP_ITERATIONS_MAX, &key));
	assert_non_null(key);
	memcpy(key_r, key, derivation->key_size);
	evpop_pbkdf2_free(pbkdf2);
}

const char *
step_through(struct evpop_exchange *exchange, const unsigned char *challenge,
    size_t length, bool *final)
{
	struct evpop_derivation derivation;
	unsigned char key[EVPOP_KEY_MAX];
	const char *response =
	    evpop_exchange_step(exchange, challenge, length, final);

	assert_int_equal(
	    response == NULL, evpop_exchange_wants_key(exchange, &derivation));
	if (response != NULL)
		return response;
	assert_false(*final);
	derive_key(&derivation, key);
	response = evpop_exchange_take_key(exchange, key, final);
	explicit_bzero(key, sizeof key);
	assert_non_null(response);
	assert_false(evpop_exchange_wants_key(exchange, &derivation));
	return response;
}

const char *
step_plain(struct evpop_exchange *exchange, const char *text, bool *final)
{
	char *code = encoded(text);
	const char *response = step_through(
	    exchange, (const unsigned char *)code, strlen(code), final);

	free(code);
	return response;
}

static int
give(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	const struct scram_server *server = gsasl_callback_hook_get(gsasl);
	const char *value = NULL;

	if (property == GSASL_PASSWORD)
		value = server->password;
	else if (property == GSASL_CB_TLS_EXPORTER)
		value = server->exporter;
	else if (property == GSASL_CB_TLS_UNIQUE)
		value = server->unique;
	if (value == NULL)
		return GSASL_NO_CALLBACK;
	if (property == GSASL_PASSWORD)
		return gsasl_property_set(session, property, value);
	{
		char *code = encoded(value);
		int rc = gsasl_property_set(session, property, code);

		free(code);
		return rc;
	}
}

static const char *
end_scram(struct evpop_exchange *exchange, const struct scram_server *server,
    const char *last)
{
	bool final = false;
	const char *response;

	if (server->mute)
		return "";
	response = step_plain(exchange,
	    server->signature == NULL ? last : server->signature, &final);
	assert_true(final);
	return response;
}

const char *
play_scram(struct evpop_exchange *exchange, struct scram_server *server)
{
	Gsasl *gsasl;
	Gsasl_session *session;
	const char *response, *authzid;
	char *input, *output;
	size_t length;
	bool final;
	int rc;

	server->accepted = false;
	assert_int_equal(gsasl_init(&gsasl), GSASL_OK);
	gsasl_callback_set(gsasl, give);
	gsasl_callback_hook_set(gsasl, server);
	assert_int_equal(
	    gsasl_server_start(gsasl, server->mechanism, &session), GSASL_OK);
	response = evpop_exchange_initial(exchange, &final);
	assert_non_null(response);
	assert_false(final);
	input = decoded(response);
	snprintf(server->first, sizeof server->first, "%s", input);
	for (;;) {
		output = NULL;
		rc =
		    gsasl_step(session, input, strlen(input), &output, &length);
		free(input);
		if (rc != GSASL_NEEDS_MORE)
			break;
		input = strndup(output, length);
		assert_non_null(input);
		gsasl_free(output);
		response = step_plain(exchange, input, &final);
		free(input);
		if (strcmp(response, "*") == 0) {
			output = NULL;
			break;
		}
		assert_false(final);
		input = decoded(response);
	}
	if (rc == GSASL_OK) {
		server->accepted = true;
		input = strndup(output, length);
		assert_non_null(input);
		response = end_scram(exchange, server, input);
		free(input);
	}
	gsasl_free(output);
	authzid = gsasl_property_fast(session, GSASL_AUTHZID);
	snprintf(server->authzid, sizeof server->authzid, "%s",
	    authzid == NULL ? "" : authzid);
	gsasl_finish(session);
	gsasl_done(gsasl);
	return response;
}
