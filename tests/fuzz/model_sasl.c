#include "tests/fuzz/model_sasl.h"

#include <assert.h>
#include <gsasl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_sasl {
	enum evpop_mechanism mechanism;
	const struct model_sasl_user *user;
	Gsasl_session *session; /* NULL: OAuth, which libgsasl does not have */
	char *challenge, *binding;
	bool proved;  /* all that is left is an empty line of the client */
	bool refused; /* likewise, but for the words */
};

static int
sasl_property(Gsasl *context, Gsasl_session *session, Gsasl_property property)
{
	const struct model_sasl *sasl = gsasl_session_hook_get(session);
	const char *user, *password;

	(void)context;
	switch (property) {
	case GSASL_PASSWORD:
		user = gsasl_property_fast(session, GSASL_AUTHID);
		if (user == NULL || strcmp(user, sasl->user->user) != 0)
			return GSASL_NO_CALLBACK;
		(void)gsasl_property_set(
		    session, GSASL_PASSWORD, sasl->user->password);
		return GSASL_OK;
	case GSASL_CB_TLS_EXPORTER:
		if (sasl->binding == NULL)
			return GSASL_NO_CALLBACK;
		(void)gsasl_property_set(
		    session, GSASL_CB_TLS_EXPORTER, sasl->binding);
		return GSASL_OK;
	case GSASL_SCRAM_ITER:
		(void)gsasl_property_set(session, GSASL_SCRAM_ITER, "8");
		return GSASL_OK;
	case GSASL_VALIDATE_SIMPLE:
		user = gsasl_property_fast(session, GSASL_AUTHID);
		password = gsasl_property_fast(session, GSASL_PASSWORD);
		if (user != NULL && password != NULL &&
		    strcmp(user, sasl->user->user) == 0 &&
		    strcmp(password, sasl->user->password) == 0)
			return GSASL_OK;
		return GSASL_AUTHENTICATION_ERROR;
	default:
		return GSASL_NO_CALLBACK;
	}
}

/* One for the whole program. */
static Gsasl *
sasl_context(void)
{
	static Gsasl *context;

	if (context == NULL) {
		if (gsasl_init(&context) != GSASL_OK)
			abort();
		gsasl_callback_set(context, sasl_property);
	}
	return context;
}

static bool
sasl_is_oauth(enum evpop_mechanism mechanism)
{
	return mechanism == EVPOP_MECHANISM_XOAUTH2 ||
	       mechanism == EVPOP_MECHANISM_OAUTHBEARER;
}

struct model_sasl *
model_sasl_new(enum evpop_mechanism mechanism,
    const struct model_sasl_user *user, char *binding)
{
	struct model_sasl *sasl = calloc(1, sizeof *sasl);

	if (sasl == NULL)
		abort();
	sasl->mechanism = mechanism;
	sasl->user = user;
	sasl->binding = binding;
	if (sasl_is_oauth(mechanism))
		return sasl;
	if (gsasl_server_start(sasl_context(), evpop_mechanism_name(mechanism),
		&sasl->session) != GSASL_OK)
		abort();
	gsasl_session_hook_set(sasl->session, sasl);
	return sasl;
}

void
model_sasl_free(struct model_sasl *sasl)
{
	if (sasl == NULL)
		return;
	if (sasl->session != NULL)
		gsasl_finish(sasl->session);
	gsasl_free(sasl->challenge);
	free(sasl->binding);
	free(sasl);
}

static bool
sasl_shows_token(const struct model_sasl *sasl, const char *line)
{
	char *text, wanted[128];
	size_t length;
	bool shows;

	if (gsasl_base64_from(line, strlen(line), &text, &length) != GSASL_OK)
		return false;
	snprintf(wanted, sizeof wanted, "auth=Bearer %s\x01",
	    sasl->user->token != NULL ? sasl->user->token : "");
	shows = memmem(text, length, wanted, strlen(wanted)) != NULL;
	gsasl_free(text);
	return shows;
}

static void
sasl_challenge(struct model_sasl *sasl, const char *text)
{
	size_t length;

	if (gsasl_base64_to(text, strlen(text), &sasl->challenge, &length) !=
	    GSASL_OK)
		abort();
}

static enum model_sasl_outcome
sasl_oauth(struct model_sasl *sasl, const char *line)
{
	if (line == NULL)
		return MODEL_SASL_CHALLENGE;
	if (sasl_shows_token(sasl, line))
		return MODEL_SASL_ACCEPTED;
	sasl_challenge(sasl, "{\"status\":\"invalid_token\"}");
	sasl->refused = true;
	return MODEL_SASL_CHALLENGE;
}

static enum model_sasl_outcome
sasl_by_library(struct model_sasl *sasl, const char *line)
{
	int outcome;

	outcome = gsasl_step64(sasl->session,
	    line == NULL || strcmp(line, "=") == 0 ? "" : line,
	    &sasl->challenge);
	if (outcome == GSASL_NEEDS_MORE)
		return MODEL_SASL_CHALLENGE;
	if (outcome != GSASL_OK)
		return MODEL_SASL_REFUSED;
	if (sasl->challenge == NULL || sasl->challenge[0] == '\0')
		return MODEL_SASL_ACCEPTED;
	sasl->proved = true;
	return MODEL_SASL_CHALLENGE;
}

enum model_sasl_outcome
model_sasl_step(
    struct model_sasl *sasl, const char *line, const char **challenge_r)
{
	enum model_sasl_outcome outcome;

	if (line != NULL && strcmp(line, "*") == 0)
		return MODEL_SASL_REFUSED;
	if (sasl->proved)
		return MODEL_SASL_ACCEPTED;
	if (sasl->refused)
		return MODEL_SASL_REFUSED;
	gsasl_free(sasl->challenge);
	sasl->challenge = NULL;
	outcome = sasl->session == NULL ? sasl_oauth(sasl, line)
					: sasl_by_library(sasl, line);
	*challenge_r = sasl->challenge != NULL ? sasl->challenge : "";
	return outcome;
}
