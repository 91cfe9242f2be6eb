#include "tests/fuzz/model_server.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const model_fault_names[MODEL_FAULT_COUNT] = {
	[MODEL_FAULT_NONE] = "none",
	[MODEL_FAULT_REFUSES] = "refuses",
	[MODEL_FAULT_REFUSES_WITH_CODE] = "refuses with a code",
	[MODEL_FAULT_REFUSES_FOR_NOW] = "refuses for now",
	[MODEL_FAULT_OK_FOR_PLUS] = "+OK for +, + for +OK",
	[MODEL_FAULT_SWALLOWS] = "swallows what is behind",
	[MODEL_FAULT_CLOSES_BEFORE] = "closes before",
	[MODEL_FAULT_CLOSES_AFTER] = "closes after",
	[MODEL_FAULT_CLOSES_AMID] = "closes amid",
	[MODEL_FAULT_STALLS] = "stalls",
	[MODEL_FAULT_STALLS_AMID] = "stalls amid",
	[MODEL_FAULT_GARBAGE] = "garbage",
	[MODEL_FAULT_SPEAKS_TWICE] = "speaks twice",
	[MODEL_FAULT_SPEAKS_FIRST] = "speaks first",
	[MODEL_FAULT_LATE] = "late",
	[MODEL_FAULT_EMPTY] = "empty",
	[MODEL_FAULT_BARE] = "bare",
};

void
model_send(struct model_connection *connection, const char *octets, size_t n)
{
	char *out;

	out = realloc(connection->out, connection->out_length + n + 1);
	if (out == NULL)
		abort();
	memcpy(out + connection->out_length, octets, n);
	connection->out = out;
	connection->out_length += n;
}

/* The command is named by the one that was noted last. */
void
model_reply(
    struct model_connection *connection, bool ok, const char *format, ...)
{
	char text[512], line[600];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	snprintf(line, sizeof line, "%s %s #%u.%zu\r\n", ok ? "+OK" : "-ERR",
	    text, connection->id, connection->answer_count);
	connection->answers[connection->answer_count - 1].ok = ok;
	model_send(connection, line, strlen(line));
}

static void
connection_note(struct model_connection *connection, const char *line)
{
	struct model_answer *answers, *answer;

	answers = reallocarray(
	    connection->answers, connection->answer_count + 1, sizeof *answers);
	if (answers == NULL)
		abort();
	connection->answers = answers;
	answer = &answers[connection->answer_count++];
	memset(answer, 0, sizeof *answer);
	snprintf(answer->line, sizeof answer->line, "%s", line);
}

static void
connection_close(struct model_connection *connection)
{
	model_wire_free(connection->wire);
	connection->wire = NULL;
	connection->stage = MODEL_OVER;
}

static bool
connection_read(struct model_connection *connection)
{
	size_t room = sizeof connection->in - connection->in_length;
	ssize_t n;

	if (room == 0)
		return false;
	n = model_wire_read(
	    connection->wire, connection->in + connection->in_length, room);
	if (n == 0)
		return false;
	if (n < 0)
		connection_close(connection);
	else
		connection->in_length += (size_t)n;
	return true;
}

bool
model_swallow(struct model_connection *connection)
{
	bool any = connection->in_length > 0;

	connection->in_length = 0;
	while (connection->wire != NULL && connection_read(connection)) {
		any = true;
		connection->in_length = 0;
	}
	return any;
}

/* A line without its end, upper case where it is a verb; false: none. */
static bool
connection_line(struct model_connection *connection, char *line, size_t size)
{
	char *end = memchr(connection->in, '\n', connection->in_length);
	size_t length;

	if (end == NULL)
		return false;
	length = (size_t)(end - connection->in);
	if (length == 0 || end[-1] != '\r') {
		/* Who was told to begin with TLS does. */
		if (!connection->misleads)
			model_broken("a line of the client ends without CR");
		connection->stalls = true;
		return false;
	}
	snprintf(line, size, "%.*s", (int)(length - 1), connection->in);
	connection->in_length -= length + 1;
	memmove(connection->in, end + 1, connection->in_length);
	return true;
}

static void
connection_command(struct model_connection *connection, char *line)
{
	char verb[16], *argument = strchr(line, ' ');
	size_t i;

	if (argument != NULL)
		*argument++ = '\0';
	for (i = 0; line[i] != '\0' && i < sizeof verb - 1; i++)
		verb[i] = (char)toupper((unsigned char)line[i]);
	verb[i] = '\0';
	if (!model_login_command(connection, verb, argument))
		model_command(
		    connection, verb, argument != NULL ? argument : "");
}

/* Whatever the command was, this is what a faulty server says to it. */
static bool
fault_instead(struct model_connection *connection, enum model_fault_kind fault)
{
	static const char *const codes[] = { "IN-USE", "SYS/TEMP", "SYS/PERM",
		"AUTH", "LOGIN-DELAY" };
	static const char *const words[] = { "the maildrop is already locked",
		"temporary failure, try again later", "too many connections" };
	struct model_choice *choice = connection->server->choice;
	const char *said = connection->server->traits.words;

	switch (fault) {
	case MODEL_FAULT_REFUSES:
		model_reply(
		    connection, false, "%s", said != NULL ? said : "no");
		break;
	case MODEL_FAULT_REFUSES_WITH_CODE:
		model_reply(
		    connection, false, "[%s] no", codes[model_pick(choice, 5)]);
		break;
	case MODEL_FAULT_REFUSES_FOR_NOW:
		model_reply(
		    connection, false, "%s", words[model_pick(choice, 3)]);
		break;
	case MODEL_FAULT_OK_FOR_PLUS:
		connection->misleads = true;
		if (connection->stage == MODEL_CHALLENGED)
			model_reply(connection, true, "go on");
		else
			model_send(connection, "+ \r\n", 4);
		break;
	case MODEL_FAULT_CLOSES_BEFORE:
		connection->closes = true;
		break;
	case MODEL_FAULT_STALLS:
		connection->stalls = true;
		break;
	case MODEL_FAULT_GARBAGE:
		connection->misleads = true;
		model_send(connection, "* what?\r\n", 9);
		break;
	case MODEL_FAULT_EMPTY:
		connection->misleads = true;
		model_reply(connection, true, "0");
		if (connection->stage != MODEL_CHALLENGED)
			model_send(connection, ".\r\n", 3);
		break;
	case MODEL_FAULT_BARE:
		connection->misleads = true;
		if (model_pick(choice, 2) == 0)
			model_send(connection, "-ERR\r\n", 6);
		else
			model_send(connection, "+OK\r\n", 5);
		break;
	default:
		return false;
	}
	/* An exchange that was answered otherwise is over. */
	if (connection->stage == MODEL_CHALLENGED)
		connection->stage = MODEL_AUTHORIZATION;
	return true;
}

/* And this beside the right answer. */
static void
fault_beside(struct model_connection *connection, enum model_fault_kind fault)
{
	struct model_choice *choice = connection->server->choice;
	size_t length = connection->out_length;

	switch (fault) {
	case MODEL_FAULT_SWALLOWS:
		connection->has_swallowed |= model_swallow(connection);
		break;
	case MODEL_FAULT_CLOSES_AFTER:
		connection->closes = true;
		break;
	case MODEL_FAULT_CLOSES_AMID:
	case MODEL_FAULT_STALLS_AMID:
		if (length > 0)
			connection->out_length =
			    model_pick(choice, 256) % length;
		connection->closes = fault == MODEL_FAULT_CLOSES_AMID;
		connection->stalls = fault == MODEL_FAULT_STALLS_AMID;
		break;
	case MODEL_FAULT_SPEAKS_TWICE:
		connection->misleads = true;
		model_send(connection, "+OK again\r\n", 11);
		break;
	case MODEL_FAULT_LATE:
		connection->is_late = true;
		break;
	default:
		break;
	}
}

static enum model_fault_kind
connection_fault(const struct model_connection *connection, const char *line)
{
	struct model_server *server = connection->server;
	const struct model_traits *traits = &server->traits;
	enum model_fault_kind fault = MODEL_FAULT_NONE;

	if (traits->at != NULL &&
	    strncmp(line, traits->at, strlen(traits->at)) == 0)
		fault = traits->there;
	else if (traits->is_faulty)
		fault = (enum model_fault_kind)model_fault(
		    server->choice, MODEL_FAULT_COUNT);
	server->statistics->faults[fault]++;
	return fault;
}

static void
connection_greet(struct model_connection *connection)
{
	enum model_fault_kind fault = connection_fault(connection, "greeting");
	unsigned mechanisms = connection->server->traits.mechanisms;
	bool apop = mechanisms & EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_APOP);

	connection->stage = MODEL_AUTHORIZATION;
	connection_note(connection, "greeting");
	if (fault_instead(connection, fault))
		return;
	model_reply(
	    connection, true, "ready%s", apop ? " " MODEL_TIMESTAMP : "");
	fault_beside(connection, fault);
}

/* One line of the client. */
static void
connection_serve(struct model_connection *connection, char *line)
{
	struct model_server *server = connection->server;
	bool responds = connection->stage == MODEL_CHALLENGED;
	enum model_fault_kind fault =
	    connection_fault(connection, responds ? "response" : line);

	/* Nobody can tell which of them this is the reply to. */
	if (connection->has_swallowed)
		connection->misleads = true;
	server->statistics->commands++;
	if (fault == MODEL_FAULT_SPEAKS_FIRST) {
		connection->misleads = true;
		model_send(connection, "-ERR out of turn\r\n", 18);
	}
	if (responds) {
		if (!fault_instead(connection, fault))
			model_login_response(connection, line);
	} else {
		connection_note(connection, line);
		if (!fault_instead(connection, fault))
			connection_command(connection, line);
	}
	fault_beside(connection, fault);
}

static bool
connection_push(struct model_connection *connection, unsigned cut)
{
	size_t length = model_wire_pending(connection->wire), most = length;

	if (cut == 1)
		most = 1;
	else if (cut == 2)
		most = length / 3 + 1;
	else if (cut > 2)
		most = 1 + model_pick(connection->server->choice, 256) % length;
	return model_wire_push(connection->wire, most);
}

/* What was answered goes out; behind STLS all is TLS. */
static void
connection_flush(struct model_connection *connection)
{
	if (connection->wire == NULL)
		return;
	model_wire_write(
	    connection->wire, connection->out, connection->out_length);
	connection->out_length = 0;
	if (!connection->secures)
		return;
	if (connection->in_length > 0 && !connection->misleads)
		model_broken("account %u sends something behind STLS",
		    connection->server->maildrop.owner);
	connection->secures = false;
	connection->is_secure = true;
	model_wire_start_tls(connection->wire);
}

bool
model_connection_pump(struct model_connection *connection, unsigned cut)
{
	bool moved = false;
	char line[4096];

	if (connection->wire == NULL || connection->is_late)
		return false;
	if (model_wire_pending(connection->wire) > 0)
		return connection_push(connection, cut);
	if (connection->closes) {
		connection_close(connection);
		return true;
	}
	if (connection->stage == MODEL_GREETING &&
	    model_wire_is_ready(connection->wire)) {
		connection_greet(connection);
		connection_flush(connection);
		return true;
	}
	moved = connection_read(connection);
	if (connection->wire == NULL)
		return true;
	if (connection->stalls)
		connection->in_length = 0;
	else if (connection_line(connection, line, sizeof line)) {
		moved = true;
		connection_serve(connection, line);
		connection_flush(connection);
	}
	return moved || (connection->wire != NULL &&
			    model_wire_pending(connection->wire) > 0);
}

static void
connection_list(struct model_connection *connection)
{
	struct model_maildrop *maildrop = &connection->server->maildrop;
	size_t i;

	for (i = 0; i < maildrop->count; i++)
		if (maildrop->messages[i].is_there)
			connection->listed[connection->listed_count++] =
			    &maildrop->messages[i];
}

void
model_server_accept(struct model_server *server, int fd)
{
	struct model_connection *connection = calloc(1, sizeof *connection);

	if (connection == NULL)
		abort();
	connection->server = server;
	connection->id = server->next_id++;
	connection->wire = model_wire_new(fd);
	connection->is_secure = server->tls == EVPOP_TLS_IMPLICIT;
	if (connection->is_secure)
		model_wire_start_tls(connection->wire);
	connection_list(connection);
	server->statistics->sessions++;
	LIST_INSERT_HEAD(&server->connections, connection, entry);
}

void
model_server_clear(struct model_server *server)
{
	struct model_connection *connection;

	while ((connection = LIST_FIRST(&server->connections)) != NULL) {
		LIST_REMOVE(connection, entry);
		model_wire_free(connection->wire);
		model_sasl_free(connection->sasl);
		free(connection->answers);
		free(connection->out);
		free(connection);
	}
	model_maildrop_clear(&server->maildrop);
}
