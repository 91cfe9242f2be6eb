#include <evpop/error.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/name.h"
#include "lib/base/text.h"

static const char *const error_names[] = {
	[EVPOP_ERROR_NONE] = "ok",
	[EVPOP_ERROR_REFUSED] = "refused",
	[EVPOP_ERROR_PROTOCOL] = "protocol",
	[EVPOP_ERROR_TLS] = "tls",
	[EVPOP_ERROR_AUTH] = "auth",
	[EVPOP_ERROR_IO] = "io",
	[EVPOP_ERROR_TIMEOUT] = "timeout",
	[EVPOP_ERROR_LIMIT] = "limit",
	[EVPOP_ERROR_CANCELLED] = "cancelled",
	[EVPOP_ERROR_MEMORY] = "memory",
	[EVPOP_ERROR_USAGE] = "usage",
	[EVPOP_ERROR_INCOMPLETE] = "incomplete",
};
EVPOP_NAMES_MATCH(error_names, EVPOP_ERROR_COUNT);

static const char *const code_names[] = {
	[EVPOP_CODE_NONE] = "none",
	[EVPOP_CODE_LOGIN_DELAY] = "LOGIN-DELAY",
	[EVPOP_CODE_IN_USE] = "IN-USE",
	[EVPOP_CODE_SYS_TEMP] = "SYS/TEMP",
	[EVPOP_CODE_SYS_PERM] = "SYS/PERM",
	[EVPOP_CODE_AUTH] = "AUTH",
	[EVPOP_CODE_UTF8] = "UTF8",
	[EVPOP_CODE_OTHER] = "other",
};
EVPOP_NAMES_MATCH(code_names, EVPOP_CODE_COUNT);

static const char *const scope_names[] = {
	[EVPOP_SCOPE_NONE] = "none",
	[EVPOP_SCOPE_MESSAGE] = "message",
	[EVPOP_SCOPE_SESSION] = "session",
	[EVPOP_SCOPE_ACCOUNT] = "account",
};
EVPOP_NAMES_MATCH(scope_names, EVPOP_SCOPE_COUNT);

static const char *const phase_names[] = {
	[EVPOP_PHASE_NONE] = "none",
	[EVPOP_PHASE_RESOLVE] = "resolve",
	[EVPOP_PHASE_CONNECT] = "connect",
	[EVPOP_PHASE_HANDSHAKE] = "handshake",
	[EVPOP_PHASE_GREETING] = "greeting",
	[EVPOP_PHASE_LOGIN] = "login",
	[EVPOP_PHASE_COMMAND] = "command",
	[EVPOP_PHASE_BODY] = "body",
	[EVPOP_PHASE_QUIT] = "quit",
};
EVPOP_NAMES_MATCH(phase_names, EVPOP_PHASE_COUNT);

const char *
evpop_error_name(enum evpop_error error)
{
	assert(error < EVPOP_ERROR_COUNT);
	return error_names[error];
}

const char *
evpop_response_code_name(enum evpop_response_code code)
{
	assert(code < EVPOP_CODE_COUNT);
	return code_names[code];
}

const char *
evpop_scope_name(enum evpop_scope scope)
{
	assert(scope < EVPOP_SCOPE_COUNT);
	return scope_names[scope];
}

const char *
evpop_phase_name(enum evpop_phase phase)
{
	assert(phase < EVPOP_PHASE_COUNT);
	return phase_names[phase];
}

static bool
error_passes_by_itself(enum evpop_error error)
{
	return error == EVPOP_ERROR_IO || error == EVPOP_ERROR_TIMEOUT ||
	       error == EVPOP_ERROR_REFUSED || error == EVPOP_ERROR_PROTOCOL ||
	       error == EVPOP_ERROR_MEMORY || error == EVPOP_ERROR_INCOMPLETE;
}

void
evpop_result_set(struct evpop_result *result, enum evpop_error error,
    enum evpop_phase phase, const char *format, ...)
{
	char text[EVPOP_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);

	result->error = error;
	result->code = EVPOP_CODE_NONE;
	result->scope =
	    error == EVPOP_ERROR_NONE ? EVPOP_SCOPE_NONE : EVPOP_SCOPE_SESSION;
	result->phase = phase;
	result->distrust = EVPOP_DISTRUST_NONE;
	result->retry = error_passes_by_itself(error);
	evpop_printable(result->text, sizeof result->text, text, strlen(text));
}

size_t
evpop_printable(char *dst, size_t dst_size, const void *bytes, size_t length)
{
	return evpop_text_printable(dst, dst_size, bytes, length);
}
