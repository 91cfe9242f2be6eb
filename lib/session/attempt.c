#include "lib/session/attempt.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/secret.h"

static bool
attempt_copy(const char **copy_r, const char *text)
{
	*copy_r = text == NULL ? NULL : strdup(text);
	return text == NULL || *copy_r != NULL;
}

static void
attempt_free(const char **text)
{
	free((char *)(uintptr_t)*text);
	*text = NULL;
}

bool
evpop_attempt_init(
    struct evpop_attempt *attempt, const struct evpop_client_config *config)
{
	struct evpop_client_config *own = &attempt->config;
	bool copied;

	*own = *config;
	copied = attempt_copy(&own->host, config->host) &
		 attempt_copy(&own->source_address, config->source_address);
	/* A proxy may be named with a password. */
	if (config->proxy != NULL) {
		own->proxy = evpop_secret_copy(config->proxy);
		copied = copied && own->proxy != NULL;
	}
	if (config->tls_context != NULL)
		evpop_tls_context_ref(config->tls_context);
	/* A second session must know what the first has learned. */
	if (config->memory == NULL)
		own->memory = attempt->own_memory = evpop_memory_new();
	return copied && own->host != NULL && own->memory != NULL;
}

void
evpop_attempt_clear(struct evpop_attempt *attempt)
{
	struct evpop_client_config *own = &attempt->config;

	evpop_credentials_wipe(&attempt->credentials);
	evpop_memory_free(attempt->own_memory);
	evpop_tls_context_free(own->tls_context);
	attempt_free(&own->host);
	evpop_credentials_forget(&own->proxy);
	attempt_free(&own->source_address);
}

static bool
attempt_other_mechanism(struct evpop_attempt *attempt,
    const struct evpop_client *client, const struct evpop_result *result)
{
	if (attempt->log_ins == 0)
		attempt->refusal = *result;
	attempt->credentials.tried |= evpop_client_tried(client);
	return ++attempt->log_ins < EVPOP_ATTEMPT_LOG_INS;
}

bool
evpop_attempt_again(struct evpop_attempt *attempt,
    const struct evpop_client *client, const struct evpop_result *result)
{
	switch (evpop_client_again(client)) {
	case EVPOP_AGAIN_ONE_BY_ONE:
		if (attempt->config.one_by_one)
			return false;
		attempt->config.one_by_one = true;
		return true;
	case EVPOP_AGAIN_NEW_TLS:
		if (attempt->has_new_tls)
			return false;
		attempt->has_new_tls = true;
		return true;
	case EVPOP_AGAIN_OTHER_MECHANISM:
		return attempt_other_mechanism(attempt, client, result);
	default:
		return false;
	}
}

bool
evpop_attempt_other_token(struct evpop_attempt *attempt,
    const struct evpop_client *client, const struct evpop_result *result)
{
	/* Without a log-in that was tried there was no token to be had. */
	if (result->error != EVPOP_ERROR_AUTH || attempt->has_other_token ||
	    attempt->credentials.want_token == NULL ||
	    evpop_client_tried(client) == 0)
		return false;
	attempt->has_other_token = true;
	/* All that was learned from the refusal is of the token. */
	attempt->credentials.tried = 0;
	attempt->log_ins = 0;
	attempt->refusal.error = EVPOP_ERROR_NONE;
	return true;
}

void
evpop_attempt_explain(
    const struct evpop_attempt *attempt, struct evpop_result *result)
{
	const struct evpop_result *first = &attempt->refusal;
	struct evpop_result last = *result, said;

	if (first->error == EVPOP_ERROR_NONE ||
	    result->error == EVPOP_ERROR_NONE ||
	    result->phase != EVPOP_PHASE_LOGIN ||
	    strcmp(first->text, last.text) == 0)
		return;
	/* The first refusal says more than that no mechanism is left. */
	said = first->error == EVPOP_ERROR_AUTH ? *first : last;
	evpop_result_set(result, said.error, EVPOP_PHASE_LOGIN,
	    "%.120s; then, by another mechanism: %.100s", first->text,
	    last.text);
	result->code = said.code;
	result->scope = said.scope;
	result->retry = said.retry;
}
