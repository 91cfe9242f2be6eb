#include "daemon/control/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/target.h"
#include "daemon/control/field.h"
#include "daemon/control/handlers.h"

/* The first mistake, with a path, a key and what was expected. */
#define ERROR_SIZE 4096

/* So many names stand in a line for people. */
#define NAMES_SHOWN 5

struct changes {
	size_t counts[RELOAD_CHANGE_COUNT];
	json_t *names[RELOAD_CHANGE_COUNT];
};

struct reload {
	struct changes accounts, targets;
	json_t *warnings;
};

static const char *const reload_words[] = {
	[RELOAD_ADDED] = "added",
	[RELOAD_CHANGED] = "changed",
	[RELOAD_REMOVED] = "removed",
};
_Static_assert(
    sizeof(reload_words) / sizeof(reload_words[0]) == RELOAD_CHANGE_COUNT,
    "a word for each change");

struct reload *
reload_new(void)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (reload == NULL)
		return NULL;
	for (int i = 0; i < RELOAD_CHANGE_COUNT; i++) {
		reload->accounts.names[i] = json_array();
		reload->targets.names[i] = json_array();
	}
	reload->warnings = json_array();
	return reload;
}

void
reload_free(struct reload **reload_p)
{
	struct reload *reload = *reload_p;

	if (reload == NULL)
		return;
	*reload_p = NULL;
	for (int i = 0; i < RELOAD_CHANGE_COUNT; i++) {
		json_decref(reload->accounts.names[i]);
		json_decref(reload->targets.names[i]);
	}
	json_decref(reload->warnings);
	free(reload);
}

static void
changes_add(
    struct changes *changes, enum reload_change change, const char *name)
{
	if (changes->counts[change]++ < RELOAD_NAMES_MAX)
		(void)json_array_append_new(
		    changes->names[change], json_any_text(name, strlen(name)));
}

void
reload_account(
    struct reload *reload, enum reload_change change, const char *name)
{
	if (reload != NULL)
		changes_add(&reload->accounts, change, name);
}

static void
reload_add_target(enum config_target_change change, const char *name, void *arg)
{
	static const enum reload_change changes[] = {
		[CONFIG_TARGET_ADDED] = RELOAD_ADDED,
		[CONFIG_TARGET_CHANGED] = RELOAD_CHANGED,
		[CONFIG_TARGET_REMOVED] = RELOAD_REMOVED,
	};
	struct reload *reload = arg;

	changes_add(&reload->targets, changes[change], name);
}

void
reload_targets(
    struct reload *reload, const struct config *old, const struct config *new)
{
	if (reload != NULL)
		config_target_each_change(old, new, reload_add_target, reload);
}

void
reload_warning(struct reload *reload, const char *line)
{
	if (reload != NULL)
		(void)json_array_append_new(
		    reload->warnings, json_any_text(line, strlen(line)));
}

/* Returns the length of the text, at most what there is room for. */
static size_t
reload_add_text(char *text, size_t size, size_t length, const char *part)
{
	snprintf(text + length, size - length, "%s", part);
	return length + strlen(text + length);
}

static size_t
changes_add_names(const struct changes *changes, enum reload_change change,
    char *text, size_t size, size_t length)
{
	const json_t *name;
	size_t i;

	json_array_foreach(changes->names[change], i, name)
	{
		if (i == NAMES_SHOWN)
			break;
		length =
		    reload_add_text(text, size, length, i == 0 ? " (" : ", ");
		length = reload_add_text(
		    text, size, length, json_string_value(name));
	}
	if (changes->counts[change] > NAMES_SHOWN)
		length = reload_add_text(text, size, length, "...");
	if (changes->counts[change] > 0)
		length = reload_add_text(text, size, length, ")");
	return length;
}

static size_t
changes_add_text(const struct changes *changes, const char *one,
    const char *many, char *text, size_t size, size_t length)
{
	char part[64];

	for (int i = 0; i < RELOAD_CHANGE_COUNT; i++) {
		snprintf(part, sizeof(part), "%s%zu%s %s", i > 0 ? ", " : "",
		    changes->counts[i],
		    i > 0                     ? ""
		    : changes->counts[i] == 1 ? one
					      : many,
		    reload_words[i]);
		length = reload_add_text(text, size, length, part);
		length = changes_add_names(
		    changes, (enum reload_change)i, text, size, length);
	}
	return length;
}

static bool
changes_are_any(const struct changes *changes)
{
	size_t count = 0;

	for (int i = 0; i < RELOAD_CHANGE_COUNT; i++)
		count += changes->counts[i];
	return count > 0;
}

void
reload_text(const struct reload *reload, char *text, size_t size)
{
	size_t length;

	text[0] = '\0';
	if (reload == NULL)
		return;
	length = changes_add_text(
	    &reload->accounts, " account", " accounts", text, size, 0);
	if (!changes_are_any(&reload->targets))
		return;
	length = reload_add_text(text, size, length, "; ");
	(void)changes_add_text(
	    &reload->targets, " target", " targets", text, size, length);
}

static json_t *
changes_json(const struct changes *changes)
{
	json_t *json = json_object();

	for (int i = 0; i < RELOAD_CHANGE_COUNT; i++)
		field_value(
		    json, reload_words[i], json_incref(changes->names[i]));
	return json;
}

static json_t *
reload_json(const struct reload *reload)
{
	json_t *json = json_object(), *counts = json_object();

	field_value(json, "reloaded", json_true());
	for (int i = 0; i < RELOAD_CHANGE_COUNT; i++) {
		field_count(
		    counts, reload_words[i], reload->accounts.counts[i]);
		field_value(json, reload_words[i],
		    json_incref(reload->accounts.names[i]));
	}
	field_value(json, "counts", counts);
	field_value(json, "targets", changes_json(&reload->targets));
	field_value(json, "warnings", json_incref(reload->warnings));
	return json;
}

void
reload_post(struct exchange *exchange)
{
	const struct exchange_context *context = exchange_context(exchange);
	struct reload *reload = reload_new();
	char error[ERROR_SIZE] = "";

	if (reload == NULL)
		exchange_answer(exchange, response_no_memory());
	else if (context->reload(reload, error, sizeof(error), context->arg))
		exchange_answer(
		    exchange, response_json(200, reload_json(reload)));
	else
		exchange_answer(exchange,
		    response_error(409, "configuration_invalid",
			"the configuration in use stays; \"evpopd --check\" "
			"shows the same",
			"%s", error));
	reload_free(&reload);
}
