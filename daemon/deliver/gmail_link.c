#include "daemon/deliver/gmail_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/config/target.h"
#include "daemon/deliver/gmail_token.h"
#include "daemon/deliver/web_target.h"
#include "lib/base/clock.h"
#include "lib/base/text.h"

/* A mailbox may have 10,000 labels. */
#define LINK_ANSWER_MOST ((size_t)2 * 1024 * 1024)
#define LINK_PATH        4096
#define LINK_TYPE        128
/* Google's tokens have up to 2048 octets. */
#define LINK_TOKEN 4096

enum link_body {
	LINK_GETS = 0,
	LINK_POSTS_JSON,
	LINK_POSTS /* what `more` gives */
};

struct gmail_link {
	const struct carrier_setup *setup;
	const struct gmail_link_handler *handler;
	void *arg;
	struct web *web;
	struct gmail_token *token;
	enum link_body body;
	char path[LINK_PATH], type[LINK_TYPE];
	uint64_t octets;
	char *json; /* for free(); NULL: none */
	size_t json_at;
	bool is_again; /* with another token */
	/* Of a request that could not be made. */
	struct event ending;
	struct gmail_reply reply;
	char text[GMAIL_ANSWER_TEXT];
};

/* ---- the end ---- */

static void
link_failed(evutil_socket_t fd, short events, void *arg)
{
	struct gmail_link *link = arg;

	(void)fd;
	(void)events;
	link->handler->done(&link->reply, link->arg);
}

static void
link_fail(struct gmail_link *link, enum carried outcome, const char *why)
{
	(void)evpop_text_printable(
	    link->text, sizeof(link->text), why, strlen(why));
	link->reply =
	    (struct gmail_reply){ .outcome = outcome, .text = link->text };
	event_active(&link->ending, EV_TIMEOUT, 1);
}

static void link_go(struct gmail_link *, bool was_refused);

/* Whether the request is made once more. */
static bool
link_is_refused(struct gmail_link *link, const struct web_answer *answer)
{
	if (answer->end != WEB_ANSWERED || answer->status != 401 ||
	    link->is_again)
		return false;
	link->is_again = true;
	return true;
}

static void
link_done(const struct web_answer *answer, void *arg)
{
	struct gmail_link *link = arg;
	struct gmail_reply reply;
	json_t *json = NULL;

	if (link_is_refused(link, answer)) {
		link->json_at = 0;
		if (link->body == LINK_POSTS)
			link->handler->rewind(link->arg);
		link_go(link, true);
		return;
	}
	if (answer->end == WEB_ANSWERED && answer->status == 401)
		gmail_token_note_refused(link->token);
	if (answer->end == WEB_ANSWERED)
		json = json_loadb(answer->body, answer->length, 0, NULL);
	gmail_answer_judge(answer, json, web_host(link->web),
	    evpop_clock_unix_ms(), link->text, &reply);
	link->handler->done(&reply, link->arg);
	json_decref(json);
}

/* ---- a request ---- */

static void
link_more(void *arg)
{
	struct gmail_link *link = arg;
	const char *rest;
	size_t length;

	if (link->body == LINK_POSTS) {
		link->handler->more(link->arg);
		return;
	}
	rest = link->json + link->json_at;
	length = strlen(rest);
	if (length > WEB_PIECE)
		length = WEB_PIECE;
	link->json_at += length;
	web_write(link->web, rest, length);
}

static void
link_rewind(void *arg)
{
	struct gmail_link *link = arg;

	link->json_at = 0;
	if (link->body == LINK_POSTS)
		link->handler->rewind(link->arg);
}

static void
link_request(struct gmail_link *link, const char *token)
{
	char authorization[LINK_TOKEN], type[LINK_TYPE + 16];
	const char *lines[] = { authorization, "Accept: application/json", type,
		NULL };

	snprintf(authorization, sizeof(authorization),
	    "Authorization: Bearer %s", token);
	snprintf(type, sizeof(type), "Content-Type: %s", link->type);
	if (link->body == LINK_GETS) {
		lines[2] = NULL;
		web_get(link->web, lines);
	} else
		web_post(link->web, lines, link->octets);
	explicit_bzero(authorization, sizeof(authorization));
}

static void
link_token(const char *token, enum carried outcome, const char *why, void *arg)
{
	struct gmail_link *link = arg;

	if (token == NULL)
		link_fail(link, outcome, why);
	else if (strlen(token) > LINK_TOKEN - 32)
		link_fail(link, CARRIED_WRONG, "the token is too long");
	else if (!web_aim(link->web, link->path))
		link_fail(link, CARRIED_DOWN, "out of memory");
	else
		link_request(link, token);
}

static void
link_go(struct gmail_link *link, bool was_refused)
{
	gmail_token_ask(link->token, was_refused, link_token, link);
}

static void
link_begin(struct gmail_link *link, enum link_body body, const char *path,
    const char *type, uint64_t octets)
{
	link->body = body;
	link->octets = octets;
	link->is_again = false;
	link->json_at = 0;
	snprintf(link->path, sizeof(link->path), "%s", path);
	snprintf(link->type, sizeof(link->type), "%s", type);
	link_go(link, false);
}

void
gmail_link_get(struct gmail_link *link, const char *path)
{
	link_begin(link, LINK_GETS, path, "", 0);
}

void
gmail_link_post_json(
    struct gmail_link *link, const char *path, const json_t *json)
{
	free(link->json);
	link->json = json_dumps(json, JSON_COMPACT);
	if (link->json == NULL)
		link_fail(link, CARRIED_DOWN, "out of memory");
	else
		link_begin(link, LINK_POSTS_JSON, path, "application/json",
		    strlen(link->json));
}

void
gmail_link_post(struct gmail_link *link, const char *path,
    const char *content_type, uint64_t octets)
{
	link_begin(link, LINK_POSTS, path, content_type, octets);
}

void
gmail_link_write(struct gmail_link *link, const void *octets, size_t length)
{
	web_write(link->web, octets, length);
}

void
gmail_link_abort(struct gmail_link *link)
{
	web_abort(link->web);
}

/* ---- its life ---- */

struct gmail_link *
gmail_link_new(const struct carrier_setup *setup,
    const struct gmail_link_handler *handler, void *arg)
{
	static const struct web_handler web_handler = {
		.more = link_more, .rewind = link_rewind, .done = link_done
	};
	struct web_options options;
	struct gmail_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	link->setup = setup;
	link->handler = handler;
	link->arg = arg;
	(void)evtimer_assign(&link->ending, setup->base, link_failed, link);
	web_target_options(setup, &options);
	options.answer_most = LINK_ANSWER_MOST;
	options.goes_once = true;
	link->token = gmail_token_new(setup);
	if (link->token != NULL)
		link->web = web_new(&options, &web_handler, link);
	if (link->web == NULL)
		gmail_link_free(&link);
	return link;
}

void
gmail_link_free(struct gmail_link **link_p)
{
	struct gmail_link *link = *link_p;

	*link_p = NULL;
	if (link == NULL)
		return;
	(void)event_del(&link->ending);
	web_free(&link->web);
	gmail_token_free(&link->token);
	free(link->json);
	free(link);
}
