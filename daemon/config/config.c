#include "daemon/config/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/read.h"
#include "daemon/config/value.h"

/* A config and the memory of all that it points to. */
struct owned_config {
	struct config config;
	struct evpop_arena arena;
};
_Static_assert(offsetof(struct owned_config, config) == 0,
    "a pointer to the config is one to its owner");

static void
config_set_defaults(struct config_reading *reading)
{
	char why[128];

	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];
		void *target = option->scope == CONFIG_SCOPE_ACCOUNT
				   ? (void *)&reading->defaults
				   : (void *)reading->config;

		if (*option->initial == '\0')
			continue;
		switch (config_value_set(option, option->initial, "",
		    reading->arena, target, why, sizeof(why))) {
		case CONFIG_VALUE_OK:
			break;
		case CONFIG_VALUE_BAD:
			assert(false && "a default within its own bounds");
			break;
		case CONFIG_VALUE_MEMORY:
			reading->report.no_memory = true;
			return;
		}
	}
}

static void
config_add_files(struct config_reading *reading)
{
	struct config_strings *files = &reading->config->files;

	files->items = evpop_arena_take(
	    reading->arena, (reading->file_count + 1) * sizeof(*files->items));
	if (files->items == NULL) {
		reading->report.no_memory = true;
		return;
	}
	for (size_t i = 0; i < reading->file_count; i++)
		files->items[i] = reading->files[i];
	files->count = reading->file_count;
}

/* Who lets one server have more than all by default means that they run. */
static void
complete_sessions(struct config_reading *reading)
{
	const struct config_option *option =
	    config_option_find(CONFIG_SCOPE_DAEMON, "max_sessions");
	struct config *config = reading->config;

	if (reading->places[option - config_options].file == NULL &&
	    config->max_sessions < config->max_sessions_per_host)
		config->max_sessions = config->max_sessions_per_host;
}

static void
config_read_all(struct config_reading *reading, const char *path)
{
	size_t errors;

	config_set_defaults(reading);
	config_read_file(reading, path);
	complete_sessions(reading);
	errors = reading->report.messages.errors;
	config_finish_accounts(reading);
	config_add_files(reading);
	if (reading->draft_count == 0 && errors == 0)
		config_report_warning(&reading->report, path, 0,
		    "no accounts; expected at least one [account NAME]");
	if (reading->report.no_memory)
		config_report_error(
		    &reading->report, path, 0, "not enough memory");
}

static struct config *
config_make(
    const char *path, bool looks_for_files, struct config_messages *messages_r)
{
	struct owned_config *owned = calloc(1, sizeof(*owned));
	struct config_reading *reading = calloc(1, sizeof(*reading));
	struct config *config = NULL;

	*messages_r = (struct config_messages){ 0 };
	if (reading != NULL && owned != NULL) {
		config = &owned->config;
		reading->config = config;
		reading->arena = &owned->arena;
		reading->looks_for_files = looks_for_files;
		config_read_all(reading, path);
		evpop_arena_seal(reading->arena);
		*messages_r = reading->report.messages;
		free(reading->drafts);
		free(reading->files);
		config_file_set_free(&reading->read);
		if (messages_r->errors > 0)
			config_free(&config);
	} else {
		messages_r->errors = 1;
		free(owned);
	}
	free(reading);
	return config;
}

struct config *
config_read(const char *path, struct config_messages *messages_r)
{
	return config_make(path, false, messages_r);
}

struct config *
config_check(const char *path, struct config_messages *messages_r)
{
	return config_make(path, true, messages_r);
}

void
config_free(struct config **config_p)
{
	struct owned_config *owned = (struct owned_config *)*config_p;

	if (owned == NULL)
		return;
	evpop_arena_free(&owned->arena);
	free(owned);
	*config_p = NULL;
}

static int
config_compare_name(const void *name, const void *account_p)
{
	const struct config_account *const *account = account_p;

	return strcmp(name, (*account)->name);
}

const struct config_account *
config_find(const struct config *config, const char *name)
{
	struct config_account *const *found;

	if (config->account_count == 0)
		return NULL;
	found = bsearch(name, config->accounts, config->account_count,
	    sizeof(*config->accounts), config_compare_name);
	return found == NULL ? NULL : *found;
}
