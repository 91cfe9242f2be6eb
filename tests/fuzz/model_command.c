/* The commands of a server other than those that log in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/model_server.h"

static void
send_text(struct model_connection *connection, const char *text)
{
	model_send(connection, text, strlen(text));
}

static void
command_capa(struct model_connection *connection)
{
	const struct model_traits *traits = &connection->server->traits;
	bool after = connection->stage == MODEL_TRANSACTION;
	unsigned mechanisms = traits->mechanisms, mechanism, bit;
	bool sasl = false;

	if (!traits->has_capa) {
		model_reply(connection, false, "no such command");
		return;
	}
	model_reply(connection, true, "they are");
	if (after ? traits->pipelines_after : traits->pipelines_before)
		send_text(connection, "PIPELINING\r\n");
	if (mechanisms & EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER))
		send_text(connection, "USER\r\n");
	if (connection->server->tls == EVPOP_TLS_STLS && !connection->is_secure)
		send_text(connection, "STLS\r\n");
	if (traits->has_uidl)
		send_text(connection, "UIDL\r\n");
	if (traits->has_top)
		send_text(connection, "TOP\r\n");
	for (mechanism = 0; mechanism < EVPOP_MECHANISM_COUNT; mechanism++) {
		bit = EVPOP_MECHANISM_BIT(mechanism);
		if (!(mechanisms & bit) || mechanism == EVPOP_MECHANISM_USER ||
		    mechanism == EVPOP_MECHANISM_APOP)
			continue;
		send_text(connection, sasl ? " " : "SASL ");
		send_text(connection,
		    evpop_mechanism_name((enum evpop_mechanism)mechanism));
		sasl = true;
	}
	send_text(connection, sasl ? "\r\n.\r\n" : ".\r\n");
}

static void
command_stls(struct model_connection *connection)
{
	if (connection->server->tls != EVPOP_TLS_STLS ||
	    connection->is_secure || connection->stage != MODEL_AUTHORIZATION) {
		model_reply(connection, false, "not now");
		return;
	}
	model_reply(connection, true, "begin");
	connection->secures = true;
}

static size_t
message_octets(const struct model_connection *connection, size_t index)
{
	return connection->listed[index]->length;
}

static void
command_stat(struct model_connection *connection)
{
	size_t i, count = 0, octets = 0;

	for (i = 0; i < connection->listed_count; i++) {
		if (connection->marked[i])
			continue;
		count++;
		octets += message_octets(connection, i);
	}
	model_reply(connection, true, "%zu %zu", count, octets);
}

/* The index of the message that is meant; false with a refusal. */
static bool
command_number(
    struct model_connection *connection, const char *argument, size_t *index_r)
{
	unsigned long number = strtoul(argument, NULL, 10);

	if (number == 0 || number > connection->listed_count ||
	    connection->marked[number - 1]) {
		model_reply(connection, false, "no such message");
		return false;
	}
	*index_r = number - 1;
	return true;
}

static void
listing_line(struct model_connection *connection, size_t index, bool ids,
    char *text, size_t size)
{
	char id[16];

	if (ids) {
		model_message_id(&connection->server->maildrop,
		    connection->listed[index], id);
		snprintf(text, size, "%zu %s", index + 1, id);
	} else
		snprintf(text, size, "%zu %zu", index + 1,
		    message_octets(connection, index));
}

static void
command_list(
    struct model_connection *connection, const char *argument, bool ids)
{
	char text[64];
	size_t i;

	if (ids && !connection->server->traits.has_uidl) {
		model_reply(connection, false, "no such command");
		return;
	}
	if (argument[0] != '\0') {
		if (!command_number(connection, argument, &i))
			return;
		listing_line(connection, i, ids, text, sizeof text);
		model_reply(connection, true, "%s", text);
		return;
	}
	model_reply(connection, true, "they are");
	for (i = 0; i < connection->listed_count; i++) {
		if (connection->marked[i])
			continue;
		listing_line(connection, i, ids, text, sizeof text);
		send_text(connection, text);
		send_text(connection, "\r\n");
	}
	send_text(connection, ".\r\n");
}

static void
command_retr(struct model_connection *connection, const char *argument)
{
	size_t index, length;
	char *body;

	if (!command_number(connection, argument, &index))
		return;
	model_reply(
	    connection, true, "%zu octets", message_octets(connection, index));
	body = model_message_stuffed(connection->listed[index], &length);
	model_send(connection, body, length);
	free(body);
	connection->server->statistics->bodies++;
}

static void
command_top(struct model_connection *connection, const char *argument)
{
	const char *lines = strchr(argument, ' ');
	size_t index, length;
	char *body;

	if (!connection->server->traits.has_top) {
		model_reply(connection, false, "no such command");
		return;
	}
	if (!command_number(connection, argument, &index))
		return;
	model_reply(connection, true, "here");
	body = model_message_top(connection->listed[index],
	    lines != NULL ? (unsigned)strtoul(lines, NULL, 10) : 0, &length);
	model_send(connection, body, length);
	free(body);
}

static void
command_dele(struct model_connection *connection, const char *argument)
{
	struct model_message *message;
	size_t index;

	if (!command_number(connection, argument, &index))
		return;
	message = connection->listed[index];
	if (!message->is_stored && !message->is_condemned &&
	    !connection->misleads)
		model_broken("message %u of account %u is deleted and was "
			     "never acknowledged",
		    message->serial, connection->server->maildrop.owner);
	connection->marked[index] = true;
	model_reply(connection, true, "marked");
}

static void
command_quit(struct model_connection *connection)
{
	struct model_server *server = connection->server;
	bool any = false;
	size_t i;

	connection->closes = true;
	for (i = 0; i < connection->listed_count; i++)
		any |= connection->marked[i];
	if (connection->stage == MODEL_TRANSACTION &&
	    server->traits.farewell == MODEL_FAREWELL_CLOSES)
		return;
	if (any && server->traits.farewell == MODEL_FAREWELL_REFUSES) {
		model_reply(connection, false, "some messages are not removed");
		return;
	}
	for (i = 0; i < connection->listed_count; i++) {
		if (!connection->marked[i])
			continue;
		connection->listed[i]->is_there = false;
		server->statistics->deletions++;
	}
	model_reply(connection, true, "farewell");
}

static void
command_in_transaction(
    struct model_connection *connection, const char *verb, const char *argument)
{
	if (strcmp(verb, "STAT") == 0)
		command_stat(connection);
	else if (strcmp(verb, "LIST") == 0 || strcmp(verb, "UIDL") == 0)
		command_list(connection, argument, verb[0] == 'U');
	else if (strcmp(verb, "RETR") == 0)
		command_retr(connection, argument);
	else if (strcmp(verb, "TOP") == 0)
		command_top(connection, argument);
	else if (strcmp(verb, "DELE") == 0)
		command_dele(connection, argument);
	else if (strcmp(verb, "RSET") == 0) {
		memset(connection->marked, 0, sizeof connection->marked);
		model_reply(connection, true, "as before");
	} else if (strcmp(verb, "NOOP") == 0)
		model_reply(connection, true, "nothing");
	else
		model_reply(connection, false, "no such command");
}

void
model_command(
    struct model_connection *connection, const char *verb, const char *argument)
{
	if (strcmp(verb, "CAPA") == 0)
		command_capa(connection);
	else if (strcmp(verb, "STLS") == 0)
		command_stls(connection);
	else if (strcmp(verb, "QUIT") == 0)
		command_quit(connection);
	else if (connection->stage == MODEL_TRANSACTION)
		command_in_transaction(connection, verb, argument);
	else
		model_reply(connection, false, "not now");
}
