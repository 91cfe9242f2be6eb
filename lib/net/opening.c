#include "lib/net/opening.h"

#include <stdlib.h>
#include <string.h>

#include "lib/auth/exchange.h"

static bool
opening_submit(struct evpop_opening *opening, struct evpop_proto *proto,
    enum evpop_command command)
{
	const struct evpop_request request = { .command = command,
		.arg = opening };

	if (evpop_proto_submit(proto, &request) != EVPOP_ERROR_NONE)
		return false;
	opening->parts++;
	return true;
}

bool
evpop_opening_ask(struct evpop_opening *opening, struct evpop_proto *proto,
    bool wants_tls, bool wants_capabilities)
{
	return (!wants_tls ||
		   opening_submit(opening, proto, EVPOP_COMMAND_STLS)) &&
	       (!wants_capabilities ||
		   opening_submit(opening, proto, EVPOP_COMMAND_CAPA));
}

void
evpop_opening_ask_utf8(struct evpop_opening *opening, struct evpop_proto *proto)
{
	(void)opening_submit(opening, proto, EVPOP_COMMAND_UTF8);
}

bool
evpop_opening_greeted(
    struct evpop_opening *opening, const struct evpop_event *event)
{
	const char *stamp, *text = (const char *)event->data;
	size_t length;

	if (event->result->error != EVPOP_ERROR_NONE) {
		opening->failure = *event->result;
		return true;
	}
	if (!evpop_apop_timestamp(text, event->length, &stamp, &length))
		return true;
	/* Without it a plainer log-in than wanted might be chosen. */
	opening->timestamp = strndup(stamp, length);
	return opening->timestamp != NULL;
}

/* The server does not begin TLS, and so is left. */
static void
opening_refused_tls(
    struct evpop_opening *opening, const struct evpop_result *refusal)
{
	struct evpop_result *failure = &opening->failure;

	evpop_result_set(failure, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
	    "the server refuses STLS; nothing was sent in clear text: %s",
	    refusal->text);
	failure->code = refusal->code;
	failure->retry = refusal->retry;
}

bool
evpop_opening_done(
    struct evpop_opening *opening, const struct evpop_event *event)
{
	const struct evpop_result *result = event->result;
	bool is_refused = result->error == EVPOP_ERROR_REFUSED;

	opening->parts--;
	if (opening->failure.error != EVPOP_ERROR_NONE)
		return true;
	if (event->command == EVPOP_COMMAND_STLS && is_refused) {
		opening_refused_tls(opening, result);
		return false;
	}
	/* Both are optional (RFC 2449, RFC 6856). */
	if (event->command == EVPOP_COMMAND_STLS || !is_refused)
		opening->failure = *result;
	return true;
}

const struct evpop_result *
evpop_opening_failure(
    const struct evpop_opening *opening, const struct evpop_result *end)
{
	return opening->failure.error != EVPOP_ERROR_NONE ? &opening->failure
							  : end;
}

void
evpop_opening_clear(struct evpop_opening *opening)
{
	free(opening->timestamp);
	opening->timestamp = NULL;
}
