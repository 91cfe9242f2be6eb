#include "daemon/oauth/answer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/secret/secret.h"
#include "lib/base/text.h"

/* Longer ones have not been seen; what is larger is no token. */
#define TOKEN_MOST ((size_t)16 * 1024)
/* A hundred years: what is larger is no time. */
#define SECONDS_MOST (100.0 * 365 * 86400)
/* A device is not waited for longer. */
#define DEVICE_MOST_S 3600

static void
answer_nonsense(struct grant_answer *answer, const char *what)
{
	answer->kind = ANSWER_NONSENSE;
	(void)snprintf(answer->description, sizeof(answer->description),
	    "the answer (HTTP status %u) %s", answer->status, what);
}

/* Printable ASCII without blanks, as RFC 6749 appendix A has tokens. */
static bool
answer_is_token(const char *text)
{
	size_t length = 0;

	for (; text[length] != '\0'; length++)
		if ((unsigned char)text[length] < 0x20 ||
		    (unsigned char)text[length] > 0x7e)
			return false;
	return length > 0 && length <= TOKEN_MOST;
}

/* False without memory; a value that is none is left out. */
static bool
answer_take_secret(json_t *json, const char *name, struct secret **secret_r)
{
	json_t *value = json_object_get(json, name);
	const char *text = json_string_value(value);

	if (text == NULL || !answer_is_token(text) ||
	    json_string_length(value) != strlen(text))
		return true;
	*secret_r = secret_new(text, strlen(text));
	return *secret_r != NULL;
}

static void
answer_take_text(json_t *json, const char *name, char *text_r, size_t size)
{
	json_t *value = json_object_get(json, name);

	if (json_is_string(value))
		(void)evpop_text_printable(text_r, size,
		    json_string_value(value), json_string_length(value));
}

/* Some write numbers as strings. */
static int64_t
answer_seconds(json_t *json, const char *name)
{
	json_t *value = json_object_get(json, name);
	const double number = json_is_string(value)
				  ? strtod(json_string_value(value), NULL)
				  : json_number_value(value);

	return number > 0 && number < SECONDS_MOST ? (int64_t)number : 0;
}

static bool
answer_take_tokens(struct grant_answer *answer, json_t *json)
{
	char type[32] = "bearer";

	answer_take_text(json, "token_type", type, sizeof(type));
	answer_take_text(json, "scope", answer->scope, sizeof(answer->scope));
	answer->expires_in_s = answer_seconds(json, "expires_in");
	if (!answer_take_secret(json, "access_token", &answer->access) ||
	    !answer_take_secret(json, "refresh_token", &answer->refresh))
		return false;
	if (answer->access == NULL)
		answer_nonsense(answer, "has no valid token");
	else if (strcasecmp(type, "bearer") != 0)
		answer_nonsense(answer, "has a token that is no bearer token");
	else
		answer->kind = ANSWER_TOKEN;
	return true;
}

static bool
answer_take_device(struct grant_answer *answer, json_t *json)
{
	answer_take_text(
	    json, "user_code", answer->user_code, sizeof(answer->user_code));
	answer_take_text(json, "verification_uri", answer->verification_uri,
	    sizeof(answer->verification_uri));
	/* As Google has it. */
	if (answer->verification_uri[0] == '\0')
		answer_take_text(json, "verification_url",
		    answer->verification_uri, sizeof(answer->verification_uri));
	answer_take_text(json, "verification_uri_complete",
	    answer->verification_uri_complete,
	    sizeof(answer->verification_uri_complete));
	answer->interval_s = answer_seconds(json, "interval");
	answer->expires_in_s = answer_seconds(json, "expires_in");
	if (answer->expires_in_s == 0 || answer->expires_in_s > DEVICE_MOST_S)
		answer->expires_in_s = DEVICE_MOST_S;
	if (!answer_take_secret(json, "device_code", &answer->device_code))
		return false;
	if (answer->device_code == NULL || answer->user_code[0] == '\0' ||
	    answer->verification_uri[0] == '\0')
		answer_nonsense(answer, "has no code for a device");
	else
		answer->kind = ANSWER_DEVICE;
	return true;
}

static bool
answer_take(struct grant_answer *answer, json_t *json)
{
	if (json_object_get(json, "error") != NULL) {
		answer->kind = ANSWER_ERROR;
		answer_take_text(
		    json, "error", answer->error, sizeof(answer->error));
		answer_take_text(json, "error_description", answer->description,
		    sizeof(answer->description));
		if (answer->error[0] == '\0')
			answer_nonsense(answer, "has an error without a name");
		return true;
	}
	if (answer->status != 200)
		answer_nonsense(answer, "is no error as OAuth 2 has them");
	else if (json_object_get(json, "device_code") != NULL)
		return answer_take_device(answer, json);
	else
		return answer_take_tokens(answer, json);
	return true;
}

bool
answer_read(struct grant_answer *answer, unsigned status, const char *body,
    size_t length)
{
	json_t *json = json_loadb(body, length, 0, NULL);
	bool has_memory = true;

	*answer = (struct grant_answer){ .status = status };
	if (json_is_object(json))
		has_memory = answer_take(answer, json);
	else
		answer_nonsense(answer, "is no JSON object");
	json_decref(json);
	return has_memory;
}

struct secret *
answer_take_access(struct grant_answer *answer)
{
	struct secret *access = answer->access;

	answer->access = NULL;
	return access;
}

struct secret *
answer_take_device_code(struct grant_answer *answer)
{
	struct secret *code = answer->device_code;

	answer->device_code = NULL;
	return code;
}

void
answer_clear(struct grant_answer *answer)
{
	secret_free(&answer->access);
	secret_free(&answer->refresh);
	secret_free(&answer->device_code);
	*answer = (struct grant_answer){ .kind = ANSWER_NONSENSE };
}
