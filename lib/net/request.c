#include "lib/net/request.h"

#include <stdlib.h>

#include "lib/net/login.h"

void
evpop_requests_init(struct evpop_requests *requests)
{
	TAILQ_INIT(&requests->waiting);
	TAILQ_INIT(&requests->spare);
	requests->next = NULL;
}

/* Wipe and free all it owns, but for itself. */
static void
request_clear(struct evpop_client_request *request)
{
	evpop_login_free(&request->login);
	free(request->text);
	request->text = NULL;
}

void
evpop_requests_clear(struct evpop_requests *requests)
{
	struct evpop_client_request *request;

	TAILQ_CONCAT(&requests->waiting, &requests->spare, entry);
	while ((request = TAILQ_FIRST(&requests->waiting)) != NULL) {
		TAILQ_REMOVE(&requests->waiting, request, entry);
		request_clear(request);
		free(request);
	}
}

/* One that is done with serves again: a steady state allocates nothing. */
static struct evpop_client_request *
request_new(
    struct evpop_requests *requests, const struct evpop_client_request *from)
{
	struct evpop_client_request *request = TAILQ_FIRST(&requests->spare);

	if (request == NULL)
		request = malloc(sizeof *request);
	else
		TAILQ_REMOVE(&requests->spare, request, entry);
	if (request != NULL)
		*request = *from;
	return request;
}

struct evpop_client_request *
evpop_requests_push(
    struct evpop_requests *requests, const struct evpop_client_request *from)
{
	struct evpop_client_request *request = request_new(requests, from);

	if (request == NULL)
		return NULL;
	TAILQ_INSERT_TAIL(&requests->waiting, request, entry);
	if (requests->next == NULL)
		requests->next = request;
	return request;
}

struct evpop_client_request *
evpop_requests_insert(struct evpop_requests *requests,
    struct evpop_client_request *behind,
    const struct evpop_client_request *from)
{
	struct evpop_client_request *request = request_new(requests, from);

	if (request == NULL)
		return NULL;
	TAILQ_INSERT_AFTER(&requests->waiting, behind, request, entry);
	if (requests->next == TAILQ_NEXT(request, entry))
		requests->next = request;
	return request;
}

struct evpop_client_request *
evpop_requests_first(const struct evpop_requests *requests)
{
	return TAILQ_FIRST(&requests->waiting);
}

struct evpop_client_request *
evpop_requests_next(const struct evpop_requests *requests)
{
	const struct evpop_client_request *before;

	if (requests->next == NULL)
		return NULL;
	before = TAILQ_PREV(requests->next, evpop_request_list, entry);
	return before != NULL && before->is_open ? NULL : requests->next;
}

void
evpop_requests_advance(struct evpop_requests *requests)
{
	requests->next = TAILQ_NEXT(requests->next, entry);
}

bool
evpop_requests_follow(const struct evpop_requests *requests,
    const struct evpop_client_request *request)
{
	return TAILQ_NEXT(request, entry) != requests->next;
}

void
evpop_request_open(struct evpop_client_request *request)
{
	request->is_open = true;
}

void
evpop_request_close(struct evpop_client_request *request)
{
	request->is_open = false;
}

struct evpop_login *
evpop_request_login(const struct evpop_client_request *request)
{
	return request->login;
}

enum evpop_error
evpop_request_submit(struct evpop_client_request *request,
    struct evpop_proto *proto, enum evpop_command command)
{
	const struct evpop_request core = {
		.command = command,
		.text = request->text,
		.number = request->number,
		.lines = request->lines,
		.octets = request->octets,
		.arg = request,
	};

	return evpop_proto_submit(proto, &core);
}

/* ---- what the caller is told ---- */

enum evpop_flow
evpop_request_begin(const struct evpop_client_request *request,
    struct evpop_client *client, const struct evpop_event *event)
{
	if (request->sink == NULL || request->sink->begin == NULL)
		return EVPOP_FLOW_CONTINUE;
	return request->sink->begin(client, request->number,
	    event->has_octets ? event->octets : 0, request->arg);
}

static void
request_entry(const struct evpop_client_request *request,
    struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_listed listed = {
		.number = event->number,
		.octets = event->octets,
		.unique_id = event->data,
		.unique_id_length = event->length,
	};

	if (request->listed != NULL)
		request->listed(client, &listed, request->arg);
}

static void
request_line(const struct evpop_client_request *request,
    struct evpop_client *client, const struct evpop_event *event)
{
	char text[EVPOP_TEXT_SIZE];

	if (request->line == NULL)
		return;
	evpop_printable(text, sizeof text, event->data, event->length);
	request->line(client, text, request->arg);
}

enum evpop_flow
evpop_request_data(const struct evpop_client_request *request,
    struct evpop_client *client, const struct evpop_event *event)
{
	switch (event->type) {
	case EVPOP_EVENT_ENTRY:
		request_entry(request, client, event);
		break;
	case EVPOP_EVENT_LINE:
		request_line(request, client, event);
		break;
	default:
		if (request->sink->data != NULL)
			return request->sink->data(
			    client, event->data, event->length, request->arg);
		break;
	}
	return EVPOP_FLOW_CONTINUE;
}

void
evpop_requests_answer(struct evpop_requests *requests,
    struct evpop_client *client, const struct evpop_reply *reply)
{
	struct evpop_client_request *request = TAILQ_FIRST(&requests->waiting);

	if (requests->next == request)
		evpop_requests_advance(requests);
	TAILQ_REMOVE(&requests->waiting, request, entry);
	if (request->sink != NULL)
		request->sink->end(
		    client, request->number, &reply->result, request->arg);
	else if (request->reply != NULL)
		request->reply(client, reply, request->arg);
	request_clear(request);
	TAILQ_INSERT_HEAD(&requests->spare, request, entry);
}
