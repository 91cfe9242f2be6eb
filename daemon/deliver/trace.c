#include "daemon/deliver/trace.h"

#include <string.h>
#include <strings.h>

#include "daemon/deliver/received.h"
#include "daemon/http/network.h"
#include "daemon/store/mail/header.h"

/*
 * Lines further down are the sender's to write: no house has so many servers
 * of its own.
 */
#define TRACE_HOPS 12

/* ---- who is inside ---- */

/* "example.org" of "mx.example.org", "example.co.uk" of "mx.example.co.uk". */
static const char *
trace_organisation(const char *host)
{
	const char *dots[3] = { NULL, NULL, NULL }, *at;

	for (at = host; *at != '\0'; at++)
		if (*at == '.') {
			dots[2] = dots[1];
			dots[1] = dots[0];
			dots[0] = at;
		}
	if (dots[0] == NULL)
		return NULL;
	if (dots[1] == NULL)
		return host;
	if (strlen(dots[0] + 1) == 2 && dots[0] - dots[1] <= 4)
		return dots[2] != NULL ? dots[2] + 1 : host;
	return dots[1] + 1;
}

/*
 * By the name that the server found for the client, not by the client's own
 * word, which anybody may say.
 */
static bool
trace_is_same_house(const struct received *hop)
{
	const char *client = trace_organisation(hop->name);
	const char *server = trace_organisation(hop->by);

	return client != NULL && server != NULL &&
	       strcasecmp(client, server) == 0;
}

/* ESMTPA, ESMTPSA (RFC 3848): a person's own program, not a server. */
static bool
trace_is_submission(const struct received *hop)
{
	size_t length = strlen(hop->with);

	return length > 4 && strncasecmp(hop->with, "ESMTP", 5) == 0 &&
	       (hop->with[length - 1] == 'A' || hop->with[length - 1] == 'a');
}

/*
 * No server of others hands over mail like this: RFC 2033 has LMTP within a
 * network, HTTP and MAPI are those of Exchange Online and of web mail.
 */
static bool
trace_is_local(const struct received *hop)
{
	static const char *const protocols[] = { "LMTP", "HTTP", "MAPI",
		"local" };
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strncasecmp(
			hop->with, protocols[i], strlen(protocols[i])) == 0)
			return true;
	return false;
}

enum trace_place {
	TRACE_INSIDE = 0, /* from a server that is inside, too */
	TRACE_DOUBTFUL, /* from one of the same house, which may be the edge */
	TRACE_OUTSIDE
};

static enum trace_place
trace_place(const struct received *hop)
{
	struct network_address client, server;

	if (!hop->has_from || trace_is_local(hop) ||
	    !network_address_read(hop->address, &client) ||
	    !network_is_public(&client))
		return TRACE_INSIDE;
	if (trace_is_same_house(hop))
		return TRACE_DOUBTFUL;
	return network_address_read(hop->by_address, &server) &&
		       network_is_same(&client, &server)
		   ? TRACE_DOUBTFUL
		   : TRACE_OUTSIDE;
}

/* ---- the walk ---- */

/* Lines as they are passed, the outermost first. */
struct trace_walk {
	struct trace *trace;
	unsigned hops;
	bool has_client; /* doubtful or not, one was found */
	bool is_over;
};

static void
trace_take_client(struct trace *trace, const struct received *hop)
{
	memcpy(trace->helo, hop->helo, sizeof(trace->helo));
	memcpy(trace->name, hop->name, sizeof(trace->name));
	memcpy(trace->address, hop->address, sizeof(trace->address));
	if (hop->recipient[0] != '\0')
		memcpy(
		    trace->recipient, hop->recipient, sizeof(trace->recipient));
	if (hop->has_sender) {
		memcpy(trace->sender, hop->sender, sizeof(trace->sender));
		trace->has_sender = true;
	}
}

static void
trace_take_received(
    struct trace_walk *walk, const struct mail_header_field *field)
{
	struct received hop;
	enum trace_place place;

	received_read(field->value, field->value_length, &hop);
	if (!walk->trace->has_date && hop.has_date) {
		walk->trace->has_date = true;
		walk->trace->date_ms = hop.date_ms;
	}
	if (walk->is_over || walk->hops == TRACE_HOPS)
		return;
	walk->hops++;
	if (walk->trace->recipient[0] == '\0')
		memcpy(walk->trace->recipient, hop.recipient,
		    sizeof(walk->trace->recipient));
	place = trace_place(&hop);
	if (place == TRACE_INSIDE)
		return;
	/* Mail of the house's own people came in where they wrote it. */
	walk->is_over = place == TRACE_OUTSIDE;
	if (walk->has_client && trace_is_submission(&hop))
		return;
	walk->has_client = true;
	trace_take_client(walk->trace, &hop);
}

/* The outermost alone: what is below it came with the message. */
static void
trace_take_return_path(
    struct trace *trace, const struct mail_header_field *field)
{
	char sender[TRACE_ADDRESS];

	if (!received_address_read(field->value, field->value_length, sender))
		return;
	memcpy(trace->sender, sender, sizeof(sender));
	trace->has_sender = true;
}

void
trace_read(const unsigned char *bytes, size_t length, struct trace *trace_r)
{
	struct trace_walk walk = { .trace = trace_r };
	struct mail_header_field field;
	struct mail_header_edge edge;
	const char *message = (const char *)bytes;
	size_t position = 0, body = 0, header = length;

	*trace_r = (struct trace){ 0 };
	mail_header_edge_init(&edge, MAIL_HEADER_OF_MESSAGE);
	if (!mail_header_find_end(&edge, message, length, &body, &header))
		header = length;
	while (mail_header_next(message, header, &position, &field))
		if (mail_header_is(&field, "Received"))
			trace_take_received(&walk, &field);
	/* It says more than what a Received line mentions by the way. */
	if (mail_header_first(message, header, "Return-Path", &field))
		trace_take_return_path(trace_r, &field);
}
