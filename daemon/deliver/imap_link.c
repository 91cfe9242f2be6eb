#include "daemon/deliver/imap_link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/target.h"
#include "daemon/deliver/imap_name.h"
#include "daemon/deliver/login.h"

/* A user or a password in quotes. */
#define SECRET_MOST 1024
enum link_state {
	LINK_NEW = 0,
	LINK_GREETING,
	LINK_CAPABILITY, /* before the log-in, and again behind STARTTLS */
	LINK_STARTTLS,
	LINK_SECURING,
	LINK_LOGIN,
	LINK_CAPABILITY_AGAIN,
	LINK_ID,
	LINK_NAMING,
	LINK_READY,
	LINK_OVER
};

struct imap_link {
	const struct carrier_setup *setup;
	const struct imap_link_handler *handler;
	void *arg;
	enum link_state state;
	struct imap_wire *wire;
	struct talk *talk; /* the wire's */
	struct login *login;
	struct imap_capabilities capabilities;
	struct imap_naming naming;
	bool is_let_in; /* by PREAUTH */
};

static void link_fail(struct imap_link *link, enum carried outcome,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The last thing that is done: the link may be gone then. */
static void
link_fail(struct imap_link *link, enum carried outcome, const char *format, ...)
{
	struct imap_verdict verdict = { .outcome = outcome };
	va_list arguments;

	if (link->state == LINK_OVER)
		return;
	va_start(arguments, format);
	(void)vsnprintf(
	    verdict.answer, sizeof(verdict.answer), format, arguments);
	va_end(arguments);
	link->state = LINK_OVER;
	link->handler->failed(&verdict, link->arg);
}

/* ---- the log-in ---- */

static void
link_ask_capability(struct imap_link *link, enum link_state state)
{
	link->state = state;
	imap_wire_command(link->wire, "the answer to CAPABILITY", "CAPABILITY");
}

static void
link_ask_naming(struct imap_link *link)
{
	link->state = LINK_NAMING;
	if (link->capabilities.has_namespace)
		imap_wire_command(
		    link->wire, "the answer to NAMESPACE", "NAMESPACE");
	else
		imap_wire_command(
		    link->wire, "the answer to LIST", "LIST \"\" \"\"");
}

/* Some servers let nobody at folders who has not said what program it is. */
static void
link_introduce(struct imap_link *link)
{
	if (!link->capabilities.has_id) {
		link_ask_naming(link);
		return;
	}
	link->state = LINK_ID;
	imap_wire_command(
	    link->wire, "the answer to ID", "ID (\"name\" \"evpopd\")");
}

static void
link_logged_in(struct imap_link *link)
{
	if (link->capabilities.is_known)
		link_introduce(link);
	else
		link_ask_capability(link, LINK_CAPABILITY_AGAIN);
}

static void
link_login_start(const char *mechanism, const char *initial, void *arg)
{
	struct imap_link *link = arg;

	if (initial == NULL) {
		imap_wire_command(link->wire, "the answer to AUTHENTICATE",
		    "AUTHENTICATE %s", mechanism);
		return;
	}
	imap_wire_open(link->wire, "the answer to AUTHENTICATE",
	    "AUTHENTICATE %s ", mechanism);
	talk_write_secret(link->talk, initial, strlen(initial));
	talk_print(link->talk, "\r\n");
}

static void
link_login_respond(const char *response, void *arg)
{
	struct imap_link *link = arg;

	talk_write_secret(link->talk, response, strlen(response));
	talk_print(link->talk, "\r\n");
	talk_await(link->talk, EVPOP_PHASE_LOGIN, "the answer to AUTHENTICATE");
}

/* A text that cannot be quoted goes only where the server takes it at once. */
static bool
link_can_write(const struct imap_link *link, const char *text)
{
	char quoted[SECRET_MOST];
	bool is_quoted = imap_quoted_write(quoted, sizeof(quoted), text);

	explicit_bzero(quoted, sizeof(quoted));
	return is_quoted || link->capabilities.literal_plus ||
	       (link->capabilities.literal_minus &&
		   strlen(text) <= IMAP_LITERAL_MINUS);
}

static void
link_write_secret(struct imap_link *link, const char *text)
{
	char quoted[SECRET_MOST];

	if (imap_quoted_write(quoted, sizeof(quoted), text))
		talk_write_secret(link->talk, quoted, strlen(quoted));
	else {
		talk_print(link->talk, "{%zu+}\r\n", strlen(text));
		talk_write_secret(link->talk, text, strlen(text));
	}
	explicit_bzero(quoted, sizeof(quoted));
}

static void
link_login_plain(const char *user, const char *password, void *arg)
{
	struct imap_link *link = arg;

	if (!link_can_write(link, user) || !link_can_write(link, password)) {
		login_refused(link->login,
		    "LOGIN cannot send a user or password with characters "
		    "beyond ASCII to this server",
		    false);
		return;
	}
	imap_wire_open(link->wire, "the answer to LOGIN", "LOGIN ");
	link_write_secret(link, user);
	talk_print(link->talk, " ");
	link_write_secret(link, password);
	talk_print(link->talk, "\r\n");
}

static void
link_login_done(enum carried outcome, const char *why, void *arg)
{
	struct imap_link *link = arg;

	if (outcome != CARRIED_DELIVERED) {
		link_fail(link, outcome,
		    "The log-in of user \"%.80s\" failed: %.*s",
		    link->setup->target->user == NULL
			? ""
			: link->setup->target->user,
		    EVPOP_TEXT_SIZE - 130, why);
		return;
	}
	link_logged_in(link);
}

static const struct login_handler login_handler = {
	.start = link_login_start,
	.respond = link_login_respond,
	.plain = link_login_plain,
	.done = link_login_done,
};

static void
link_log_in(struct imap_link *link)
{
	struct login_offer offer = {
		.mechanisms = link->capabilities.mechanisms,
		.has_plain = !link->capabilities.login_disabled,
		.has_initial = link->capabilities.sasl_ir,
		.line_most = IMAP_LINE_MOST - 64,
	};

	if (link->is_let_in) {
		link_logged_in(link);
		return;
	}
	link->state = LINK_LOGIN;
	link->login = login_new(link->setup, link->talk, &login_handler, link);
	if (link->login == NULL)
		link_fail(link, CARRIED_DOWN, "There is no memory");
	else
		login_begin(link->login, &offer);
}

/* Once it is known what the server can do. */
static void
link_secure(struct imap_link *link)
{
	if (link->setup->target->tls != EVPOP_TLS_STLS ||
	    talk_is_tls(link->talk)) {
		link_log_in(link);
		return;
	}
	if (!link->capabilities.starttls || link->is_let_in) {
		link_fail(link, CARRIED_WRONG,
		    "The server does not offer STARTTLS; with \"tls = "
		    "implicit\" it may speak TLS on another port");
		return;
	}
	link->state = LINK_STARTTLS;
	imap_wire_command(link->wire, "the answer to STARTTLS", "STARTTLS");
}

/* What was told to somebody else, or before TLS, counts no more. */
static void
link_forget_capabilities(struct imap_link *link)
{
	memset(&link->capabilities, 0, sizeof(link->capabilities));
}

/* ---- what the server says ---- */

static void
link_greeted(struct imap_link *link, const struct imap_reply *reply)
{
	if (reply->kind != IMAP_UNTAGGED ||
	    (reply->condition != IMAP_OK && reply->condition != IMAP_PREAUTH)) {
		link_fail(link, CARRIED_WRONG,
		    "%s does not greet as an IMAP server does: is that the "
		    "right port?",
		    talk_peer(link->talk));
		return;
	}
	link->is_let_in = reply->condition == IMAP_PREAUTH;
	if (link->capabilities.is_known)
		link_secure(link);
	else
		link_ask_capability(link, LINK_CAPABILITY);
}

static void
link_login_answered(struct imap_link *link, const struct imap_reply *reply)
{
	char words[EVPOP_TEXT_SIZE];

	if (reply->condition == IMAP_OK) {
		if (reply->code != IMAP_CODE_CAPABILITY)
			link_forget_capabilities(link);
		login_accepted(link->login);
		return;
	}
	imap_verdict_words(reply, words);
	login_refused(link->login, words, imap_verdict_login_passes(reply));
}

static void
link_refused(
    struct imap_link *link, const char *command, const struct imap_reply *reply)
{
	char words[EVPOP_TEXT_SIZE];

	imap_verdict_words(reply, words);
	link_fail(link, CARRIED_DOWN, "The server refuses %s: %.*s", command,
	    EVPOP_TEXT_SIZE - 60, words);
}

/* The command of this state is over. */
static void
link_answered(struct imap_link *link, const struct imap_reply *reply)
{
	switch (link->state) {
	case LINK_CAPABILITY:
	case LINK_CAPABILITY_AGAIN:
		if (reply->condition != IMAP_OK) {
			link_refused(link, "CAPABILITY", reply);
			return;
		}
		link->capabilities.is_known = true;
		if (link->state == LINK_CAPABILITY)
			link_secure(link);
		else
			link_introduce(link);
		return;
	case LINK_STARTTLS:
		if (reply->condition != IMAP_OK) {
			link_refused(link, "STARTTLS", reply);
			return;
		}
		link_forget_capabilities(link);
		link->state = LINK_SECURING;
		talk_start_tls(link->talk);
		return;
	case LINK_LOGIN:
		link_login_answered(link, reply);
		return;
	case LINK_ID:
		link_ask_naming(link);
		return;
	case LINK_NAMING:
		link->state = LINK_READY;
		link->handler->ready(link->arg);
		return;
	default:
		link->handler->reply(reply, link->arg);
		return;
	}
}

static void
link_bye(struct imap_link *link, const struct imap_reply *reply)
{
	struct imap_verdict verdict;

	char words[EVPOP_TEXT_SIZE];

	imap_verdict_message(reply, &verdict);
	if (verdict.outcome != CARRIED_WRONG)
		verdict.outcome = CARRIED_DOWN;
	imap_verdict_words(reply, words);
	(void)snprintf(verdict.answer, sizeof(verdict.answer),
	    "The server closed the connection: %.*s", EVPOP_TEXT_SIZE - 60,
	    words);
	link->state = LINK_OVER;
	link->handler->failed(&verdict, link->arg);
}

static void
link_untagged(struct imap_link *link, const struct imap_reply *reply)
{
	if (imap_span_is(reply->word, "NAMESPACE") &&
	    link->state == LINK_NAMING)
		(void)imap_naming_read_namespace(reply->text, &link->naming);
	else if (imap_span_is(reply->word, "LIST") &&
		 link->state == LINK_NAMING)
		(void)imap_naming_read_list(reply->text, &link->naming);
	else if (link->state == LINK_READY)
		link->handler->reply(reply, link->arg);
}

static void
link_reply(const struct imap_reply *reply, void *arg)
{
	struct imap_link *link = arg;

	if (link->state == LINK_OVER)
		return;
	if (reply->kind == IMAP_UNTAGGED && reply->condition == IMAP_BYE) {
		link_bye(link, reply);
		return;
	}
	if (imap_span_is(reply->word, "CAPABILITY"))
		imap_capabilities_read(reply->text, &link->capabilities);
	if (reply->code == IMAP_CODE_CAPABILITY)
		imap_capabilities_read(reply->code_data, &link->capabilities);
	if (link->state == LINK_GREETING)
		link_greeted(link, reply);
	else if (reply->kind == IMAP_TAGGED)
		link_answered(link, reply);
	else if (reply->kind == IMAP_UNTAGGED)
		link_untagged(link, reply);
	else if (link->state == LINK_LOGIN)
		login_challenged(
		    link->login, reply->text.at, reply->text.length);
	else if (link->state == LINK_READY)
		link->handler->reply(reply, link->arg);
}

static void
link_opened(void *arg)
{
	struct imap_link *link = arg;

	if (link->state == LINK_SECURING) {
		link_ask_capability(link, LINK_CAPABILITY);
		return;
	}
	link->state = LINK_GREETING;
	talk_await(link->talk, EVPOP_PHASE_GREETING, "the greeting");
}

static void
link_broken(const struct imap_verdict *verdict, void *arg)
{
	struct imap_link *link = arg;

	if (link->state == LINK_OVER)
		return;
	link->state = LINK_OVER;
	link->handler->failed(verdict, link->arg);
}

static const struct imap_wire_handler wire_handler = {
	.opened = link_opened,
	.reply = link_reply,
	.failed = link_broken,
};

/* ---- from outside ---- */

struct imap_link *
imap_link_new(const struct carrier_setup *setup,
    const struct imap_link_handler *handler, void *arg)
{
	struct imap_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	link->setup = setup;
	link->handler = handler;
	link->arg = arg;
	link->wire = imap_wire_new(setup, &wire_handler, link);
	if (link->wire == NULL) {
		free(link);
		return NULL;
	}
	link->talk = imap_wire_talk(link->wire);
	return link;
}

void
imap_link_free(struct imap_link **link_p)
{
	struct imap_link *link = *link_p;

	*link_p = NULL;
	if (link == NULL)
		return;
	login_free(&link->login);
	imap_wire_free(&link->wire, link->state == LINK_READY);
	free(link);
}

const struct imap_capabilities *
imap_link_capabilities(const struct imap_link *link)
{
	return &link->capabilities;
}

const struct imap_naming *
imap_link_naming(const struct imap_link *link)
{
	return &link->naming;
}

struct imap_wire *
imap_link_wire(struct imap_link *link)
{
	return link->wire;
}
