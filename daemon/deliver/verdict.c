#include "daemon/deliver/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/config/target.h"
#include "daemon/deliver/packing.h"
#include "daemon/deliver/parcel.h"
#include "daemon/deliver/verdict_read.h"
#include "daemon/http/web.h"

/* All its symbols, with what they say of themselves. */
#define VERDICT_ANSWER  ((size_t)1024 * 1024)
#define VERDICT_HEADERS 8
#define VERDICT_HEADER  640

/* For a look: a message of no consequence. */
static const char verdict_trial[] = "From: evpopd\r\nTo: evpopd\r\n"
				    "Subject: Does rspamd answer?\r\n"
				    "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
				    "Message-ID: <trial@evpopd.invalid>\r\n"
				    "\r\nThis message is not delivered.\r\n";

/* A connection, and the parcel that is asked about; NULL: none, or a look. */
struct verdict_question {
	struct verdicts *verdicts;
	struct web *web; /* NULL: not yet */
	struct parcel *parcel;
	verdict_probe_cb probed; /* NULL: it is no look */
	void *probe_arg;
	bool is_unread;
	struct verdict_read read;
	char headers[VERDICT_HEADERS][VERDICT_HEADER];
	size_t header_count;
};

struct verdict_waiting {
	TAILQ_ENTRY(verdict_waiting) entry;
	struct parcel *parcel;
};

struct verdicts {
	const struct config_target *target;
	struct event_base *base;
	struct evpop_names *names;
	verdict_cb given;
	void *arg;
	char *url;
	TAILQ_HEAD(, verdict_waiting) waiting;
	/*
	 * The message that rspamd was last silent about.  Where it is so again,
	 * the message is the cause, and does not hold up the others.
	 */
	int64_t silent_id;
	size_t count;
	struct verdict_question questions[];
};

/* ---- what rspamd is told ---- */

/* One that could not stand in a header, or says nothing, is left out. */
static void
verdict_header(
    struct verdict_question *question, const char *name, const char *value)
{
	const char *at;

	for (at = value; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			return;
	if (at == value || question->header_count == VERDICT_HEADERS)
		return;
	snprintf(question->headers[question->header_count++], VERDICT_HEADER,
	    "%s: %s", name, value);
}

/* https://docs.rspamd.com/developers/protocol */
static void
verdict_describe(struct verdict_question *question)
{
	const struct parcel *parcel = question->parcel;
	const struct trace *trace = packing_trace(parcel);
	char sender[TRACE_ADDRESS + 2];

	verdict_header(question, "Queue-Id", parcel->key);
	verdict_header(question, "IP", trace->address);
	verdict_header(question, "Helo", trace->helo);
	if (trace->address[0] != '\0')
		verdict_header(question, "Hostname",
		    trace->name[0] != '\0' ? trace->name : "unknown");
	if (trace->has_sender) {
		snprintf(sender, sizeof(sender), "<%s>", trace->sender);
		verdict_header(question, "From", sender);
	}
	verdict_header(question, "Rcpt",
	    trace->recipient[0] != '\0' ? trace->recipient : parcel->recipient);
}

static void
verdict_post(struct verdict_question *question)
{
	const char *lines[VERDICT_HEADERS + 1];
	size_t i;

	question->header_count = 0;
	question->is_unread = false;
	verdict_header(question, "Content-Type", "message/rfc822");
	if (question->parcel != NULL)
		verdict_describe(question);
	for (i = 0; i < question->header_count; i++)
		lines[i] = question->headers[i];
	lines[i] = NULL;
	web_post(question->web, lines,
	    question->parcel != NULL ? question->parcel->octets
				     : strlen(verdict_trial));
}

static void
verdict_piece(enum parcel_read read, const unsigned char *octets, size_t length,
    void *arg)
{
	struct verdict_question *question = arg;

	if (read == PARCEL_PIECE) {
		web_write(question->web, octets, length);
		return;
	}
	question->is_unread = true;
	web_abort(question->web);
}

static void
verdict_more(void *arg)
{
	struct verdict_question *question = arg;

	if (question->parcel != NULL)
		parcel_next(question->parcel, verdict_piece, question);
	else
		web_write(question->web, verdict_trial, strlen(verdict_trial));
}

static void
verdict_rewind(void *arg)
{
	struct verdict_question *question = arg;

	if (question->parcel != NULL)
		parcel_rewind(question->parcel);
}

/* The one that waits longest, if any does. */
static void
verdict_next(struct verdict_question *question)
{
	struct verdicts *verdicts = question->verdicts;
	struct verdict_waiting *waiting = TAILQ_FIRST(&verdicts->waiting);

	if (waiting == NULL)
		return;
	TAILQ_REMOVE(&verdicts->waiting, waiting, entry);
	question->parcel = waiting->parcel;
	free(waiting);
	verdict_post(question);
}

/* ---- what it says ---- */

/* Whether rspamd could not be asked at all. */
static bool
verdict_is_down(
    struct verdict_question *question, const struct web_answer *answer)
{
	struct verdicts *verdicts = question->verdicts;
	int64_t id =
	    question->parcel != NULL ? question->parcel->message_id : 0;
	bool is_silent =
	    answer->end == WEB_UNANSWERED ||
	    (answer->end == WEB_ANSWERED && answer->status / 100 == 5);

	if (answer->end == WEB_ANSWERED && !is_silent)
		return false;
	if (is_silent && id != 0 && id == verdicts->silent_id)
		return false;
	if (is_silent)
		verdicts->silent_id = id;
	return true;
}

static enum verdict_outcome
verdict_judge(
    struct verdict_question *question, const struct web_answer *answer)
{
	struct verdict_read *read = &question->read;
	char reason[VERDICT_TEXT];

	if (question->is_unread && answer->end != WEB_ANSWERED)
		return VERDICT_UNREAD;
	if (answer->end == WEB_ANSWERED && answer->status == 200 &&
	    verdict_read(answer->body, read))
		return VERDICT_GIVEN;
	if (answer->end == WEB_ANSWERED)
		snprintf(reason, sizeof(reason), "rspamd at %s answers %u %s",
		    web_host(question->web), answer->status,
		    answer->status == 200 ? "without a verdict" : answer->text);
	else
		snprintf(reason, sizeof(reason), "rspamd at %s", answer->text);
	verdict_read_none(reason, read);
	return verdict_is_down(question, answer) &&
		       question->verdicts->target->rspamd_down ==
			   CONFIG_RSPAMD_DOWN_WAIT
		   ? VERDICT_DOWN
		   : VERDICT_GIVEN;
}

static void
verdict_done(const struct web_answer *answer, void *arg)
{
	struct verdict_question *question = arg;
	struct verdicts *verdicts = question->verdicts;
	struct parcel *parcel = question->parcel;
	verdict_probe_cb probed = question->probed;
	struct verdict verdict;

	verdict.outcome = verdict_judge(question, answer);
	verdict.is_spam = question->read.is_spam;
	verdict.lines = question->read.lines;
	verdict.text = question->read.text;
	question->parcel = NULL;
	question->probed = NULL;
	/* Either callback may free everything. */
	if (probed != NULL) {
		probed(answer->end == WEB_ANSWERED && answer->status == 200,
		    verdict.text, question->probe_arg);
		return;
	}
	parcel_stop(parcel);
	verdict_next(question);
	verdicts->given(parcel, &verdict, verdicts->arg);
}

/* ---- who asks ---- */

static bool
verdict_open(struct verdict_question *question)
{
	static const struct web_handler handler = { .more = verdict_more,
		.rewind = verdict_rewind,
		.done = verdict_done };
	const struct verdicts *verdicts = question->verdicts;
	const struct web_options options = {
		.base = verdicts->base,
		.names = verdicts->names,
		.url = verdicts->url,
		/* Whoever names it means it, wherever it is. */
		.rules = WEB_PLACE_ALLOW_PRIVATE | WEB_PLACE_ALLOW_CLEARTEXT,
		.timeout_ms = verdicts->target->timeout_ms,
		.answer_most = VERDICT_ANSWER,
	};

	if (question->web == NULL)
		question->web = web_new(&options, &handler, question);
	return question->web != NULL;
}

/* One that asks nothing; of those, one with a connection. */
static struct verdict_question *
verdict_free_one(struct verdicts *verdicts)
{
	struct verdict_question *found = NULL;
	size_t i;

	for (i = 0; i < verdicts->count; i++) {
		struct verdict_question *question = &verdicts->questions[i];

		if (question->parcel != NULL || question->probed != NULL)
			continue;
		if (question->web != NULL)
			return question;
		if (found == NULL)
			found = question;
	}
	return found;
}

static bool
verdict_wait(struct verdicts *verdicts, struct parcel *parcel)
{
	struct verdict_waiting *waiting = malloc(sizeof(*waiting));

	if (waiting == NULL)
		return false;
	waiting->parcel = parcel;
	TAILQ_INSERT_TAIL(&verdicts->waiting, waiting, entry);
	return true;
}

bool
verdict_ask(struct verdicts *verdicts, struct parcel *parcel)
{
	struct verdict_question *question = verdict_free_one(verdicts);

	if (question == NULL)
		return verdict_wait(verdicts, parcel);
	if (!verdict_open(question))
		return false;
	question->parcel = parcel;
	verdict_post(question);
	return true;
}

void
verdict_forget(struct verdicts *verdicts, struct parcel *parcel)
{
	struct verdict_waiting *waiting;
	size_t i;

	TAILQ_FOREACH(waiting, &verdicts->waiting, entry) {
		if (waiting->parcel != parcel)
			continue;
		TAILQ_REMOVE(&verdicts->waiting, waiting, entry);
		free(waiting);
		return;
	}
	for (i = 0; i < verdicts->count; i++) {
		struct verdict_question *question = &verdicts->questions[i];

		if (question->parcel != parcel)
			continue;
		parcel_stop(parcel);
		question->parcel = NULL;
		web_free(&question->web);
		if (verdict_open(question))
			verdict_next(question);
		return;
	}
}

bool
verdict_probe(struct verdicts *verdicts, verdict_probe_cb probed, void *arg)
{
	struct verdict_question *question = verdict_free_one(verdicts);

	if (question == NULL || !verdict_open(question))
		return false;
	question->probed = probed;
	question->probe_arg = arg;
	verdict_post(question);
	return true;
}

/* "http://localhost:11333/checkv2". */
static char *
verdict_url(const char *base)
{
	size_t length = strlen(base);
	char *url;

	while (length > 0 && base[length - 1] == '/')
		length--;
	return asprintf(&url, "%.*s/checkv2", (int)length, base) < 0 ? NULL
								     : url;
}

struct verdicts *
verdicts_new(const struct config_target *target, struct event_base *base,
    struct evpop_names *names, verdict_cb given, void *arg)
{
	size_t count = target->concurrency, i;
	struct verdicts *verdicts =
	    calloc(1, sizeof(*verdicts) + count * sizeof(*verdicts->questions));

	if (verdicts == NULL)
		return NULL;
	verdicts->target = target;
	verdicts->base = base;
	verdicts->names = names;
	verdicts->given = given;
	verdicts->arg = arg;
	verdicts->count = count;
	TAILQ_INIT(&verdicts->waiting);
	for (i = 0; i < count; i++)
		verdicts->questions[i].verdicts = verdicts;
	verdicts->url = verdict_url(target->rspamd);
	if (verdicts->url == NULL)
		verdicts_free(&verdicts);
	return verdicts;
}

void
verdicts_free(struct verdicts **verdicts_r)
{
	struct verdicts *verdicts = *verdicts_r;
	struct verdict_waiting *waiting;
	size_t i;

	if (verdicts == NULL)
		return;
	*verdicts_r = NULL;
	while ((waiting = TAILQ_FIRST(&verdicts->waiting)) != NULL) {
		TAILQ_REMOVE(&verdicts->waiting, waiting, entry);
		free(waiting);
	}
	for (i = 0; i < verdicts->count; i++) {
		if (verdicts->questions[i].parcel != NULL)
			parcel_stop(verdicts->questions[i].parcel);
		web_free(&verdicts->questions[i].web);
	}
	free(verdicts->url);
	free(verdicts);
}
