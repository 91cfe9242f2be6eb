/* The paths and the commands that a configuration names. */
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/option.h"
#include "daemon/config/target.h"
#include "daemon/config/value.h"

/*
 * A text of one type, of the options that are in `in`; CONFIG_SCOPE_DAEMON
 * stands for all of struct config.
 */
static void
named_each(enum config_type type, enum config_scope scope, const void *in,
    void (*each)(const char *text, void *arg), void *arg)
{
	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];
		const void *value;
		const char *text;

		if (option->type != type ||
		    (config_scope_is_named(option->scope)
			    ? option->scope
			    : CONFIG_SCOPE_DAEMON) != scope)
			continue;
		value = config_value_at(option, in);
		text = value != NULL ? *(char *const *)value : NULL;
		if (text != NULL && *text != '\0')
			each(text, arg);
	}
}

static void
named_each_of_all(const struct config *config, enum config_type type,
    void (*each)(const char *text, void *arg), void *arg)
{
	named_each(type, CONFIG_SCOPE_DAEMON, config, each, arg);
	for (size_t i = 0; i < config->target_count; i++)
		named_each(
		    type, CONFIG_SCOPE_TARGET, config->targets[i], each, arg);
	for (size_t i = 0; i < config->account_count; i++)
		named_each(
		    type, CONFIG_SCOPE_ACCOUNT, config->accounts[i], each, arg);
}

struct named_paths {
	const struct config *config;
	void (*each)(const char *path, void *arg);
	void *arg;
};

static void
named_take_path(const char *path, void *arg)
{
	const struct named_paths *paths = arg;

	if (path != paths->config->store_path &&
	    path != paths->config->control_socket)
		paths->each(path, paths->arg);
}

void
config_each_path(const struct config *config,
    void (*each)(const char *path, void *arg), void *arg)
{
	struct named_paths paths = { config, each, arg };

	for (size_t i = 0; i < config->files.count; i++)
		each(config->files.items[i], arg);
	named_each_of_all(config, CONFIG_TYPE_PATH, named_take_path, &paths);
}

void
config_targets_each_path(const struct config *config,
    void (*each)(const char *path, void *arg), void *arg)
{
	for (size_t i = 0; i < config->target_count; i++)
		named_each(CONFIG_TYPE_PATH, CONFIG_SCOPE_TARGET,
		    config->targets[i], each, arg);
}

/* For free(); NULL without memory. */
static char *
named_place(const struct config_target *target)
{
	const char *path = target->path;
	const size_t fixed = strcspn(path, "{}");
	size_t length = fixed;

	if (path[fixed] == '\0' && target->type == CONFIG_TARGET_MAILDIR)
		return strdup(path);
	while (length > 1 && path[length - 1] != '/')
		length--;
	return strndup(path, length);
}

/* A Maildir, and what is behind the fixed part of a template. */
static bool
named_makes_folders(const struct config_target *target)
{
	return target->type == CONFIG_TARGET_MAILDIR ||
	       strpbrk(target->path, "{}") != NULL;
}

void
config_each_place(const struct config *config,
    void (*each)(const char *folder, bool makes_folders, void *arg), void *arg)
{
	for (size_t i = 0; i < config->target_count; i++) {
		char *place = NULL;

		if (config->targets[i]->path != NULL)
			place = named_place(config->targets[i]);
		if (place != NULL)
			each(place, named_makes_folders(config->targets[i]),
			    arg);
		free(place);
	}
}

void
config_account_each_path(const struct config_account *account,
    void (*each)(const char *path, void *arg), void *arg)
{
	named_each(CONFIG_TYPE_PATH, CONFIG_SCOPE_ACCOUNT, account, each, arg);
}

void
config_each_command(const struct config *config,
    void (*each)(const char *command, void *arg), void *arg)
{
	named_each_of_all(config, CONFIG_TYPE_COMMAND, each, arg);
}

char *
config_include_folder(const char *include)
{
	size_t length = strcspn(include, "*?[");

	while (length > 1 && include[length - 1] != '/')
		length--;
	return strndup(include, length);
}
