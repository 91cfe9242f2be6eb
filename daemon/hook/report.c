#include "daemon/hook/report.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/field.h"
#include "daemon/control/when.h"
#include "lib/base/text.h"

#define REPORT_TEXT_SIZE 1024

/* Names in a line. */
#define NAMES_MOST 8

/* Ids in EVPOP_MESSAGE_IDS: the system bounds the environment. */
#define IDS_MOST 100

/* A value of a variable; the names and ids are the longest. */
#define VALUE_SIZE 4096

/* More than there are variables. */
#define VARIABLES_MAX 16

const char *
hook_kind_name(enum hook_kind kind)
{
	static const char *const names[] = {
		[HOOK_ON_FAILURE] = "on_failure",
		[HOOK_ON_RECOVERY] = "on_recovery",
		[HOOK_ON_MESSAGE] = "on_message",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == HOOK_KIND_COUNT,
	    "every hook has a name");
	assert(kind < HOOK_KIND_COUNT);
	return names[kind];
}

/* "failure", as in EVPOP_EVENT. */
static const char *
report_event(enum hook_kind kind)
{
	return hook_kind_name(kind) + strlen("on_");
}

static const struct batch_item *
report_only_item(const struct batch *batch)
{
	return batch->count == 1 && batch->more == 0
		   ? TAILQ_FIRST(&batch->items)
		   : NULL;
}

/* "anna", "target sink" or "the store". */
#define NAME_SIZE 512
static const char *
report_name(const struct batch_item *item, char text[NAME_SIZE])
{
	if (item->target == NULL)
		return item->account != NULL ? item->account : "the store";
	(void)snprintf(text, NAME_SIZE, "target %s", item->target);
	return text;
}

/* What failed, where it was no server of POP3's. */
static const char *
report_class(const struct batch_item *item)
{
	if (item->target != NULL)
		return "target";
	return item->account == NULL ? "store" : item->outcome;
}

static uint64_t
report_messages(const struct batch *batch)
{
	const struct batch_item *item;
	uint64_t count = 0;

	TAILQ_FOREACH(item, &batch->items, link)
		count += item->message_count + item->more;
	return count;
}

/* ---- text ---- */

struct words {
	char *text;
	size_t size, length;
};

static void words_add(struct words *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
words_add(struct words *words, const char *format, ...)
{
	size_t room = words->size - words->length;
	va_list arguments;
	int written;

	va_start(arguments, format);
	written =
	    vsnprintf(words->text + words->length, room, format, arguments);
	va_end(arguments);
	if (written > 0)
		words->length +=
		    (size_t)written < room ? (size_t)written : room - 1;
}

/* What comes from servers, fit for a line. */
static void
words_end(struct words *words)
{
	(void)evpop_text_printable(
	    words->text, words->size, words->text, words->length);
}

static void
report_add_one(struct words *words, enum hook_kind kind,
    const struct batch_item *item, bool is_reminder)
{
	char space[NAME_SIZE];
	const char *name = report_name(item, space);
	uint64_t messages = item->message_count + item->more;

	if (kind == HOOK_ON_MESSAGE)
		words_add(words, "%s: %llu new message%s", name,
		    (unsigned long long)messages, messages == 1 ? "" : "s");
	else if (kind == HOOK_ON_RECOVERY)
		words_add(words, "%s works again", name);
	else
		words_add(words, "%s %s: %s", name,
		    is_reminder             ? "still fails"
		    : item->needs_attention ? "needs attention"
					    : "fails",
		    item->text != NULL ? item->text
				       : "see \"evpopctl "
					 "status\"");
}

static void
report_add_names(struct words *words, const struct batch *batch)
{
	const struct batch_item *item;
	uint64_t count = batch->count + batch->more, said = 0;
	char name[NAME_SIZE];

	TAILQ_FOREACH(item, &batch->items, link) {
		if (said == NAMES_MOST)
			break;
		words_add(words, "%s%s", said > 0 ? ", " : "",
		    report_name(item, name));
		said++;
	}
	if (said < count)
		words_add(words, " and %llu more",
		    (unsigned long long)(count - said));
}

/* "anna fails: the log-in was refused", for one line of a telephone. */
static void
report_text(enum hook_kind kind, const struct batch *batch, bool is_reminder,
    char text[REPORT_TEXT_SIZE])
{
	struct words words = { text, REPORT_TEXT_SIZE, 0 };
	const struct batch_item *one = report_only_item(batch);

	text[0] = '\0';
	if (one != NULL) {
		report_add_one(&words, kind, one, is_reminder);
	} else {
		words_add(&words,
		    "%" PRIu64 " %s: ", batch->count + batch->more,
		    kind == HOOK_ON_RECOVERY ? "work again"
		    : is_reminder            ? "still fail"
					     : "fail");
		report_add_names(&words, batch);
	}
	words_end(&words);
}

/* ---- the environment ---- */

struct variables {
	char **list;
	size_t count;
	bool is_starved; /* of memory */
};

static void
variables_add(struct variables *variables, const char *name, const char *value)
{
	char clean[VALUE_SIZE];
	char *variable = NULL;

	assert(variables->count < VARIABLES_MAX - 1);
	value = value != NULL ? value : "";
	(void)evpop_text_printable(clean, sizeof(clean), value, strlen(value));
	if (asprintf(&variable, "EVPOP_%s=%s", name, clean) < 0) {
		variables->is_starved = true;
		return;
	}
	variables->list[variables->count++] = variable;
}

static void
variables_add_count(
    struct variables *variables, const char *name, uint64_t count)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	variables_add(variables, name, digits);
}

/* Of a batch of one; empty otherwise. */
static void
variables_add_item(struct variables *variables, const struct batch_item *item)
{
	char since[WHEN_SIZE] = "";

	if (item != NULL && item->failing_since_ms != 0 &&
	    !when_format(item->failing_since_ms, since))
		since[0] = '\0';
	variables_add(variables, "ACCOUNT", item != NULL ? item->account : "");
	variables_add(variables, "TARGET", item != NULL ? item->target : "");
	variables_add(variables, "HOST", item != NULL ? item->host : "");
	variables_add(
	    variables, "CLASS", item != NULL ? report_class(item) : "");
	variables_add(variables, "ADVICE", item != NULL ? item->advice : "");
	variables_add(variables, "SINCE", since);
}

static void
variables_add_messages(
    struct variables *variables, const struct batch_item *item)
{
	char ids[VALUE_SIZE] = "";
	struct words words = { ids, sizeof(ids), 0 };

	for (size_t i = 0; i < item->message_count && i < IDS_MOST; i++)
		words_add(&words, "%s%lld", i > 0 ? " " : "",
		    (long long)item->messages[i]);
	variables_add(variables, "MESSAGE_IDS", ids);
	ids[strcspn(ids, " ")] = '\0';
	variables_add(variables, "MESSAGE_ID", ids);
	variables_add_count(
	    variables, "MESSAGES", item->message_count + item->more);
}

char **
report_environment(
    enum hook_kind kind, const struct batch *batch, bool is_reminder)
{
	struct variables variables = { .list = calloc(
					   VARIABLES_MAX, sizeof(char *)) };
	const struct batch_item *one = report_only_item(batch);
	char text[REPORT_TEXT_SIZE];

	if (variables.list == NULL)
		return NULL;
	report_text(kind, batch, is_reminder, text);
	variables_add(&variables, "EVENT", report_event(kind));
	variables_add(&variables, "TEXT", text);
	variables_add_count(&variables, "COUNT", batch->count + batch->more);
	variables_add(&variables, "REMINDER", is_reminder ? "1" : "");
	variables_add_item(&variables, one);
	if (kind == HOOK_ON_MESSAGE && one != NULL)
		variables_add_messages(&variables, one);
	if (!variables.is_starved)
		return variables.list;
	report_environment_free(variables.list);
	return NULL;
}

void
report_environment_free(char **list)
{
	if (list == NULL)
		return;
	for (size_t i = 0; list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

/* ---- JSON ---- */

static json_t *
report_item_json(enum hook_kind kind, const struct batch_item *item)
{
	json_t *json = json_object(), *ids;

	field_text(json, "account", item->account);
	if (item->target != NULL)
		field_text(json, "target", item->target);
	if (kind == HOOK_ON_MESSAGE) {
		ids = json_array();
		for (size_t i = 0; i < item->message_count; i++)
			(void)json_array_append_new(
			    ids, json_integer(item->messages[i]));
		field_value(json, "message_ids", ids);
		field_count(json, "messages", item->message_count + item->more);
		return json;
	}
	field_text(json, "host", item->host);
	field_text(json, "class", report_class(item));
	field_text(json, "text", item->text);
	field_text(json, "advice", item->advice);
	field_time(json, "failing_since", item->failing_since_ms);
	if (kind == HOOK_ON_FAILURE)
		field_value(json, "needs_attention",
		    json_boolean(item->needs_attention));
	return json;
}

char *
report_json(enum hook_kind kind, const struct batch *batch, bool is_reminder,
    int64_t now_ms)
{
	json_t *json = json_object(), *list = json_array();
	const struct batch_item *item;
	char text[REPORT_TEXT_SIZE], *line;

	report_text(kind, batch, is_reminder, text);
	field_text(json, "event", report_event(kind));
	field_time(json, "time", now_ms);
	field_text(json, "text", text);
	field_value(json, "reminder", json_boolean(is_reminder));
	field_count(json, "count", batch->count + batch->more);
	if (kind == HOOK_ON_MESSAGE)
		field_count(json, "messages", report_messages(batch));
	TAILQ_FOREACH(item, &batch->items, link)
		(void)json_array_append_new(list, report_item_json(kind, item));
	field_value(json, "accounts", list);
	line = json == NULL
		   ? NULL
		   : json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(json);
	return line;
}
