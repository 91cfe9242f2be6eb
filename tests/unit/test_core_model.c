/*
 * A session of the core against a server that answers, refuses, challenges,
 * swallows, garbles and closes at random, with every split of input and output,
 * commands queued at any time and failures anywhere.
 *
 * What must hold: DONE comes once for each command, in the order of submission;
 * no other event belongs to another command than the oldest; no answer of an
 * honest server goes to another command than it was made for; and a session
 * either has nothing to do or waits for an answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evpop/proto.h>

#define SESSIONS     6000
#define STEPS        300
#define COMMANDS_MAX 40
#define LINE_SIZE    64
#define TEXT_SIZE    24
#define OUTBOX_SIZE  16384
#define CHALLENGES   3

enum manner {
	HONEST, /* every line is answered, in order, by the rules */
	FAULTY, /* some line is not */
	MANNERS
};

enum expects {
	COMMAND,
	AUTH_RESPONSE
};

struct server {
	enum manner manner;
	enum expects expects;
	char line[LINE_SIZE], auth[LINE_SIZE];
	size_t line_length;
	unsigned challenges, consumed;
	bool closed;
	char outbox[OUTBOX_SIZE];
	size_t out, delivered;
};

struct model {
	uint32_t seed, state;
	struct evpop_proto *proto;
	struct server server;
	char lines[COMMANDS_MAX + 1][LINE_SIZE]; /* of commands, from 1 */
	enum evpop_command commands[COMMANDS_MAX + 1];
	size_t submitted, done;
	unsigned consumed;
	bool challenged, failed, closed;
};

static uint32_t
draw(struct model *model, uint32_t below)
{
	model->state = model->state * 1664525u + 1013904223u;
	return (model->state >> 8) % below;
}

static bool
chance(struct model *model, uint32_t one_in)
{
	return draw(model, one_in) == 0;
}

/* ---- the server ---- */

static void
server_says(struct server *server, const char *text)
{
	size_t length = strlen(text);

	assert_true(server->out + length < OUTBOX_SIZE);
	memcpy(server->outbox + server->out, text, length);
	server->out += length;
}

/* A status line that names the line that it answers. */
static void
server_replies(struct server *server, bool ok, const char *line)
{
	char text[LINE_SIZE * 2];

	snprintf(text, sizeof text, "%s @%s\r\n",
	    !ok                              ? "-ERR"
	    : strncmp(line, "STAT", 4) == 0  ? "+OK 3 120"
	    : strncmp(line, "UIDL ", 5) == 0 ? "+OK 3 id"
	    : strncmp(line, "LIST ", 5) == 0 ? "+OK 3 40"
					     : "+OK",
	    line);
	server_says(server, text);
}

static void
server_challenges(struct model *model)
{
	struct server *server = &model->server;

	server_says(server, chance(model, 2) ? "+ \r\n" : "+ Zm9v\r\n");
	server->expects = AUTH_RESPONSE;
	server->challenges++;
}

/* AUTH, or an answer to a challenge: `final` where nothing more is to come. */
static void
server_authenticates(struct model *model, bool final)
{
	struct server *server = &model->server;

	server->expects = COMMAND;
	if (server->challenges < CHALLENGES && chance(model, 3))
		server_challenges(model);
	else
		server_replies(server, final && chance(model, 2), server->auth);
}

static void
server_takes_response(struct model *model)
{
	struct server *server = &model->server;
	const char *line = server->line;

	if (strcmp(line, "FINAL") == 0 || strcmp(line, "MORE") == 0) {
		server_authenticates(model, line[0] == 'F');
		return;
	}
	server->expects = COMMAND;
	server->consumed += strcmp(line, "*") != 0;
	server_replies(server, false, server->auth);
}

static bool
is_multi_line(const char *line)
{
	return strcmp(line, "LIST") == 0 || strcmp(line, "UIDL") == 0 ||
	       strcmp(line, "CAPA") == 0 || strncmp(line, "TOP", 3) == 0 ||
	       strncmp(line, "RETR", 4) == 0;
}

static void
server_answers(struct model *model)
{
	struct server *server = &model->server;
	bool ok = !chance(model, 4);

	if (strncmp(server->line, "AUTH ", 5) == 0) {
		strcpy(server->auth, server->line);
		server->challenges = 0;
		server_authenticates(model, strstr(server->line, "F ") != NULL);
		return;
	}
	server_replies(server, ok, server->line);
	if (ok && is_multi_line(server->line))
		server_says(server, chance(model, 2)
					? ".\r\n"
					: "1 x\r\n..2 y\r\n3 z\r\n.\r\n");
	if (strcmp(server->line, "QUIT") == 0)
		server->closed = true;
}

static void
server_errs(struct model *model)
{
	static const char *const words[] = { "", "\r\n", "what?\r\n", "+ \r\n",
		"+OK", "+OK\r\n+OK\r\n", ".\r\n", "-ERR\r\n.\r\n",
		"+OK 7\r\na\r\n+OK\r\nb\r\n.\r\n" };

	if (chance(model, 4))
		model->server.closed = true;
	else
		server_says(&model->server,
		    words[draw(model, sizeof words / sizeof words[0])]);
}

static void
server_takes_line(struct model *model)
{
	struct server *server = &model->server;

	if (server->closed)
		return;
	if (server->manner == FAULTY && chance(model, 8))
		server_errs(model);
	else if (server->expects == AUTH_RESPONSE)
		server_takes_response(model);
	else
		server_answers(model);
}

static void
server_takes(struct model *model, const unsigned char *bytes, size_t length)
{
	struct server *server = &model->server;
	size_t i;

	for (i = 0; i < length; i++) {
		if (bytes[i] != '\n') {
			assert_true(server->line_length + 1 < LINE_SIZE);
			server->line[server->line_length++] = (char)bytes[i];
			continue;
		}
		assert_true(server->line_length > 0);
		server->line[server->line_length - 1] = '\0';
		server->line_length = 0;
		server_takes_line(model);
	}
}

/* ---- the caller ---- */

static void
check_reply(struct model *model, const struct evpop_event *event)
{
	const char *line = model->lines[model->done + 1];
	const char *text = event->result->text, *named = strchr(text, '@');

	if (model->server.manner != HONEST ||
	    event->result->error == EVPOP_ERROR_CANCELLED || model->failed ||
	    evpop_proto_over(model->proto))
		return;
	if (named == NULL || strcmp(named + 1, line) != 0)
		fail_msg("seed %lu: \"%s\" was answered \"%s\"",
		    (unsigned long)model->seed, line, text);
}

static void
check_event(struct model *model, const struct evpop_event *event)
{
	assert_false(model->closed);
	if (event->type == EVPOP_EVENT_GREETING ||
	    event->type == EVPOP_EVENT_CLOSED)
		return;
	/* Whatever it is, it belongs to the oldest. */
	assert_true(model->done < model->submitted);
	assert_int_equal((uintptr_t)event->arg, model->done + 1);
	assert_int_equal(event->command, model->commands[model->done + 1]);
	if (event->type == EVPOP_EVENT_BEGIN || event->type == EVPOP_EVENT_DONE)
		check_reply(model, event);
}

static void
take_event(struct model *model, const struct evpop_event *event)
{
	check_event(model, event);
	switch (event->type) {
	case EVPOP_EVENT_CHALLENGE:
		assert_int_equal(event->command, EVPOP_COMMAND_AUTH);
		model->challenged = true;
		break;
	case EVPOP_EVENT_DONE:
		model->done++;
		model->challenged = false;
		model->consumed +=
		    event->result->error == EVPOP_ERROR_CANCELLED &&
		    strstr(event->result->text, "took it");
		break;
	case EVPOP_EVENT_CLOSED:
		assert_int_equal(model->done, model->submitted);
		model->closed = true;
		break;
	default:
		break;
	}
	assert_int_equal(
	    evpop_proto_pending(model->proto), model->submitted - model->done);
}

/* Deliver as many octets, and take at most so many events. */
static bool
deliver(struct model *model, size_t length, unsigned events)
{
	struct server *server = &model->server;
	struct evpop_event event;
	size_t used, end = server->delivered + length;
	bool news = length > 0;

	while (events-- > 0) {
		evpop_proto_next(model->proto,
		    server->outbox + server->delivered, end - server->delivered,
		    &used, &event);
		server->delivered += used;
		if (event.type == EVPOP_EVENT_NONE)
			break;
		news = true;
		take_event(model, &event);
	}
	return news;
}

static bool
write_out(struct model *model, bool all)
{
	const unsigned char *bytes;
	size_t length;

	bytes = evpop_proto_output(model->proto, &length);
	if (length == 0)
		return false;
	if (!all)
		length = 1 + draw(model, (uint32_t)length);
	server_takes(model, bytes, length);
	evpop_proto_sent(model->proto, length);
	return true;
}

static void
respond(struct model *model)
{
	bool final = chance(model, 2);
	const char *line = chance(model, 6) ? "*" : final ? "FINAL" : "MORE";

	assert_int_equal(
	    evpop_proto_respond(model->proto, line, final), EVPOP_ERROR_NONE);
	model->challenged = false;
}

/* A command that nothing is known of but its name, with what it needs. */
static void
fill_request(struct model *model, struct evpop_request *request,
    char text[TEXT_SIZE], char line[LINE_SIZE])
{
	const char *name = evpop_command_name(request->command);
	size_t n = model->submitted + 1;

	request->final = chance(model, 2);
	snprintf(text, TEXT_SIZE, "x%zu%s", n, request->final ? "F" : "");
	snprintf(line, LINE_SIZE, "%s", name);
	switch (request->command) {
	case EVPOP_COMMAND_AUTH:
		request->initial = "aW5p";
		request->text = text;
		snprintf(line, LINE_SIZE, "AUTH %s aW5p", text);
		break;
	case EVPOP_COMMAND_USER:
	case EVPOP_COMMAND_PASS:
		request->text = text;
		snprintf(line, LINE_SIZE, "%.8s %s", name, text);
		break;
	case EVPOP_COMMAND_LIST:
	case EVPOP_COMMAND_UIDL:
		if (chance(model, 2))
			break;
		/* FALLTHROUGH */
	case EVPOP_COMMAND_RETR:
	case EVPOP_COMMAND_DELE:
	case EVPOP_COMMAND_TOP:
		request->number = (uint32_t)n;
		request->octets = draw(model, 30);
		snprintf(line, LINE_SIZE, "%s %zu%s", name, n,
		    request->command == EVPOP_COMMAND_TOP ? " 0" : "");
		break;
	default:
		break;
	}
}

static void
submit(struct model *model)
{
	static const enum evpop_command any[] = { EVPOP_COMMAND_USER,
		EVPOP_COMMAND_PASS, EVPOP_COMMAND_AUTH, EVPOP_COMMAND_AUTH,
		EVPOP_COMMAND_AUTH, EVPOP_COMMAND_CAPA, EVPOP_COMMAND_STAT,
		EVPOP_COMMAND_LIST, EVPOP_COMMAND_UIDL, EVPOP_COMMAND_RETR,
		EVPOP_COMMAND_RETR, EVPOP_COMMAND_TOP, EVPOP_COMMAND_DELE,
		EVPOP_COMMAND_NOOP, EVPOP_COMMAND_STLS, EVPOP_COMMAND_QUIT };
	size_t n = model->submitted + 1;
	char text[TEXT_SIZE];
	struct evpop_request request = {
		.command = any[draw(model, sizeof any / sizeof any[0])],
		.arg = (void *)(uintptr_t)n,
	};

	if (n > COMMANDS_MAX ||
	    (request.command == EVPOP_COMMAND_QUIT && !chance(model, 4)))
		return;
	fill_request(model, &request, text, model->lines[n]);
	if (evpop_proto_submit(model->proto, &request) != EVPOP_ERROR_NONE)
		return;
	model->commands[n] = request.command;
	model->submitted++;
}

static bool
secure(struct model *model)
{
	if (evpop_proto_state(model->proto) != EVPOP_STATE_HANDSHAKE ||
	    evpop_proto_over(model->proto) ||
	    model->server.delivered < model->server.out)
		return false;
	evpop_proto_secured(model->proto);
	return true;
}

static void
fail_session(struct model *model)
{
	struct evpop_result result;

	model->failed = true;
	if (chance(model, 2)) {
		evpop_proto_eof(model->proto);
		return;
	}
	evpop_result_set(&result, EVPOP_ERROR_TIMEOUT, EVPOP_PHASE_COMMAND,
	    "the model had enough");
	evpop_proto_fail(model->proto, &result);
}

static void
step(struct model *model)
{
	size_t left = model->server.out - model->server.delivered;

	switch (draw(model, 7)) {
	case 0:
		submit(model);
		break;
	case 1:
		write_out(model, false);
		break;
	case 2:
	case 3:
		deliver(model, left == 0 ? 0 : draw(model, (uint32_t)left + 1),
		    1 + draw(model, 3));
		break;
	case 4:
		if (model->challenged && !evpop_proto_over(model->proto))
			respond(model);
		break;
	case 5:
		secure(model);
		break;
	default:
		if (chance(model, 20))
			evpop_proto_set_window(model->proto,
			    1 + draw(model, 12), 64 + draw(model, 512));
		else if (chance(model, 300))
			fail_session(model);
		break;
	}
}

/* Everybody does what is to be done, until nobody has anything to do. */
static void
settle(struct model *model)
{
	struct server *server = &model->server;
	bool news;

	do {
		news = write_out(model, true);
		news |= deliver(model, server->out - server->delivered, 1);
		if (model->challenged && !evpop_proto_over(model->proto)) {
			respond(model);
			news = true;
		}
		news |= secure(model);
	} while (news);
}

static void
check_settled(const struct model *model)
{
	const struct evpop_proto *proto = model->proto;

	if (evpop_proto_pending(proto) > 0 &&
	    (evpop_proto_outstanding(proto) == 0 ||
		model->server.manner == HONEST))
		fail_msg("seed %lu: %zu commands wait for nothing",
		    (unsigned long)model->seed, evpop_proto_pending(proto));
	if (model->server.manner == HONEST && !model->failed)
		assert_int_equal(model->consumed, model->server.consumed);
}

static void
play(uint32_t seed, struct model *model)
{
	unsigned i;

	memset(model, 0, sizeof *model);
	model->seed = seed;
	model->state = seed * 2654435761u;
	model->server.manner = (enum manner)draw(model, MANNERS);
	model->proto = evpop_proto_new(NULL);
	assert_non_null(model->proto);
	evpop_proto_set_window(
	    model->proto, 1 + draw(model, 12), 64 + draw(model, 512));
	server_says(&model->server, "+OK\r\n");
	for (i = 0; i < STEPS && !model->closed; i++)
		step(model);
	settle(model);
	if (!model->closed)
		check_settled(model);
	if (!evpop_proto_over(model->proto))
		evpop_proto_eof(model->proto);
	settle(model);
	assert_true(model->closed);
	assert_int_equal(model->done, model->submitted);
	assert_false(deliver(model, 0, 1));
	evpop_proto_free(model->proto);
}

static void
replies_belong_to_their_commands(void **state)
{
	struct model *model = malloc(sizeof *model);
	uint32_t seed;

	(void)state;
	assert_non_null(model);
	for (seed = 1; seed <= SESSIONS; seed++)
		play(seed, model);
	free(model);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_belong_to_their_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
