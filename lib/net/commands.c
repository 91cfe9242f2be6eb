/* The requests that a caller may make. */
#include <stdlib.h>
#include <string.h>

#include "lib/core/command.h"
#include "lib/net/login.h"
#include "lib/net/request.h"

enum evpop_error
evpop_client_connect(
    struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return evpop_client_ask(client,
	    &(struct evpop_client_request){
		.kind = EVPOP_REQUEST_CONNECT, .reply = reply, .arg = arg });
}

/* Each becomes part of a line or of a SASL message. */
static bool
commands_credentials_are_good(const struct evpop_credentials *credentials)
{
	const char *password = credentials->password;
	const char *token = credentials->token;

	return credentials->user != NULL &&
	       evpop_text_harmless(credentials->user) &&
	       (password != NULL || token != NULL ||
		   credentials->want_token != NULL ||
		   credentials->mechanisms ==
		       EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_EXTERNAL)) &&
	       (password == NULL || evpop_text_harmless(password)) &&
	       (token == NULL || evpop_text_harmless(token));
}

enum evpop_error
evpop_client_login(struct evpop_client *client,
    const struct evpop_credentials *credentials, evpop_reply_cb reply,
    void *arg)
{
	struct evpop_client_request request = {
		.kind = EVPOP_REQUEST_LOGIN, .reply = reply, .arg = arg
	};
	enum evpop_error error;

	if (!commands_credentials_are_good(credentials))
		return EVPOP_ERROR_USAGE;
	request.login = evpop_login_new(credentials);
	if (request.login == NULL)
		return EVPOP_ERROR_MEMORY;
	error = evpop_client_ask(client, &request);
	if (error != EVPOP_ERROR_NONE)
		evpop_login_free(&request.login);
	return error;
}

enum evpop_error
evpop_client_open(struct evpop_client *client, const char *user,
    const char *password, evpop_reply_cb reply, void *arg)
{
	const struct evpop_credentials credentials = { .user = user,
		.password = password };
	enum evpop_error error;

	if (!commands_credentials_are_good(&credentials))
		return EVPOP_ERROR_USAGE;
	error = evpop_client_connect(client, NULL, NULL);
	return error != EVPOP_ERROR_NONE
		   ? error
		   : evpop_client_login(client, &credentials, reply, arg);
}

static enum evpop_error
commands_ask(struct evpop_client *client, enum evpop_command command,
    uint32_t number, evpop_listed_cb listed, evpop_reply_cb reply, void *arg)
{
	if (!evpop_command_valid(&(struct evpop_request){
		.command = command, .number = number }))
		return EVPOP_ERROR_USAGE;
	return evpop_client_ask(
	    client, &(struct evpop_client_request){ .command = command,
			.number = number,
			.listed = listed,
			.reply = reply,
			.arg = arg });
}

static enum evpop_error
commands_ask_body(
    struct evpop_client *client, const struct evpop_client_request *request)
{
	if (request->number == 0 || request->sink == NULL ||
	    request->sink->end == NULL)
		return EVPOP_ERROR_USAGE;
	return evpop_client_ask(client, request);
}

enum evpop_error
evpop_client_stat(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return commands_ask(client, EVPOP_COMMAND_STAT, 0, NULL, reply, arg);
}

enum evpop_error
evpop_client_list(struct evpop_client *client, uint32_t number,
    evpop_listed_cb listed, evpop_reply_cb reply, void *arg)
{
	return commands_ask(
	    client, EVPOP_COMMAND_LIST, number, listed, reply, arg);
}

enum evpop_error
evpop_client_uidl(struct evpop_client *client, uint32_t number,
    evpop_listed_cb listed, evpop_reply_cb reply, void *arg)
{
	return commands_ask(
	    client, EVPOP_COMMAND_UIDL, number, listed, reply, arg);
}

enum evpop_error
evpop_client_retr(struct evpop_client *client, uint32_t number,
    const struct evpop_sink *sink, void *arg)
{
	return evpop_client_retr_listed(client, number, 0, sink, arg);
}

enum evpop_error
evpop_client_retr_listed(struct evpop_client *client, uint32_t number,
    uint64_t octets, const struct evpop_sink *sink, void *arg)
{
	return commands_ask_body(client,
	    &(struct evpop_client_request){ .command = EVPOP_COMMAND_RETR,
		.number = number,
		.octets = octets,
		.sink = sink,
		.arg = arg });
}

enum evpop_error
evpop_client_top(struct evpop_client *client, uint32_t number, uint32_t lines,
    const struct evpop_sink *sink, void *arg)
{
	return commands_ask_body(client,
	    &(struct evpop_client_request){ .command = EVPOP_COMMAND_TOP,
		.number = number,
		.lines = lines,
		.sink = sink,
		.arg = arg });
}

enum evpop_error
evpop_client_dele(struct evpop_client *client, uint32_t number,
    evpop_reply_cb reply, void *arg)
{
	return commands_ask(
	    client, EVPOP_COMMAND_DELE, number, NULL, reply, arg);
}

enum evpop_error
evpop_client_noop(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return commands_ask(client, EVPOP_COMMAND_NOOP, 0, NULL, reply, arg);
}

enum evpop_error
evpop_client_rset(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return commands_ask(client, EVPOP_COMMAND_RSET, 0, NULL, reply, arg);
}

enum evpop_error
evpop_client_capa(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return commands_ask(client, EVPOP_COMMAND_CAPA, 0, NULL, reply, arg);
}

enum evpop_error
evpop_client_utf8(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return commands_ask(client, EVPOP_COMMAND_UTF8, 0, NULL, reply, arg);
}

enum evpop_error
evpop_client_lang(struct evpop_client *client, const char *language,
    evpop_line_cb line, evpop_reply_cb reply, void *arg)
{
	struct evpop_client_request request = {
		.command = EVPOP_COMMAND_LANG,
		.line = line,
		.reply = reply,
		.arg = arg,
	};
	enum evpop_error error;

	if (language != NULL) {
		if (!evpop_text_harmless(language))
			return EVPOP_ERROR_USAGE;
		request.text = strdup(language);
		if (request.text == NULL)
			return EVPOP_ERROR_MEMORY;
	}
	error = evpop_client_ask(client, &request);
	if (error != EVPOP_ERROR_NONE)
		free(request.text);
	return error;
}

enum evpop_error
evpop_client_quit(struct evpop_client *client, evpop_reply_cb reply, void *arg)
{
	return commands_ask(client, EVPOP_COMMAND_QUIT, 0, NULL, reply, arg);
}
