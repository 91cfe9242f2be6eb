#include "daemon/control/answer.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/control/field.h"

/* A reload can have much to say about a configuration. */
#define MESSAGE_SIZE 8192

struct answer
answer_json(int status, json_t *json)
{
	return (struct answer){ .status = status, .json = json };
}

struct answer
answer_error(
    int status, const char *code, const char *hint, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list arguments;
	json_t *error = json_object(), *json = json_object();

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	field_text(error, "code", code);
	field_text(error, "message", message);
	if (hint != NULL && hint[0] != '\0')
		field_text(error, "hint", hint);
	field_value(json, "error", error);
	return answer_json(status, json);
}

struct answer
answer_problem(const struct problem *problem)
{
	return answer_error(
	    400, "bad_parameter", problem->hint, "%s", problem->message);
}

struct answer
answer_store(enum store_status status, const char *text)
{
	if (status == STORE_NOT_FOUND)
		return answer_error(404, "not_found", NULL, "no such thing");
	if (status == STORE_SLOW)
		return answer_error(503, "too_slow", store_status_hint(status),
		    "the store gave no answer within %d s",
		    STORE_QUESTION_MS / 1000);
	return answer_error(503, "store_unavailable", store_status_hint(status),
	    "the store cannot answer (%s)%s%s", store_status_name(status),
	    text != NULL && *text ? ": " : "", text != NULL ? text : "");
}

struct answer
answer_no_account(const char *name)
{
	return answer_error(404, "no_such_account",
	    "\"evpopctl accounts\" (GET /v1/accounts) lists them",
	    "there is no account \"%.200s\"", name);
}

struct answer
answer_no_message(int64_t id)
{
	return answer_error(404, "no_such_message",
	    "\"evpopctl messages\" (GET /v1/messages) lists them",
	    "there is no message %lld", (long long)id);
}

struct answer
answer_not_quarantined(int64_t id)
{
	return answer_error(404, "not_quarantined",
	    "\"evpopctl quarantine\" (GET /v1/quarantine) lists what is",
	    "there is no %lld in quarantine", (long long)id);
}

struct answer
answer_bad_id(const char *text)
{
	return answer_error(400, "bad_id",
	    "ids are whole numbers from 1, as the lists show them",
	    "\"%.64s\" is no id", text);
}
