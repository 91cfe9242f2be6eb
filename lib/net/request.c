#include <stdlib.h>
#include <string.h>

#include "lib/core/command.h"
#include "lib/net/client.h"
#include "lib/net/request.h"

static void
forget(char **secret)
{
	if (*secret == NULL)
		return;
	explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

static enum evpop_error
submit(struct evpop_client_request *request, struct evpop_proto *proto,
    enum evpop_command command, const char *text)
{
	const struct evpop_request core = {
		.command = command,
		.text = text,
		.number = request->number,
		.lines = request->lines,
		.arg = request,
	};
	enum evpop_error error = evpop_proto_submit(proto, &core);

	if (error == EVPOP_ERROR_NONE)
		request->parts++;
	return error;
}

enum evpop_error
evpop_client_request_submit(struct evpop_client_request *request,
    struct evpop_proto *proto, enum evpop_tls tls)
{
	enum evpop_error error = EVPOP_ERROR_NONE;

	switch (request->kind) {
	case EVPOP_REQUEST_COMMAND:
		error = submit(request, proto, request->command, NULL);
		break;
	case EVPOP_REQUEST_CONNECT:
		if (tls == EVPOP_TLS_STLS)
			error =
			    submit(request, proto, EVPOP_COMMAND_STLS, NULL);
		if (error == EVPOP_ERROR_NONE)
			error =
			    submit(request, proto, EVPOP_COMMAND_CAPA, NULL);
		break;
	case EVPOP_REQUEST_LOGIN:
		error =
		    submit(request, proto, EVPOP_COMMAND_USER, request->user);
		if (error == EVPOP_ERROR_NONE)
			error = submit(request, proto, EVPOP_COMMAND_PASS,
			    request->password);
		forget(&request->user);
		forget(&request->password);
		break;
	}
	request->submitted = request->parts > 0;
	return error;
}

bool
evpop_client_request_needs_login(const struct evpop_client_request *request)
{
	return request->kind == EVPOP_REQUEST_COMMAND &&
	       evpop_command_rule(request->command)->transaction;
}

void
evpop_client_request_free(struct evpop_client_request *request)
{
	forget(&request->user);
	forget(&request->password);
	free(request);
}

/* Copy a request to the end of the queue. */
static enum evpop_error
enqueue(
    struct evpop_client *client, const struct evpop_client_request *template)
{
	struct evpop_client_request *request;

	if (!evpop_client_accepts(client, template->kind))
		return EVPOP_ERROR_USAGE;
	request = malloc(sizeof(*request));
	if (request == NULL)
		return EVPOP_ERROR_MEMORY;
	*request = *template;
	evpop_client_enqueue(client, request);
	return EVPOP_ERROR_NONE;
}

enum evpop_error
evpop_client_connect(
    struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return enqueue(client,
	    &(struct evpop_client_request){
		.kind = EVPOP_REQUEST_CONNECT, .reply = reply, .arg = arg });
}

enum evpop_error
evpop_client_login(struct evpop_client *client, const char *user,
    const char *password, evpop_reply_cb reply, void *arg)
{
	struct evpop_client_request request = {
		.kind = EVPOP_REQUEST_LOGIN, .reply = reply, .arg = arg
	};
	enum evpop_error error;

	if (!evpop_command_valid(&(struct evpop_request){
		.command = EVPOP_COMMAND_USER, .text = user }) ||
	    !evpop_command_valid(&(struct evpop_request){
		.command = EVPOP_COMMAND_PASS, .text = password }))
		return EVPOP_ERROR_USAGE;
	request.user = strdup(user);
	request.password = strdup(password);
	error = request.user == NULL || request.password == NULL
		    ? EVPOP_ERROR_MEMORY
		    : enqueue(client, &request);
	if (error != EVPOP_ERROR_NONE) {
		forget(&request.user);
		forget(&request.password);
	}
	return error;
}

static enum evpop_error
enqueue_command(struct evpop_client *client, enum evpop_command command,
    uint32_t number, evpop_listed_cb listed, evpop_reply_cb reply, void *arg)
{
	if (!evpop_command_valid(&(struct evpop_request){
		.command = command, .number = number }))
		return EVPOP_ERROR_USAGE;
	return enqueue(
	    client, &(struct evpop_client_request){ .command = command,
			.number = number,
			.listed = listed,
			.reply = reply,
			.arg = arg });
}

static enum evpop_error
enqueue_body(struct evpop_client *client, enum evpop_command command,
    uint32_t number, uint32_t lines, const struct evpop_sink *sink, void *arg)
{
	if (number == 0 || sink == NULL || sink->end == NULL)
		return EVPOP_ERROR_USAGE;
	return enqueue(
	    client, &(struct evpop_client_request){ .command = command,
			.number = number,
			.lines = lines,
			.sink = sink,
			.arg = arg });
}

enum evpop_error
evpop_client_stat(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return enqueue_command(client, EVPOP_COMMAND_STAT, 0, NULL, reply, arg);
}

enum evpop_error
evpop_client_list(struct evpop_client *client, uint32_t number,
    evpop_listed_cb listed, evpop_reply_cb reply, void *arg)
{
	return enqueue_command(
	    client, EVPOP_COMMAND_LIST, number, listed, reply, arg);
}

enum evpop_error
evpop_client_uidl(struct evpop_client *client, uint32_t number,
    evpop_listed_cb listed, evpop_reply_cb reply, void *arg)
{
	return enqueue_command(
	    client, EVPOP_COMMAND_UIDL, number, listed, reply, arg);
}

enum evpop_error
evpop_client_retr(struct evpop_client *client, uint32_t number,
    const struct evpop_sink *sink, void *arg)
{
	return enqueue_body(client, EVPOP_COMMAND_RETR, number, 0, sink, arg);
}

enum evpop_error
evpop_client_top(struct evpop_client *client, uint32_t number, uint32_t lines,
    const struct evpop_sink *sink, void *arg)
{
	return enqueue_body(
	    client, EVPOP_COMMAND_TOP, number, lines, sink, arg);
}

enum evpop_error
evpop_client_dele(struct evpop_client *client, uint32_t number,
    evpop_reply_cb reply, void *arg)
{
	return enqueue_command(
	    client, EVPOP_COMMAND_DELE, number, NULL, reply, arg);
}

enum evpop_error
evpop_client_noop(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return enqueue_command(client, EVPOP_COMMAND_NOOP, 0, NULL, reply, arg);
}

enum evpop_error
evpop_client_rset(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return enqueue_command(client, EVPOP_COMMAND_RSET, 0, NULL, reply, arg);
}

enum evpop_error
evpop_client_capa(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return enqueue_command(client, EVPOP_COMMAND_CAPA, 0, NULL, reply, arg);
}

enum evpop_error
evpop_client_quit(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return enqueue_command(client, EVPOP_COMMAND_QUIT, 0, NULL, reply, arg);
}
