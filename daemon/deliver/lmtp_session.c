#include "daemon/deliver/lmtp_session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/target.h"
#include "daemon/deliver/login.h"

/* RFC 4954 section 4, without "AUTH " and the line's end. */
#define AUTH_LINE 505

enum session_state {
	SESSION_GREETING = 0,
	SESSION_OPENING,
	SESSION_READY
};

struct lmtp_session {
	const struct carrier_setup *setup;
	const struct lmtp_handler *handler;
	void *arg;
	enum session_state state;
	struct talk *talk;
	struct login *login;
	struct lmtp_reply reply;
	struct lmtp_offer offer;
	char server[LMTP_TEXT];           /* as it greets */
	enum lmtp_step ahead[LMTP_AHEAD]; /* what was asked, in order */
	size_t ahead_count;
	unsigned depth; /* of calls from the loop */
	bool is_freed;  /* inside of one */
};

/* ---- in and out ---- */

static void
session_enter(struct lmtp_session *session)
{
	session->depth++;
}

static void
session_leave(struct lmtp_session *session)
{
	if (--session->depth == 0 && session->is_freed)
		free(session);
}

void
lmtp_session_free(struct lmtp_session **session_p)
{
	struct lmtp_session *session = *session_p;

	*session_p = NULL;
	if (session == NULL)
		return;
	login_free(&session->login);
	talk_free(&session->talk);
	session->is_freed = true;
	if (session->depth == 0)
		free(session);
}

void
lmtp_session_quit(struct lmtp_session **session_p)
{
	struct lmtp_session *session = *session_p;

	if (session != NULL && session->state == SESSION_READY &&
	    session->ahead_count == 0)
		talk_end(&session->talk, "QUIT\r\n");
	lmtp_session_free(session_p);
}

static void
session_fail(struct lmtp_session *session, enum carried outcome,
    const char *format, const char *why)
{
	char text[EVPOP_TEXT_SIZE + LMTP_TEXT];

	snprintf(text, sizeof text, "%s%s", format, why);
	if (session->state == SESSION_READY)
		session->handler->lost(text, session->arg);
	else
		session->handler->failed(outcome, text, session->arg);
}

/* ---- commands ---- */

static void
session_await(struct lmtp_session *session)
{
	enum lmtp_step step = session->ahead[0];

	if (session->ahead_count == 0)
		talk_await(session->talk, EVPOP_PHASE_NONE, NULL);
	else
		talk_await(session->talk,
		    step == LMTP_GREETING ? EVPOP_PHASE_GREETING
		    : step == LMTP_AUTH   ? EVPOP_PHASE_LOGIN
					  : EVPOP_PHASE_COMMAND,
		    lmtp_step_name(step));
}

static void
session_expect(struct lmtp_session *session, enum lmtp_step step)
{
	assert(session->ahead_count < LMTP_AHEAD);
	session->ahead[session->ahead_count++] = step;
	if (session->ahead_count == 1)
		session_await(session);
}

void
lmtp_session_command(
    struct lmtp_session *session, enum lmtp_step step, const char *format, ...)
{
	char text[1024];
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	/* The longest are two addresses and some parameters. */
	assert(length >= 0 && (size_t)length < sizeof text);
	talk_print(session->talk, "%s\r\n", text);
	session_expect(session, step);
}

static void
session_sent(bool is_whole, void *arg)
{
	struct lmtp_session *session = arg;

	session_enter(session);
	/* From now on the server has its time. */
	if (is_whole)
		session_await(session);
	session->handler->sent(is_whole, session->arg);
	session_leave(session);
}

void
lmtp_session_send(struct lmtp_session *session, struct parcel *parcel)
{
	session_expect(session, LMTP_BODY);
	talk_send(session->talk, parcel, TALK_DOTTED, session_sent);
}

const struct lmtp_offer *
lmtp_session_offer(const struct lmtp_session *session)
{
	return &session->offer;
}

/* ---- opening ---- */

static void
session_greet(struct lmtp_session *session)
{
	char name[256];

	/* For the trace that the server writes; any will do. */
	if (gethostname(name, sizeof name) == -1)
		name[0] = '\0';
	name[sizeof name - 1] = '\0';
	memset(&session->offer, 0, sizeof session->offer);
	lmtp_session_command(session, LMTP_LHLO, "LHLO %s",
	    lmtp_is_address(name) ? name : "localhost");
}

static void
session_ready(struct lmtp_session *session)
{
	char text[2 * LMTP_TEXT];

	snprintf(text, sizeof text, "%s at %s, %s%s", session->server,
	    talk_peer(session->talk), talk_privacy_name(session->talk),
	    session->login != NULL ? ", logged in" : "");
	session->state = SESSION_READY;
	session_await(session);
	session->handler->ready(text, session->arg);
}

static void
session_auth_start(const char *mechanism, const char *initial, void *arg)
{
	struct lmtp_session *session = arg;

	talk_print(
	    session->talk, "AUTH %s%s", mechanism, initial == NULL ? "" : " ");
	if (initial != NULL)
		talk_write_secret(session->talk, initial, strlen(initial));
	talk_print(session->talk, "\r\n");
	session_expect(session, LMTP_AUTH);
}

static void
session_auth_respond(const char *response, void *arg)
{
	struct lmtp_session *session = arg;

	talk_write_secret(session->talk, response, strlen(response));
	talk_print(session->talk, "\r\n");
	session_expect(session, LMTP_AUTH);
}

static void
session_auth_done(enum carried outcome, const char *why, void *arg)
{
	struct lmtp_session *session = arg;

	session_enter(session);
	if (outcome == CARRIED_DELIVERED)
		session_ready(session);
	else
		session_fail(session, outcome, "the log-in failed: ", why);
	session_leave(session);
}

static const struct login_handler auth_handler = {
	.start = session_auth_start,
	.respond = session_auth_respond,
	.done = session_auth_done,
};

static void
session_log_in(struct lmtp_session *session)
{
	const struct login_offer offer = {
		.mechanisms = session->offer.auth,
		.has_initial = true,
		.line_most = AUTH_LINE,
	};

	session->login =
	    login_new(session->setup, session->talk, &auth_handler, session);
	if (session->login == NULL)
		session_fail(session, CARRIED_DOWN,
		    "there is no memory for a log-in", "");
	else
		login_begin(session->login, &offer);
}

/* LHLO was answered: what is to come before the first message? */
static void
session_go_on(struct lmtp_session *session)
{
	const struct config_target *target = session->setup->target;

	if (target->tls == EVPOP_TLS_STLS && !talk_is_tls(session->talk)) {
		if (session->offer.starttls)
			lmtp_session_command(
			    session, LMTP_STARTTLS, "STARTTLS");
		else
			session_fail(session, CARRIED_WRONG,
			    "the server does not offer STARTTLS; set tls = "
			    "implicit, or tls = none where nobody can listen",
			    "");
	} else if (login_is_wanted(target))
		session_log_in(session);
	else
		session_ready(session);
}

static void
session_replied_auth(struct lmtp_session *session)
{
	const struct lmtp_reply *reply = &session->reply;
	size_t code = reply->length > 4 ? 4 : reply->length;

	if (reply->code == 334)
		login_challenged(
		    session->login, reply->text + code, reply->length - code);
	else if (reply->code / 100 == 2)
		login_accepted(session->login);
	else
		login_refused(session->login, reply->text, reply->code < 500);
}

static void
session_replied_opening(struct lmtp_session *session, enum lmtp_step step)
{
	const struct lmtp_reply *reply = &session->reply;

	if (step == LMTP_AUTH)
		session_replied_auth(session);
	else if (reply->code / 100 != 2)
		session_fail(session, lmtp_reply_outcome(reply, step),
		    step == LMTP_LHLO && reply->code >= 500
			? "the server does not speak LMTP: "
			: "",
		    reply->text);
	else if (step == LMTP_GREETING) {
		snprintf(session->server, sizeof session->server, "%s",
		    reply->length > 4 ? reply->text + 4 : "LMTP");
		session->state = SESSION_OPENING;
		session_greet(session);
	} else if (step == LMTP_STARTTLS)
		talk_start_tls(session->talk);
	else
		session_go_on(session);
}

/* ---- what comes ---- */

static void
session_replied(struct lmtp_session *session)
{
	enum lmtp_step step = session->ahead[0];

	if (session->ahead_count == 0) {
		/* 421, most likely: it is about to close. */
		session_fail(session, CARRIED_DOWN, "", session->reply.text);
		return;
	}
	session->ahead_count--;
	memmove(session->ahead, session->ahead + 1,
	    session->ahead_count * sizeof session->ahead[0]);
	session_await(session);
	if (step < LMTP_MAIL)
		session_replied_opening(session, step);
	else
		session->handler->replied(step, &session->reply, session->arg);
}

static void
session_talk_opened(void *arg)
{
	struct lmtp_session *session = arg;

	session_enter(session);
	if (session->state == SESSION_GREETING)
		session_expect(session, LMTP_GREETING);
	else
		session_greet(session);
	session_leave(session);
}

static void
session_talk_line(const char *line, size_t length, void *arg)
{
	struct lmtp_session *session = arg;
	char shown[160];
	enum lmtp_read read;

	session_enter(session);
	read = lmtp_reply_read(&session->reply, line, length);
	if (read != LMTP_READ_BROKEN && session->ahead_count > 0 &&
	    session->ahead[0] == LMTP_LHLO)
		lmtp_offer_read(&session->offer, line, length);
	if (read == LMTP_READ_WHOLE)
		session_replied(session);
	else if (read == LMTP_READ_BROKEN) {
		evpop_printable(shown, sizeof shown, line, length);
		session_fail(session, CARRIED_WRONG,
		    "the server does not speak LMTP: ", shown);
	}
	session_leave(session);
}

static void
session_talk_failed(const struct evpop_result *result, void *arg)
{
	struct lmtp_session *session = arg;

	session_enter(session);
	session_fail(session, talk_outcome(result), "", result->text);
	session_leave(session);
}

static const struct talk_handler talk_handler = {
	.opened = session_talk_opened,
	.line = session_talk_line,
	.failed = session_talk_failed,
};

struct lmtp_session *
lmtp_session_new(const struct carrier_setup *setup,
    const struct lmtp_handler *handler, void *arg)
{
	struct lmtp_session *session = calloc(1, sizeof *session);

	if (session == NULL)
		return NULL;
	session->setup = setup;
	session->handler = handler;
	session->arg = arg;
	session->talk = talk_new(setup, &talk_handler, session);
	if (session->talk == NULL) {
		free(session);
		return NULL;
	}
	talk_connect(session->talk);
	return session;
}
