/* The client of one session: does the steps of the dialog, notes the answers.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/dialog/session.h"

static struct session_asked *
ask(struct session *session, const struct dialog_step *step)
{
	struct session_asked *asked;

	if (session->asked == NULL) {
		session->asked =
		    calloc(session->dialog->step_count, sizeof *session->asked);
		if (session->asked == NULL)
			abort();
	}
	asked = &session->asked[step - session->dialog->steps];
	asked->session = session;
	asked->step = step;
	session->unanswered++;
	return asked;
}

bool
session_octets_in(const struct session *session, uint64_t *octets)
{
	const struct evpop_client *client = session->client;

	if (session->sync != NULL)
		client = evpop_sync_client(session->sync);
	if (client == NULL || session->closed)
		return false;
	*octets = evpop_client_octets_in(client);
	return true;
}

/* ---- what the dialog sets ---- */

void
session_config(
    const struct session *session, struct evpop_client_config *config)
{
	const struct dialog_settings *set = &session->dialog->settings;

	*config = (struct evpop_client_config){
		.host = set->host != NULL ? set->host : "127.0.0.1",
		.port = session->stage->ports[session->place],
		.tls = session->mode == PLAY_TLS    ? EVPOP_TLS_IMPLICIT
		       : session->mode == PLAY_STLS ? EVPOP_TLS_STLS
						    : EVPOP_TLS_NONE,
		.tls_context =
		    session->mode == PLAY_PLAIN ? NULL : session->stage->tls,
		.allow_cleartext = set->allow_cleartext != 0,
		.memory = session->memory,
		.timeouts = { .greeting_ms = (int64_t)set->greeting_ms,
		    .login_ms = (int64_t)set->login_ms,
		    .command_ms = (int64_t)set->command_ms,
		    .body_ms = (int64_t)set->body_ms,
		    .quit_ms = (int64_t)set->quit_ms,
		    .handshake_ms = (int64_t)set->handshake_ms,
		    .session_ms = (int64_t)set->session_ms },
		.limits = { .line = set->limit_line,
		    .listing_line = set->limit_listing_line,
		    .listing_lines = (uint32_t)set->limit_listing_lines,
		    .capabilities = (uint32_t)set->limit_capabilities,
		    .body = set->limit_body,
		    .top = set->limit_body },
		.window_commands = (uint32_t)set->window,
	};
}

/* "PLAIN,USER" as a set; false where a name is none. */
static bool
mechanisms(const char *names, unsigned int *set)
{
	enum evpop_mechanism mechanism;
	char name[64];
	size_t length;

	while (names != NULL && *names != '\0') {
		length = strcspn(names, ",");
		if (length >= sizeof name)
			return false;
		memcpy(name, names, length);
		name[length] = '\0';
		if (!evpop_mechanism_find(name, &mechanism))
			return false;
		*set |= EVPOP_MECHANISM_BIT(mechanism);
		names += length + (names[length] == ',');
	}
	return true;
}

bool
session_credentials(
    const struct session *session, struct evpop_credentials *credentials)
{
	const struct dialog_settings *set = &session->dialog->settings;

	*credentials = (struct evpop_credentials){
		.user = set->user != NULL ? set->user : "anna",
		.password = set->password,
		.token = set->token,
		.authorization = set->authorization,
	};
	if (set->password == NULL && set->token == NULL)
		credentials->password = "secret";
	return mechanisms(set->auth, &credentials->mechanisms);
}

/* ---- answers ---- */

void
session_answered(struct session *session)
{
	session->unanswered--;
	session_go_on(session);
}

static void
note_reply(struct record *record, const struct dialog_step *step,
    const struct evpop_reply *reply)
{
	if (step->verb == DIALOG_STAT)
		record_add(record, "stat %u %llu", (unsigned)reply->number,
		    (unsigned long long)reply->octets);
	if (step->verb != DIALOG_LIST && step->verb != DIALOG_UIDL)
		return;
	if (step->number != 0)
		record_entry(record, reply->number, reply->octets,
		    reply->unique_id, reply->unique_id_length);
	record_entries(record, reply->ignored);
}

static void
replied(struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct session_asked *asked = arg;
	struct session *session = asked->session;
	const struct dialog_step *step = asked->step;

	(void)client;
	if (reply->result.error == EVPOP_ERROR_NONE)
		note_reply(&session->record, step, reply);
	else {
		if (step->verb == DIALOG_LIST || step->verb == DIALOG_UIDL)
			record_no_entries(&session->record);
		record_result(&session->record, dialog_verb_name(step->verb),
		    step->number, &reply->result);
	}
	if (reply->quit != EVPOP_QUIT_NONE)
		record_add(
		    &session->record, "quit %s", evpop_quit_name(reply->quit));
	session_answered(session);
}

static void
listed(struct evpop_client *client, const struct evpop_listed *entry, void *arg)
{
	const struct session_asked *asked = arg;

	(void)client;
	record_entry(&asked->session->record, entry->number, entry->octets,
	    entry->unique_id, entry->unique_id_length);
}

enum evpop_flow
session_take(struct session *session, const unsigned char *bytes, size_t length)
{
	static const struct timeval soon = { 0, 2000 };
	unsigned long every = session->dialog->settings.pause;

	record_body(&session->record, bytes, length);
	session->taken += length;
	if (every == 0 || session->taken < every)
		return EVPOP_FLOW_CONTINUE;
	session->taken = 0;
	evtimer_add(session->resume, &soon);
	return EVPOP_FLOW_PAUSE;
}

void
session_resume(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;

	(void)fd;
	(void)what;
	if (session->sync != NULL)
		evpop_sync_resume(session->sync);
	else if (session->client != NULL)
		evpop_client_resume(session->client);
}

static enum evpop_flow
body_begin(
    struct evpop_client *client, uint32_t number, uint64_t octets, void *arg)
{
	const struct session_asked *asked = arg;

	(void)client;
	(void)number;
	(void)octets;
	record_body_begin(&asked->session->record);
	return EVPOP_FLOW_CONTINUE;
}

static enum evpop_flow
body_data(struct evpop_client *client, const unsigned char *bytes,
    size_t length, void *arg)
{
	const struct session_asked *asked = arg;

	(void)client;
	return session_take(asked->session, bytes, length);
}

static void
body_end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct session_asked *asked = arg;
	struct session *session = asked->session;
	const struct dialog_step *step = asked->step;

	(void)client;
	if (result->error == EVPOP_ERROR_NONE)
		record_body_end(&session->record, number);
	else
		record_result(&session->record, dialog_verb_name(step->verb),
		    number, result);
	session_answered(session);
}

static const struct evpop_sink body_sink = {
	.begin = body_begin,
	.data = body_data,
	.end = body_end,
};

static void
client_closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct session *session = arg;

	(void)client;
	session->closed = true;
	record_result(&session->record, "closed", 0, result);
	if (session->unanswered > 0)
		session_fail(session, "closed before all was answered");
	/* Nothing more can come to rest for. */
	evtimer_del(session->rest);
	session->resting = false;
	session_go_on(session);
}

static void
client_trace(
    struct evpop_client *client, bool from_server, const char *line, void *arg)
{
	struct session *session = arg;

	(void)client;
	record_trace(&session->record, from_server, line);
}

static const struct evpop_client_callbacks callbacks = {
	.closed = client_closed,
	.trace = client_trace,
};

/* ---- steps ---- */

static void
open_client(struct session *session)
{
	struct evpop_client_config config;

	session_config(session, &config);
	session->client = evpop_client_new(session->stage->base,
	    session->stage->dns, &config, &callbacks, session);
	session->closed = session->client == NULL;
	if (session->client == NULL)
		record_add(&session->record, "client none");
}

static enum evpop_error
request(struct session *session, const struct dialog_step *step, void *arg)
{
	struct evpop_client *client = session->client;
	struct evpop_credentials credentials;

	switch (step->verb) {
	case DIALOG_CONNECT:
		return evpop_client_connect(client, replied, arg);
	case DIALOG_LOGIN:
		if (!session_credentials(session, &credentials))
			session_fail(session, "auth names no mechanism");
		return evpop_client_login(client, &credentials, replied, arg);
	case DIALOG_STAT:
		return evpop_client_stat(client, replied, arg);
	case DIALOG_LIST:
		return evpop_client_list(
		    client, step->number, listed, replied, arg);
	case DIALOG_UIDL:
		return evpop_client_uidl(
		    client, step->number, listed, replied, arg);
	case DIALOG_RETR:
		return evpop_client_retr(client, step->number, &body_sink, arg);
	case DIALOG_TOP:
		return evpop_client_top(
		    client, step->number, step->lines, &body_sink, arg);
	case DIALOG_DELE:
		return evpop_client_dele(client, step->number, replied, arg);
	case DIALOG_NOOP:
		return evpop_client_noop(client, replied, arg);
	case DIALOG_RSET:
		return evpop_client_rset(client, replied, arg);
	case DIALOG_CAPA:
		return evpop_client_capa(client, replied, arg);
	default:
		return evpop_client_quit(client, replied, arg);
	}
}

static void
submit(struct session *session, const struct dialog_step *step)
{
	struct session_asked *asked = ask(session, step);

	if (request(session, step, asked) == EVPOP_ERROR_NONE)
		return;
	record_add(&session->record, "%s usage", dialog_verb_name(step->verb));
	session->unanswered--;
}

/* Begin anew; the server's next connection is another one. */
static void
forget_client(struct session *session)
{
	evpop_client_free(session->client);
	session->client = NULL;
	session_sync_clear(session);
	session->closed = true;
}

static bool
has_quit(const struct session *session)
{
	size_t i;

	for (i = session->step; i-- > 0;) {
		if (session->dialog->steps[i].verb == DIALOG_AGAIN)
			return false;
		if (session->dialog->steps[i].verb == DIALOG_QUIT ||
		    session->dialog->steps[i].verb == DIALOG_CANCEL)
			return true;
	}
	return false;
}

void
session_rested(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;

	(void)fd;
	(void)what;
	session->resting = false;
	session_go_on(session);
}

static void
rest(struct session *session, unsigned ms)
{
	struct timeval time = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };

	session->resting = true;
	evtimer_add(session->rest, &time);
}

/* Steps that look at, or change, more than one request. */
static bool
do_other(struct session *session, const struct dialog_step *step)
{
	switch (step->verb) {
	case DIALOG_WAIT:
		return true;
	case DIALOG_CAPABILITIES:
		record_capabilities(&session->record,
		    evpop_client_capabilities(session->client));
		return true;
	case DIALOG_MECHANISM:
		record_add(&session->record, "mechanism %s",
		    evpop_mechanism_name(
			evpop_client_mechanism(session->client)));
		return true;
	case DIALOG_REST:
		rest(session, step->number);
		return true;
	case DIALOG_AGAIN:
		forget_client(session);
		return true;
	default:
		return false;
	}
}

static void
do_step(struct session *session, const struct dialog_step *step)
{
	if (step->verb == DIALOG_SYNC) {
		session_sync_begin(session);
		return;
	}
	if (session->client == NULL)
		open_client(session);
	if (session->client == NULL)
		return;
	if (step->verb == DIALOG_CANCEL)
		evpop_client_cancel(session->client);
	else if (!do_other(session, step))
		submit(session, step);
}

static bool
must_wait(const struct session *session, const struct dialog_step *step)
{
	switch (step->verb) {
	case DIALOG_AGAIN:
		/* A session with QUIT is over when it is closed. */
		return session->unanswered > 0 ||
		       (session->client != NULL && has_quit(session) &&
			   !session->closed);
	case DIALOG_WAIT:
	case DIALOG_REST:
	case DIALOG_CAPABILITIES:
	case DIALOG_MECHANISM:
		return session->unanswered > 0;
	default:
		return false;
	}
}

void
session_go_on(struct session *session)
{
	const struct dialog *dialog = session->dialog;

	while (session->step < dialog->step_count) {
		if (session->resting)
			return;
		if (must_wait(session, &dialog->steps[session->step]))
			return;
		session->step++;
		do_step(session, &dialog->steps[session->step - 1]);
	}
	if (session->unanswered > 0 || session->resting || session->done)
		return;
	/* Leaving without QUIT deletes nothing. */
	if (session->client != NULL && !session->closed && has_quit(session))
		return;
	session->done = true;
	evpop_client_free(session->client);
	session->client = NULL;
	session->closed = true;
	session_check_end(session);
}
