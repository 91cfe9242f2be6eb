/*
 * A POST for each message.  Of what is signed the body is read twice: the
 * signature stands in front of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/config/target.h"
#include "daemon/deliver/carrier.h"
#include "daemon/deliver/http_answer.h"
#include "daemon/deliver/http_envelope.h"
#include "daemon/deliver/parcel.h"
#include "daemon/deliver/password.h"
#include "daemon/deliver/web_target.h"
#include "daemon/failpoint/failpoint.h"
#include "daemon/http/web.h"
#include "daemon/secret/webhook.h"
#include "daemon/store/mail/header.h"
#include "lib/base/clock.h"
#include "lib/base/text.h"

/* A secret's command may ask an agent, but nobody is there to answer. */
#define HTTP_SECRET_MS 60000
/* As much of a message as its envelope is read from. */
#define HTTP_BEGINNING ((size_t)256 * 1024)
/* Of an answer's body; people see its first line. */
#define HTTP_BODY_MOST ((size_t)4096)
#define HTTP_PLACE     512
#define HTTP_HEADERS   6
#define HTTP_SIGNATURE 3 /* of them; only with a secret */
#define HTTP_HEADER    256

enum http_state {
	HTTP_IDLE = 0,
	HTTP_FETCHING, /* the secret */
	HTTP_READING,  /* the message, to sign or to describe it */
	HTTP_POSTING,
	HTTP_PROBING,
	HTTP_ENDING /* `carried` is called in the loop's next turn */
};

struct carrier {
	const struct carrier_setup *setup;
	enum http_state state;
	struct parcel *parcel; /* NULL: it is a probe */
	struct web *web;
	struct webhook_key *key; /* NULL: not fetched, or none is wanted */
	struct secret_request *request;
	struct webhook *signing;
	int64_t sent_s;
	/* The parcel is read in a loop, and not one call within another. */
	bool is_inside, is_again;
	bool is_unread;
	char *beginning; /* of the message; or NULL */
	size_t beginning_length;
	char *json; /* what is posted; or NULL: the message */
	size_t json_length, json_at;
	struct event ending;
	struct carried_result result;
	char text[HTTP_ANSWER_TEXT], place[HTTP_PLACE];
	char headers[HTTP_HEADERS][HTTP_HEADER];
};

static void http_post(struct carrier *);

/* ---- the end ---- */

static void
http_forget(struct carrier *http)
{
	webhook_free(&http->signing);
	free(http->beginning);
	free(http->json);
	http->beginning = http->json = NULL;
	http->beginning_length = 0;
}

static void
http_carried(struct carrier *http)
{
	struct parcel *parcel = http->parcel;

	http->state = HTTP_IDLE;
	http->parcel = NULL;
	http_forget(http);
	if (parcel != NULL)
		parcel_stop(parcel);
	/* It may end the carrier, or bring the next one. */
	http->setup->carried(parcel, &http->result, http->setup->arg);
}

static void
http_ended(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	http_carried(arg);
}

/* What ends it before anything is posted may do so inside of carry(). */
static void
http_end(struct carrier *http, enum carried outcome, const char *text)
{
	http->state = HTTP_ENDING;
	http->result =
	    (struct carried_result){ .outcome = outcome, .answer = http->text };
	snprintf(http->text, sizeof(http->text), "%s", text);
	event_active(&http->ending, EV_TIMEOUT, 1);
}

static void
http_end_unread(struct carrier *http)
{
	http_end(http, CARRIED_UNREAD, "the message cannot be read");
}

static void
http_end_no_memory(struct carrier *http)
{
	http_end(http, CARRIED_DOWN, "out of memory");
}

/* ---- reading what is signed or described ---- */

static bool
http_is_json(const struct carrier *http)
{
	return http->setup->target->body == CONFIG_TARGET_BODY_JSON;
}

static bool
http_begin_signature(struct carrier *http)
{
	if (http->key == NULL)
		return true;
	http->signing =
	    webhook_begin(http->key, http->parcel->key, http->sent_s);
	return http->signing != NULL;
}

static void
http_describe(struct carrier *http)
{
	parcel_stop(http->parcel);
	http->json = http_envelope(http->setup->target, http->parcel,
	    http->beginning, http->beginning_length, http->sent_s);
	if (http->json == NULL) {
		http_end_no_memory(http);
		return;
	}
	http->json_length = strlen(http->json);
	if (http->signing != NULL)
		webhook_add(http->signing, http->json, http->json_length);
	http_post(http);
}

/* Whether the header is all there. */
static bool
http_keep_beginning(
    struct carrier *http, const unsigned char *octets, size_t length)
{
	struct mail_header_edge edge;
	size_t room = HTTP_BEGINNING - http->beginning_length, at = 0, header;

	if (length > room)
		length = room;
	memcpy(http->beginning + http->beginning_length, octets, length);
	http->beginning_length += length;
	mail_header_edge_init(&edge, MAIL_HEADER_OF_MESSAGE);
	return http->beginning_length == HTTP_BEGINNING ||
	       mail_header_find_end(&edge, http->beginning,
		   http->beginning_length, &at, &header);
}

static void http_read(struct carrier *);

static void
http_take(enum parcel_read read, const unsigned char *octets, size_t length,
    void *arg)
{
	struct carrier *http = arg;

	if (read == PARCEL_FAILED)
		http_end_unread(http);
	else if (http_is_json(http) &&
		 (read == PARCEL_END ||
		     http_keep_beginning(http, octets, length)))
		http_describe(http);
	else if (read == PARCEL_END) {
		parcel_rewind(http->parcel);
		http_post(http);
	} else {
		if (!http_is_json(http))
			webhook_add(http->signing, octets, length);
		http_read(http);
	}
}

static void
http_read(struct carrier *http)
{
	http->is_again = true;
	if (http->is_inside)
		return;
	http->is_inside = true;
	while (http->is_again) {
		http->is_again = false;
		parcel_next(http->parcel, http_take, http);
	}
	http->is_inside = false;
}

/* The secret is there, where one is wanted. */
static void
http_prepare(struct carrier *http)
{
	http->sent_s = evpop_clock_unix_ms() / 1000;
	http->state = HTTP_READING;
	if (http_is_json(http))
		http->beginning = malloc(HTTP_BEGINNING);
	if (!http_begin_signature(http) ||
	    (http_is_json(http) && http->beginning == NULL))
		http_end_no_memory(http);
	else if (http_is_json(http) || http->signing != NULL)
		http_read(http);
	else
		http_post(http);
}

/* ---- posting ---- */

/* One that could not stand in a header is left out. */
static void
http_header(
    struct carrier *http, unsigned number, const char *name, const char *value)
{
	const char *at;

	http->headers[number][0] = '\0';
	for (at = value; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			return;
	snprintf(http->headers[number], HTTP_HEADER, "%s: %s", name, value);
}

static void
http_post(struct carrier *http)
{
	const char *lines[HTTP_HEADERS + 1];
	const struct parcel *parcel = http->parcel;
	char number[24], signature[WEBHOOK_SIGNATURE] = "";
	unsigned i, count = 0;

	if (http->signing != NULL)
		webhook_finish(http->signing, signature);
	http_header(http, 0, "Content-Type",
	    http_is_json(http) ? "application/json" : "message/rfc822");
	http_header(http, 1, "webhook-id", parcel->key);
	snprintf(number, sizeof(number), "%" PRId64, http->sent_s);
	http_header(http, 2, "webhook-timestamp", number);
	http_header(http, HTTP_SIGNATURE, "webhook-signature", signature);
	http_header(http, 4, "X-Evpop-Account", parcel->account);
	snprintf(number, sizeof(number), "%" PRId64, parcel->message_id);
	http_header(http, 5, "X-Evpop-Message", number);
	for (i = 0; i < HTTP_HEADERS; i++)
		if (http->headers[i][0] != '\0' &&
		    (i != HTTP_SIGNATURE || http->signing != NULL))
			lines[count++] = http->headers[i];
	lines[count] = NULL;
	http->state = HTTP_POSTING;
	http->json_at = 0;
	http->is_unread = false;
	FAILPOINT("http: posting");
	web_post(http->web, lines,
	    http->json != NULL ? http->json_length : parcel->octets);
}

static void
http_piece(enum parcel_read read, const unsigned char *octets, size_t length,
    void *arg)
{
	struct carrier *http = arg;

	if (read == PARCEL_PIECE) {
		web_write(http->web, octets, length);
		FAILPOINT("http: piece written");
		return;
	}
	http->is_unread = true;
	web_abort(http->web);
}

static void
http_more(void *arg)
{
	struct carrier *http = arg;
	size_t length = http->json_length - http->json_at;

	if (http->json == NULL) {
		parcel_next(http->parcel, http_piece, http);
		return;
	}
	if (length > WEB_PIECE)
		length = WEB_PIECE;
	web_write(http->web, http->json + http->json_at, length);
	http->json_at += length;
}

static void
http_rewind(void *arg)
{
	struct carrier *http = arg;

	if (http->json == NULL)
		parcel_rewind(http->parcel);
	http->json_at = 0;
}

/* What came of a POST, or of a connection that was for a look. */
static void
http_judge(struct carrier *http, const struct web_answer *answer)
{
	enum carried outcome = http_answer_outcome(answer);
	const char *host = web_host(http->web);

	http_answer_text(answer, host, http->text);
	http->result = (struct carried_result){
		.outcome = outcome,
		.may_be_there = answer->end == WEB_UNANSWERED,
		.retry_after_ms = answer->retry_after_ms,
		.answer = http->text,
	};
	if (outcome == CARRIED_DELIVERED) {
		if (answer->location != NULL)
			host = answer->location;
		(void)evpop_text_printable(
		    http->place, sizeof(http->place), host, strlen(host));
		http->result = (struct carried_result){ .answer = http->text,
			.place = http->place };
	}
	/* Perhaps the secret has another value by now. */
	if (outcome == CARRIED_WRONG)
		webhook_key_free(&http->key);
}

static void
http_done(const struct web_answer *answer, void *arg)
{
	struct carrier *http = arg;

	FAILPOINT("http: answered");
	if (http->state == HTTP_PROBING && answer->end == WEB_ANSWERED)
		http->result = (struct carried_result){
			.answer = "connected; nothing was posted",
			.place = web_host(http->web)
		};
	else if (http->is_unread && answer->end != WEB_ANSWERED)
		http->result =
		    (struct carried_result){ .outcome = CARRIED_UNREAD,
			    .answer = "the message cannot be read" };
	else
		http_judge(http, answer);
	http_carried(http);
}

/* ---- the secret ---- */

static void
http_go_on(struct carrier *http)
{
	if (http->parcel != NULL) {
		http_prepare(http);
		return;
	}
	http->state = HTTP_PROBING;
	http->is_unread = false;
	web_connect(http->web);
}

static void
http_fetched(struct secret *secret, const char *error, void *arg)
{
	struct carrier *http = arg;
	char text[HTTP_ANSWER_TEXT];

	http->request = NULL;
	if (secret != NULL) {
		http->key = webhook_key_new(secret, &error);
		secret_free(&secret);
	}
	if (http->key == NULL) {
		snprintf(
		    text, sizeof(text), "nothing can be signed: %s", error);
		http_end(http, CARRIED_WRONG, text);
		return;
	}
	http_go_on(http);
}

static void
http_start(struct carrier *http)
{
	const struct carrier_setup *setup = http->setup;
	struct secret_source source;

	if (http->key != NULL ||
	    !password_source(
		setup->target, &setup->target->secret, setup->key, &source)) {
		http_go_on(http);
		return;
	}
	http->state = HTTP_FETCHING;
	http->request = secret_fetch(
	    setup->base, &source, HTTP_SECRET_MS, http_fetched, http);
	if (http->request == NULL)
		http_end_no_memory(http);
}

/* ---- a carrier ---- */

static void
http_carry(struct carrier *http, struct parcel *parcel)
{
	http->parcel = parcel;
	http_start(http);
}

static void
http_probe(struct carrier *http)
{
	http_start(http);
}

static void
http_free(struct carrier *http)
{
	if (http->parcel != NULL)
		parcel_stop(http->parcel);
	secret_cancel(&http->request);
	(void)event_del(&http->ending);
	web_free(&http->web);
	webhook_key_free(&http->key);
	http_forget(http);
	free(http);
}

static struct carrier *
http_begin(const struct carrier_setup *setup)
{
	static const struct web_handler handler = {
		.more = http_more, .rewind = http_rewind, .done = http_done
	};
	struct web_options options;
	struct carrier *http = calloc(1, sizeof(*http));

	if (http == NULL)
		return NULL;
	http->setup = setup;
	(void)evtimer_assign(&http->ending, setup->base, http_ended, http);
	web_target_options(setup, &options);
	options.answer_most = HTTP_BODY_MOST;
	http->web = web_new(&options, &handler, http);
	if (http->web == NULL) {
		free(http);
		return NULL;
	}
	return http;
}

const struct carrier_type carrier_http = {
	.depth = 1,
	.begin = http_begin,
	.carry = http_carry,
	.end = http_free,
	.probe = http_probe,
};
