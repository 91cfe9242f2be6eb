#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/control/when.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/local.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/text.h"
#include "daemon/notify/notify.h"
#include "lib/base/near.h"

/* Longer than any event: a name and a server's text are bounded. */
#define LINE_MAX_SIZE 65536

/* How long to wait for a daemon that has gone: the first time, and at most. */
#define RETRY_FIRST_S 1
#define RETRY_MOST_S  10

enum feed_end {
	FEED_GOES_ON = 0,
	FEED_HAS_ENOUGH, /* --count, or nobody reads the output */
	FEED_IS_STARVED  /* of memory */
};

enum feed_state {
	FEED_BEGINS = 0,
	FEED_FLOWS,
	FEED_IS_CUT /* the daemon has gone, and may come back */
};

/* The events as they come, and what of them to print. */
struct feed {
	const struct ctl *ctl;
	const char *account, *kinds; /* NULL: all */
	uint64_t left;               /* to print; 0: no limit */
	char since[24];              /* the last id; "": none yet */
	enum feed_state state;
	enum feed_end end;
	char day[16]; /* of the last line, "2024-02-29" */
	char *line;   /* unfinished */
	size_t length;
};

/* ---- words for people ---- */

struct event_words {
	const char *event, *form;
	enum print_colour colour;
};

static const struct event_words event_words[] = {
	{ "poll-begun", "poll begins", PRINT_PLAIN },
	{ "message-stored", "message {message_id} stored ({size:size})",
	    PRINT_PLAIN },
	{ "account-state", "{from} -> {to}", PRINT_PLAIN },
	{ "deletions-held",
	    "{held} deletion{s} held back: \"evpopctl account "
	    "NAME\" says why",
	    PRINT_WARNING },
	{ "message-quarantined",
	    "message {number} failed {attempts} times and "
	    "is skipped: \"evpopctl quarantine show {quarantine_id}\"",
	    PRINT_BAD },
	{ "reload-failed", "not reloaded: {text}", PRINT_BAD },
	{ "hook-failed", "{hook} failed: {text}", PRINT_BAD },
	{ "message-delivered", "message {message_id} delivered to {target}",
	    PRINT_GOOD },
	{ "delivery-refused",
	    "{target} refuses message {message_id}: {text}: \"evpopctl outbox "
	    "show {outbox_id}\"",
	    PRINT_BAD },
	{ "target-state", "target {target}: {from} -> {to}", PRINT_PLAIN },
	{ "target-full",
	    "so much waits for target {target} that its accounts do not fetch",
	    PRINT_WARNING },
	{ "target-drained",
	    "accounts that deliver to target {target} fetch again",
	    PRINT_GOOD },
	{ "clock",
	    "the clock was set, or is plausible again, or no longer: "
	    "\"evpopctl status\" shows it",
	    PRINT_WARNING },
	{ "reloaded",
	    "reloaded: {added} account{s} added|{changed} changed|"
	    "{removed} removed",
	    PRINT_PLAIN },
	{ "lost", "events are missing: {text}", PRINT_WARNING },
};

static const struct event_words poll_ok = { "poll-over",
	"poll ok: {messages} on the server|{fetched} fetched|"
	"?{deleted:figure}|?{adopted:figure}|?{seen:figure}|"
	"?{waiting:figure}|?{held:figure}|?{failed:figure}",
	PRINT_PLAIN };
static const struct event_words poll_failed = { "poll-over",
	"poll failed: {text}", PRINT_BAD };
static const struct event_words store_works = { "store-health",
	"the store works", PRINT_GOOD };
static const struct event_words store_fails = { "store-health",
	"the store fails: {text}", PRINT_BAD };
static const struct event_words account_works = { "account-health",
	"works again", PRINT_GOOD };
static const struct event_words account_fails = { "account-health",
	"begins to fail: {text}", PRINT_BAD };
static const struct event_words account_waits = { "account-health",
	"needs attention: {text}", PRINT_BAD };
static const struct event_words target_works = { "target-health",
	"target {target} works again", PRINT_GOOD };
static const struct event_words target_is_down = { "target-health",
	"target {target} is down: {text}", PRINT_BAD };
static const struct event_words target_waits = { "target-health",
	"target {target} needs attention: {text}", PRINT_BAD };
/* Of a later daemon. */
static const struct event_words unknown = { "", "{event}", PRINT_PLAIN };

static const struct event_words *
event_find_words(const json_t *event)
{
	if (ctl_is(event, "event", "poll-over"))
		return ctl_is(event, "outcome", "ok") ? &poll_ok : &poll_failed;
	if (ctl_is(event, "event", "store-health"))
		return json_is_true(ctl_member(event, "works")) ? &store_works
								: &store_fails;
	if (ctl_is(event, "event", "account-health"))
		return ctl_is(event, "to", "ok")        ? &account_works
		       : ctl_is(event, "to", "refused") ? &account_waits
							: &account_fails;
	if (ctl_is(event, "event", "target-health"))
		return ctl_is(event, "to", "ok")        ? &target_works
		       : ctl_is(event, "to", "refused") ? &target_waits
							: &target_is_down;
	for (size_t i = 0; i < sizeof(event_words) / sizeof(event_words[0]);
	     i++)
		if (ctl_is(event, "event", event_words[i].event))
			return &event_words[i];
	return &unknown;
}

/* The reader's own time on a terminal, with a line for each new day. */
static void
feed_time(struct feed *feed, const json_t *event, char text_r[WHEN_SIZE])
{
	const char *text = ctl_text(event, "time");
	struct tm tm;
	char day[sizeof(feed->day)];

	snprintf(text_r, WHEN_SIZE, "%s", text != NULL ? text : "-");
	if (!feed->ctl->is_terminal || !local_parts(event, "time", &tm))
		return;
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	if (strcmp(day, feed->day) != 0)
		fprintf(feed->ctl->out, "%s\n", day);
	memcpy(feed->day, day, sizeof(day));
	strftime(text_r, WHEN_SIZE, "%H:%M:%S", &tm);
}

/* Print text from anywhere, in a colour. */
static void
feed_put(const struct feed *feed, const char *text, enum print_colour colour)
{
	const char *before =
	    feed->ctl->colour ? print_colour_begin(colour) : NULL;
	char *clean = text_clean(text, TEXT_ONE_LINE);

	fprintf(feed->ctl->out, "%s%s%s", before != NULL ? before : "",
	    clean != NULL ? clean : "", before != NULL ? "\033[0m" : "");
	free(clean);
}

static void
feed_print(struct feed *feed, const json_t *event)
{
	const struct event_words *words = event_find_words(event);
	const char *account = ctl_text(event, "account");
	struct phrase phrase;
	char time[WHEN_SIZE];

	phrase_begin(&phrase);
	print_form(feed->ctl, words->form, event, &phrase);
	feed_time(feed, event, time);
	fprintf(feed->ctl->out, "%s  ", time);
	if (account != NULL)
		feed_put(feed, account, PRINT_PLAIN);
	if (account != NULL)
		fputs(": ", feed->ctl->out);
	feed_put(feed, phrase.text, words->colour);
	fputc('\n', feed->ctl->out);
}

/* ---- the stream ---- */

/* Whether a list of words with commas between them contains the word. */
static bool
list_contains(const char *list, const char *word)
{
	size_t length = strlen(word), step;

	for (;; list += step + 1) {
		step = strcspn(list, ",");
		if (step == length && strncmp(list, word, length) == 0)
			return true;
		if (list[step] == '\0')
			return false;
	}
}

/* What is missing concerns all. */
static bool
feed_wants(const struct feed *feed, const json_t *event)
{
	const char *kind = ctl_text(event, "event");

	if (kind == NULL || strcmp(kind, "hello") == 0)
		return false;
	if (strcmp(kind, "lost") == 0)
		return true;
	return (feed->kinds == NULL || list_contains(feed->kinds, kind)) &&
	       (feed->account == NULL ||
		   ctl_is(event, "account", feed->account));
}

static void
feed_take_event(struct feed *feed, const json_t *event)
{
	uint64_t id = ctl_count(event, "id");

	if (id > 0)
		snprintf(feed->since, sizeof(feed->since), "%llu",
		    (unsigned long long)id);
	if (!feed_wants(feed, event))
		return;
	if (feed->ctl->json)
		ctl_print_json_line(feed->ctl, event);
	else
		feed_print(feed, event);
	if (feed->left > 0 && --feed->left == 0)
		feed->end = FEED_HAS_ENOUGH;
}

static void
feed_take_line(struct feed *feed)
{
	static const char data[] = "data: ";
	const size_t skip = sizeof(data) - 1;
	json_t *event;

	if (feed->length < skip || memcmp(feed->line, data, skip) != 0)
		return;
	event = json_loadb(feed->line + skip, feed->length - skip, 0, NULL);
	if (event != NULL)
		feed_take_event(feed, event);
	json_decref(event);
}

static bool
feed_take(const char *bytes, size_t length, void *arg)
{
	struct feed *feed = arg;
	const char *end;
	size_t part;

	if (feed->line == NULL && (feed->line = malloc(LINE_MAX_SIZE)) == NULL)
		feed->end = FEED_IS_STARVED;
	if (feed->state == FEED_IS_CUT)
		ctl_warn(feed->ctl, "the daemon is there again");
	feed->state = FEED_FLOWS;
	while (length > 0 && feed->end == FEED_GOES_ON) {
		end = memchr(bytes, '\n', length);
		part = end != NULL ? (size_t)(end - bytes) : length;
		if (part > LINE_MAX_SIZE - feed->length)
			part = LINE_MAX_SIZE - feed->length;
		memcpy(feed->line + feed->length, bytes, part);
		feed->length += part;
		bytes += part;
		length -= part;
		if (end == NULL && feed->length < LINE_MAX_SIZE)
			break;
		feed_take_line(feed);
		feed->length = 0;
		bytes += length > 0 ? 1 : 0;
		length -= length > 0 ? 1 : 0;
	}
	/* Whole lines only: so an interrupt finds no half ones. */
	if (fflush(feed->ctl->out) != 0 || ctl_reader_is_gone(feed->ctl))
		feed->end = FEED_HAS_ENOUGH;
	return feed->end == FEED_GOES_ON;
}

/* ---- the command ---- */

/* Whether a daemon that was there may be there again soon. */
static bool
feed_may_come_back(const struct feed *feed, const struct client_error *error)
{
	return feed->state != FEED_BEGINS &&
	       (error->exit == CTL_TEMPORARY || error->exit == CTL_UNAVAILABLE);
}

static enum ctl_exit
feed_run(struct feed *feed)
{
	struct timespec pause = { .tv_sec = RETRY_FIRST_S };
	struct client_error error;
	struct target target;

	for (;;) {
		target_begin(&target, "/v1/events", NULL);
		target_parameter(&target, "since",
		    feed->since[0] != '\0' ? feed->since : NULL);
		feed->length = 0;
		/* A daemon that ends in good order ends the stream so, too. */
		if (client_download(
			feed->ctl, &target, feed_take, feed, &error))
			client_fail(&error, CTL_TEMPORARY, "try again",
			    "the daemon has ended the stream");
		if (feed->end == FEED_IS_STARVED)
			return ctl_no_memory(feed->ctl);
		if (feed->end == FEED_HAS_ENOUGH)
			return CTL_OK;
		if (!feed_may_come_back(feed, &error))
			return client_report(feed->ctl, &error);
		if (feed->state == FEED_FLOWS) {
			ctl_warn(feed->ctl,
			    "the daemon has ended the stream; waiting for it");
			pause.tv_sec = RETRY_FIRST_S;
		}
		feed->state = FEED_IS_CUT;
		nanosleep(&pause, NULL);
		if (ctl_reader_is_gone(feed->ctl))
			return CTL_OK;
		if (pause.tv_sec < RETRY_MOST_S)
			pause.tv_sec++;
	}
}

static bool
kind_is_told(const char *word, size_t length, struct evpop_near *near)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)length, word);
	for (unsigned kind = 0; kind < NOTIFY_KIND_COUNT; kind++) {
		const char *name = notify_kind_name((enum notify_kind)kind);

		if ((NOTIFY_TOLD & NOTIFY_BIT(kind)) == 0)
			continue;
		if (strcmp(name, text) == 0)
			return true;
		evpop_near_consider(near, text, name);
	}
	return false;
}

/* Whether all words of --kind are kinds; false after saying which is not. */
static bool
kinds_are_told(const struct ctl *ctl, const char *kinds)
{
	struct evpop_near near = { NULL, 0 };
	size_t length;

	for (;; kinds += length + 1) {
		length = strcspn(kinds, ",");
		if (!kind_is_told(kinds, length, &near))
			break;
		if (kinds[length] == '\0')
			return true;
	}
	ctl_warn(ctl, "events: there is no kind \"%.*s\"", (int)length, kinds);
	if (near.word != NULL)
		fprintf(
		    ctl->err, "          did you mean \"%s\"?\n", near.word);
	fprintf(ctl->err, "          kinds:");
	for (unsigned kind = 0; kind < NOTIFY_KIND_COUNT; kind++)
		if ((NOTIFY_TOLD & NOTIFY_BIT(kind)) != 0)
			fprintf(ctl->err, " %s",
			    notify_kind_name((enum notify_kind)kind));
	fprintf(ctl->err, "\n");
	return false;
}

/* Read a number option; false after saying that it is none. */
static bool
events_number(const struct ctl *ctl, const struct invocation *invocation,
    const char *option, uint64_t least, uint64_t *value_r)
{
	const char *text = command_value(invocation, option);
	char *end;

	if (text == NULL)
		return true;
	errno = 0;
	*value_r = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 &&
	    *value_r >= least)
		return true;
	ctl_warn(ctl, "events: --%s \"%s\": a whole number from %llu, please",
	    option, text, (unsigned long long)least);
	return false;
}

enum ctl_exit
events_run(const struct ctl *ctl, const struct invocation *invocation)
{
	struct feed feed = { .ctl = ctl,
		.account = command_value(invocation, "account"),
		.kinds = command_value(invocation, "kind") };
	uint64_t since = 0;
	enum ctl_exit code;

	if (!events_number(ctl, invocation, "since", 0, &since) ||
	    !events_number(ctl, invocation, "count", 1, &feed.left) ||
	    (feed.kinds != NULL && !kinds_are_told(ctl, feed.kinds)))
		return command_usage(ctl, invocation->command);
	if (command_given(invocation, "since"))
		snprintf(feed.since, sizeof(feed.since), "%llu",
		    (unsigned long long)since);
	code = feed_run(&feed);
	free(feed.line);
	return code;
}
