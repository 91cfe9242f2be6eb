/* A server's part of the log-in. */
#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/model_server.h"

#define MECHANISMS_BOUND                                           \
	(EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_SCRAM_SHA_256_PLUS) | \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_SCRAM_SHA_1_PLUS))

static void
login_refuse(struct model_connection *connection)
{
	connection->stage = MODEL_AUTHORIZATION;
	connection->server->statistics->refused++;
	switch (connection->server->traits.refusal) {
	case MODEL_REFUSES_WITH_CODE:
		model_reply(connection, false, "[AUTH] wrong");
		break;
	case MODEL_REFUSES_AND_CLOSES:
		connection->closes = true;
		model_reply(connection, false, "wrong");
		break;
	case MODEL_CLOSES_ONLY:
		connection->closes = true;
		break;
	default:
		model_reply(connection, false, "wrong");
		break;
	}
}

/* A mechanism that is offered and does not work, whoever comes. */
static void
login_refuse_mechanism(struct model_connection *connection)
{
	enum model_refusal refusal = connection->server->traits.refusal;

	connection->stage = MODEL_AUTHORIZATION;
	connection->closes =
	    refusal == MODEL_REFUSES_AND_CLOSES || refusal == MODEL_CLOSES_ONLY;
	if (refusal != MODEL_CLOSES_ONLY)
		model_reply(connection, false, "not this way");
}

static void
login_accept(struct model_connection *connection)
{
	const struct model_traits *traits = &connection->server->traits;

	if (traits->admission == MODEL_IS_BUSY) {
		connection->stage = MODEL_AUTHORIZATION;
		model_reply(connection, false, "%s",
		    traits->codes_refusals ? "[IN-USE] come again"
					   : "the maildrop is already locked");
		return;
	}
	connection->stage = MODEL_TRANSACTION;
	connection->server->statistics->log_ins++;
	model_reply(connection, true, "welcome");
	if (traits->behind == MODEL_SWALLOWS_BEHIND ||
	    (traits->behind == MODEL_SWALLOWS_BEHIND_INITIAL &&
		connection->had_initial))
		(void)model_swallow(connection);
}

static bool
login_is_broken(
    const struct model_connection *connection, enum evpop_mechanism mechanism)
{
	return connection->server->traits.broken &
	       EVPOP_MECHANISM_BIT(mechanism);
}

static void
login_password(struct model_connection *connection, const char *password)
{
	const struct model_sasl_user *user = &connection->server->user;

	connection->had_initial = false;
	if (login_is_broken(connection, EVPOP_MECHANISM_USER))
		login_refuse_mechanism(connection);
	else if (strcmp(connection->user, user->user) == 0 &&
		 strcmp(password, user->password) == 0)
		login_accept(connection);
	else
		login_refuse(connection);
	connection->user[0] = '\0';
}

static void
login_apop(struct model_connection *connection, char *argument)
{
	const struct model_sasl_user *user = &connection->server->user;
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[256], hex[33] = "", *said = strchr(argument, ' ');
	unsigned int i, length;

	if (said == NULL) {
		model_reply(connection, false, "what digest?");
		return;
	}
	*said++ = '\0';
	snprintf(text, sizeof text, "%s%s", MODEL_TIMESTAMP, user->password);
	if (EVP_Digest(text, strlen(text), digest, &length, EVP_md5(), NULL) !=
	    1)
		abort();
	for (i = 0; i < length; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
	connection->had_initial = false;
	if (login_is_broken(connection, EVPOP_MECHANISM_APOP))
		login_refuse_mechanism(connection);
	else if (strcmp(argument, user->user) == 0 && strcmp(said, hex) == 0)
		login_accept(connection);
	else
		login_refuse(connection);
}

static void
login_step(struct model_connection *connection, const char *line)
{
	const char *challenge = "";
	char *out;
	size_t length;

	switch (model_sasl_step(connection->sasl, line, &challenge)) {
	case MODEL_SASL_CHALLENGE:
		connection->stage = MODEL_CHALLENGED;
		length = strlen(challenge) + 5;
		out = malloc(length);
		if (out == NULL)
			abort();
		snprintf(out, length, "+ %s\r\n", challenge);
		model_send(connection, out, length - 1);
		free(out);
		break;
	case MODEL_SASL_ACCEPTED:
		login_accept(connection);
		break;
	case MODEL_SASL_REFUSED:
		login_refuse(connection);
		break;
	}
}

static void
login_auth(struct model_connection *connection, char *argument)
{
	struct model_server *server = connection->server;
	char *initial = strchr(argument, ' ');
	enum evpop_mechanism mechanism;
	char *binding = NULL;

	if (initial != NULL)
		*initial++ = '\0';
	connection->had_initial = initial != NULL;
	if (!evpop_mechanism_find(argument, &mechanism) ||
	    mechanism == EVPOP_MECHANISM_USER ||
	    mechanism == EVPOP_MECHANISM_APOP ||
	    !(server->traits.mechanisms & EVPOP_MECHANISM_BIT(mechanism))) {
		model_reply(connection, false, "no such mechanism");
		return;
	}
	if (mechanism == EVPOP_MECHANISM_XOAUTH2 && initial != NULL &&
	    server->traits.wants_two_lines) {
		model_reply(connection, false, "protocol error");
		return;
	}
	if (login_is_broken(connection, mechanism)) {
		login_refuse_mechanism(connection);
		return;
	}
	model_sasl_free(connection->sasl);
	/* Who can bind and does not offer it must not take the client's "y". */
	if ((server->traits.mechanisms & MECHANISMS_BOUND) != 0)
		binding = model_wire_binding(connection->wire);
	connection->sasl = model_sasl_new(mechanism, &server->user, binding);
	login_step(connection, initial);
}

void
model_login_response(struct model_connection *connection, char *line)
{
	login_step(connection, line);
}

bool
model_login_command(
    struct model_connection *connection, const char *verb, char *argument)
{
	unsigned mechanisms = connection->server->traits.mechanisms;
	bool user = mechanisms & EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER);
	bool apop = mechanisms & EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_APOP);

	if (connection->stage != MODEL_AUTHORIZATION || argument == NULL)
		return false;
	if (user && strcmp(verb, "USER") == 0) {
		snprintf(
		    connection->user, sizeof connection->user, "%s", argument);
		model_reply(connection, true, "and?");
	} else if (user && strcmp(verb, "PASS") == 0) {
		login_password(connection, argument);
	} else if (apop && strcmp(verb, "APOP") == 0) {
		login_apop(connection, argument);
	} else if (strcmp(verb, "AUTH") == 0) {
		login_auth(connection, argument);
	} else
		return false;
	return true;
}
