/* An account is talked to by evpop_client: any command at any time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/model_world.h"

#define REQUESTS_MAX 40

/* What was asked for, in the order in which it was. */
struct talk_request {
	struct model_talk *talk;
	char line[24]; /* as the server sees it; "" for what has many lines */
	bool is_login;
	uint32_t number;
};

struct model_talk {
	struct model_account *account;
	struct evpop_client *client;
	struct talk_request requests[REQUESTS_MAX];
	size_t count, answered, wanted;
	const char *script; /* what is left of it */
	bool is_leaving, is_refused;
	/* Of the body that comes. */
	size_t received;
	bool differs, has_begun;
};

static unsigned
talk_pick(struct model_talk *talk, unsigned count)
{
	return model_pick(talk->account->world->choice, count);
}

/* Gives up, or is gone, in one callback of many; false where it is gone. */
static bool
talk_spoil(struct model_talk *talk)
{
	struct model_account *account = talk->account;

	switch (account->plan->script != NULL ? 0 : talk_pick(talk, 128)) {
	case 126:
		evpop_client_cancel(talk->client);
		talk->is_leaving = true;
		return true;
	case 127:
		evpop_client_free(talk->client);
		free(talk);
		account->talk = NULL;
		model_account_done(account, MODEL_OUTCOME_FREED);
		return false;
	default:
		return true;
	}
}

static enum evpop_flow
talk_flow(struct model_talk *talk)
{
	if (talk_pick(talk, 12) < 11)
		return EVPOP_FLOW_CONTINUE;
	talk->account->acts |= MODEL_ACT_RESUME;
	return EVPOP_FLOW_PAUSE;
}

/* For who looks: it is asked, or answered so. */
static void
talk_show(const struct talk_request *request, const char *text)
{
	char line[400];

	snprintf(line, sizeof line, "(%s%s) %s", request->line,
	    request->is_login ? "log-in" : "", text);
	model_account_show(request->talk->account, text[0] != '?', line);
}

/* ---- the answers ---- */

static void talk_go_on(struct model_talk *);

/* Each is answered in its turn; false where the talk is gone. */
static bool
talk_answered(struct talk_request *request, const struct evpop_result *result)
{
	struct model_talk *talk = request->talk;

	if (request != &talk->requests[talk->answered])
		model_broken("%s of account %u is answered out of turn",
		    request->line, talk->account->number);
	talk->answered++;
	talk_show(request, result->text);
	if (request->line[0] != '\0')
		model_check_reply(talk->account, result, request->line);
	else if (request->is_login)
		model_check_login(talk->account, result);
	return talk_spoil(talk);
}

static void
talk_reply(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct talk_request *request = arg;
	struct model_talk *talk = request->talk;

	(void)client;
	if (request->is_login && reply->result.error != EVPOP_ERROR_NONE)
		talk->is_refused = true;
	if (request->number != 0 && reply->result.error == EVPOP_ERROR_NONE &&
	    strncmp(request->line, "DELE", 4) != 0 &&
	    !model_account_connection(talk->account)->misleads &&
	    reply->number != request->number)
		model_broken(
		    "%s is told of message %u", request->line, reply->number);
	if (talk_answered(request, &reply->result))
		talk_go_on(talk);
}

static enum evpop_flow
talk_begin(
    struct evpop_client *client, uint32_t number, uint64_t octets, void *arg)
{
	struct talk_request *request = arg;
	struct model_talk *talk = request->talk;

	(void)client;
	(void)octets;
	if (number != request->number || talk->has_begun)
		model_broken("a body begins for another");
	talk->has_begun = true;
	talk->received = 0;
	talk->differs = false;
	return talk_spoil(talk) ? talk_flow(talk) : EVPOP_FLOW_CONTINUE;
}

static enum evpop_flow
talk_data(struct evpop_client *client, const unsigned char *bytes,
    size_t length, void *arg)
{
	struct talk_request *request = arg;
	struct model_talk *talk = request->talk;
	const struct model_connection *connection =
	    model_account_connection(talk->account);
	const struct model_message *message;

	(void)client;
	if (request->number > connection->listed_count)
		return EVPOP_FLOW_CONTINUE;
	message = connection->listed[request->number - 1];
	if (length > message->length - talk->received ||
	    memcmp(message->text + talk->received, bytes, length) != 0)
		talk->differs = true;
	if (!talk->differs)
		talk->received += length;
	return talk_flow(talk);
}

static void
talk_end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct talk_request *request = arg;
	struct model_talk *talk = request->talk;
	const struct model_connection *connection =
	    model_account_connection(talk->account);
	bool whole;

	(void)client;
	if (number != request->number)
		model_broken("a body ends for another");
	talk->has_begun = false;
	if (result->error == EVPOP_ERROR_NONE && !connection->misleads) {
		whole = number <= connection->listed_count &&
			(strncmp(request->line, "TOP", 3) == 0 ||
			    talk->received ==
				connection->listed[number - 1]->length);
		if (talk->differs || !whole)
			model_broken("%s of account %u brings another message",
			    request->line, talk->account->number);
	}
	if (talk_answered(request, result))
		talk_go_on(talk);
}

static const struct evpop_sink sink = {
	.begin = talk_begin,
	.data = talk_data,
	.end = talk_end,
};

static void
talk_listed(
    struct evpop_client *client, const struct evpop_listed *listed, void *arg)
{
	(void)client;
	(void)listed;
	(void)arg;
}

/* ---- the requests ---- */

static struct talk_request *
talk_note(struct model_talk *talk, const char *line, uint32_t number)
{
	struct talk_request *request = &talk->requests[talk->count];

	request->talk = talk;
	request->number = number;
	request->is_login = false;
	snprintf(request->line, sizeof request->line, "%s", line);
	if (number != 0)
		snprintf(
		    request->line, sizeof request->line, "%s %u", line, number);
	return request;
}

/* By number it may be any of them; this is not the place to check. */
static void
talk_condemn(struct model_talk *talk)
{
	struct model_maildrop *maildrop = &talk->account->server.maildrop;
	size_t i;

	for (i = 0; i < maildrop->count; i++)
		maildrop->messages[i].is_condemned = true;
}

/* What can be asked for: a letter, and its command. */
static const struct {
	char letter;
	const char *command;
	enum evpop_error (*ask)(
	    struct evpop_client *, evpop_reply_cb, void *arg);
} plain[] = {
	{ 'S', "STAT", evpop_client_stat },
	{ 'N', "NOOP", evpop_client_noop },
	{ 'Z', "RSET", evpop_client_rset },
	{ 'C', "CAPA", evpop_client_capa },
	{ 'E', "UTF8", evpop_client_utf8 },
};
static const char letters[] = "SNZCEGRTDLIR";

static enum evpop_error
talk_ask(struct model_talk *talk, char letter, uint32_t number)
{
	struct evpop_client *client = talk->client;
	size_t i;

	for (i = 0; i < sizeof plain / sizeof plain[0]; i++)
		if (plain[i].letter == letter)
			return plain[i].ask(client, talk_reply,
			    talk_note(talk, plain[i].command, 0));
	switch (letter) {
	case 'R':
		return evpop_client_retr(
		    client, number, &sink, talk_note(talk, "RETR", number));
	case 'T':
		return evpop_client_top(
		    client, number, 2, &sink, talk_note(talk, "TOP", number));
	case 'D':
		talk_condemn(talk);
		return evpop_client_dele(client, number, talk_reply,
		    talk_note(talk, "DELE", number));
	case 'L':
		return evpop_client_list(client, number, talk_listed,
		    talk_reply, talk_note(talk, "LIST", number));
	case 'I':
		return evpop_client_uidl(client, number, talk_listed,
		    talk_reply, talk_note(talk, "UIDL", number));
	default:
		return evpop_client_lang(
		    client, "*", NULL, talk_reply, talk_note(talk, "LANG", 0));
	}
}

static bool
letter_may_do_without(char letter)
{
	return letter == 'L' || letter == 'I';
}

static enum evpop_error
talk_ask_any(struct model_talk *talk)
{
	char letter = letters[talk_pick(talk, sizeof letters - 1)];
	uint32_t number = 1 + talk_pick(talk, 6);

	if (letter_may_do_without(letter) && talk_pick(talk, 2) == 0)
		number = 0;
	return talk_ask(talk, letter, number);
}

/* Requests are refused only where the session takes none any more. */
static void
talk_took(struct model_talk *talk, enum evpop_error error)
{
	if (error == EVPOP_ERROR_NONE)
		talk_show(&talk->requests[talk->count++], "?");
	else if (error == EVPOP_ERROR_USAGE)
		talk->is_leaving = true;
	else
		model_broken("a request is not taken");
}

static void
talk_log_in(struct model_talk *talk)
{
	struct evpop_credentials credentials;
	struct talk_request *request = talk_note(talk, "", 0);

	request->is_login = true;
	model_account_credentials(talk->account, &credentials);
	talk_took(talk, evpop_client_login(
			    talk->client, &credentials, talk_reply, request));
}

/* As the script says, up to its end or "/". */
static void
talk_follow(struct model_talk *talk)
{
	const char *at = talk->script;

	for (; *at != '\0' && *at != '/' && !talk->is_leaving; at += 2) {
		if (*at == 'O')
			talk_log_in(talk);
		else
			talk_took(talk,
			    talk_ask(talk, at[0], (uint32_t)(at[1] - '0')));
	}
	talk->script = at;
}

static void
talk_ask_some(struct model_talk *talk)
{
	bool is_new = talk->is_refused;

	talk->is_refused = false;
	if (talk->script != NULL) {
		if (is_new && *talk->script == '/') {
			talk->script++;
			talk_follow(talk);
		}
		return;
	}
	if (is_new && !talk->is_leaving && talk->count < talk->wanted &&
	    talk_pick(talk, 3) == 2)
		talk_log_in(talk);
	while (!talk->is_leaving && talk->count < talk->wanted &&
	       talk_pick(talk, 3) > 0)
		talk_took(talk, talk_ask_any(talk));
}

/* Ask for more, or take leave, unless enough is under way. */
static void
talk_go_on(struct model_talk *talk)
{
	talk_ask_some(talk);
	if (talk->is_leaving || talk->answered < talk->count)
		return;
	talk_took(talk, evpop_client_quit(talk->client, talk_reply,
			    talk_note(talk, "QUIT", 0)));
	talk->is_leaving = true;
}

static void
talk_closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct model_account *account = arg;
	struct model_talk *talk = account->talk;

	if (talk->answered != talk->count)
		model_broken("a session is over and owes %zu answers",
		    talk->count - talk->answered);
	model_check_end(account, result);
	account->talk = NULL;
	free(talk);
	evpop_client_free(client);
	model_account_done(account, (int)result->error);
}

static void
talk_trace(
    struct evpop_client *client, bool from_server, const char *line, void *arg)
{
	(void)client;
	model_account_show(arg, from_server, line);
}

static const struct evpop_client_callbacks callbacks = {
	.closed = talk_closed,
	.trace = talk_trace,
};

void
model_talk_start(struct model_account *account)
{
	struct evpop_client_config config;
	struct model_talk *talk = calloc(1, sizeof *talk);

	if (talk == NULL)
		abort();
	model_account_config(account, &config);
	config.one_by_one = model_pick(account->world->choice, 4) == 3;
	account->talk = talk;
	talk->account = account;
	talk->wanted = 2 + talk_pick(talk, REQUESTS_MAX - 8);
	talk->client = evpop_client_new(
	    account->world->base, NULL, &config, &callbacks, account);
	if (talk->client == NULL)
		model_broken("a client does not begin");
	talk_took(talk, evpop_client_connect(
			    talk->client, talk_reply, talk_note(talk, "", 0)));
	talk_log_in(talk);
	talk->script = account->plan->script;
	if (talk->script != NULL)
		talk_follow(talk);
	talk_go_on(talk);
}

void
model_talk_act(struct model_account *account, enum model_act act)
{
	struct evpop_client *client = account->talk->client;

	if (act == MODEL_ACT_RESUME)
		evpop_client_resume(client);
	else if (act == MODEL_ACT_TOKEN &&
		 evpop_client_token(client, account->token) ==
		     EVPOP_ERROR_MEMORY)
		abort();
}

void
model_talk_free(struct model_account *account)
{
	if (account->talk == NULL)
		return;
	evpop_client_free(account->talk->client);
	free(account->talk);
	account->talk = NULL;
}
