#include "daemon/control/response.h"

#include <stdarg.h>
#include <stdio.h>

#include "daemon/control/field.h"
#include "daemon/store/question.h"

/* Longer than what a reload says. */
#define MESSAGE_SIZE 8192

struct response
response_json(int status, json_t *json)
{
	return (struct response){ .status = status, .json = json };
}

struct response
response_error(
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
	return response_json(status, json);
}

struct response
response_no_memory(void)
{
	return response_error(503, "out_of_memory", NULL, "out of memory");
}

struct response
response_store(enum store_status status, const char *text)
{
	if (status == STORE_NOT_FOUND)
		return response_error(404, "not_found", NULL, "no such thing");
	if (status == STORE_SLOW)
		return response_error(503, "too_slow",
		    store_status_hint(status),
		    "the store did not answer within %d s",
		    STORE_QUESTION_MS / 1000);
	if (status == STORE_SEALED)
		return response_error(409, "sealed", store_status_hint(status),
		    "the mail is sealed: only the holder of its secret key can "
		    "read it, or search it");
	return response_error(503, "store_unavailable",
	    store_status_hint(status), "the store cannot answer (%s)%s%s",
	    store_status_name(status), text != NULL && *text ? ": " : "",
	    text != NULL ? text : "");
}

struct response
response_not_allowed(enum peer_role role, const char *doing)
{
	static const char admins[] =
	    "root, the daemon's own user and the users in [control] admin may; "
	    "try sudo";
	char hint[128];

	if (role == PEER_ADMIN)
		return response_error(
		    403, "not_admin", admins, "only admins may %s", doing);
	snprintf(hint, sizeof(hint),
	    "root, the daemon's own user and the users in [control] %s or "
	    "admin may; try sudo",
	    peer_role_name(role));
	return response_error(403,
	    role == PEER_READ ? "not_reader" : "not_operator", hint,
	    "only users with the role %s may %s", peer_role_name(role), doing);
}

struct response
response_no_daemon(void)
{
	return response_error(409, "no_daemon",
	    "start evpopd, and leave out --store",
	    "only a running daemon can do that; a store alone can be read");
}

struct response
response_already(const char *kind, const char *name, const char *already)
{
	return response_error(
	    409, "already", NULL, "%s \"%.200s\" is %s", kind, name, already);
}

struct response
response_disabled(const char *kind, const char *name)
{
	return response_error(409, "disabled",
	    "set enabled = yes in its section and reload",
	    "%s \"%.200s\" is disabled", kind, name);
}

struct response
response_no_account(const char *name)
{
	return response_error(404, "no_such_account",
	    "\"evpopctl accounts\" (GET /v1/accounts) lists them",
	    "there is no account \"%.200s\"", name);
}

struct response
response_no_message(int64_t id)
{
	return response_error(404, "no_such_message",
	    "\"evpopctl messages\" (GET /v1/messages) lists them",
	    "there is no message %lld", (long long)id);
}

struct response
response_not_quarantined(int64_t id)
{
	return response_error(404, "not_quarantined",
	    "\"evpopctl quarantine\" (GET /v1/quarantine) lists what is",
	    "no quarantined message %lld", (long long)id);
}

struct response
response_no_target(const char *name)
{
	return response_error(404, "no_such_target",
	    "\"evpopctl targets\" (GET /v1/targets) lists them",
	    "there is no target \"%.200s\"", name);
}

struct response
response_no_delivery(int64_t id)
{
	return response_error(404, "no_such_delivery",
	    "\"evpopctl outbox\" (GET /v1/outbox) lists them",
	    "there is no delivery %lld", (long long)id);
}
