#include "daemon/config/deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evpop/client.h>

#include "daemon/config/files.h"
#include "daemon/config/setting.h"
#include "daemon/config/target.h"
#include "lib/base/unit.h"

/* What a text describes begins with its type and this. */
static bool
deliver_is_type(const char *item, enum config_target_type type)
{
	const char *name = config_target_type_name(type);
	size_t length = strlen(name);

	return strncmp(item, name, length) == 0 && item[length] == ':';
}

/* The type, or CONFIG_TARGET_COUNT. */
static enum config_target_type
deliver_find_type(const char *item)
{
	int type = 0;

	while (type < CONFIG_TARGET_COUNT &&
	       !deliver_is_type(item, (enum config_target_type)type))
		type++;
	return (enum config_target_type)type;
}

bool
config_deliver_is_description(const char *item)
{
	return strchr(item, ':') != NULL;
}

/* ---- reading a value ---- */

static const char *
deliver_rest(const char *item)
{
	return strchr(item, ':') + 1;
}

/* The item with a whole path in it, or NULL without memory. */
static char *
deliver_with_path(const struct config_setting *setting, const char *item)
{
	const char *path = deliver_rest(item);
	char *whole, *shared;

	if (*path == '/' || *setting->folder == '\0')
		return evpop_arena_share(setting->arena, item);
	if (asprintf(&whole, "%.*s%s/%s", (int)(path - item), item,
		setting->folder, path) < 0)
		return NULL;
	shared = evpop_arena_share(setting->arena, whole);
	free(whole);
	return shared;
}

static enum config_value_result
deliver_check_path(
    const struct config_setting *setting, const char *item, char **kept_r)
{
	const char *path = deliver_rest(item);
	const char *problem = config_template_problem(path);

	if (*path == '\0')
		return config_setting_refuse(
		    setting, "a path behind the colon");
	if (config_path_needs_shell(path))
		return config_setting_refuse(setting,
		    *path == '~' ? "a whole path (~ is not expanded)"
				 : "a whole path (variables are not expanded)");
	if (problem != NULL)
		return config_setting_refuse(setting, problem);
	*kept_r = deliver_with_path(setting, item);
	return CONFIG_VALUE_OK;
}

/* HOST, HOST:PORT, [ADDRESS]:PORT; false if it is neither. */
static bool
deliver_split_server(
    const char *text, char *host_r, size_t size, uint16_t *port_r)
{
	const char *host = *text == '[' ? text + 1 : text;
	size_t length = strcspn(host, *text == '[' ? "]" : ":");
	const char *rest = host + length;
	struct evpop_result result;
	int64_t port = 0;

	if (*text == '[' && *rest == ']')
		rest++;
	else if (*text == '[')
		return false;
	if (length == 0 || length >= size)
		return false;
	memcpy(host_r, host, length);
	host_r[length] = '\0';
	if (*rest == ':' &&
	    (!evpop_unit_parse(rest + 1, evpop_unit_none, &port) || port < 1 ||
		port > 65535))
		return false;
	*port_r = (uint16_t)port;
	return (*rest == ':' || *rest == '\0') &&
	       evpop_host_check(host_r, &result);
}

/* The longest name of a host, and an address with its zone. */
#define HOST_SIZE 1024

static enum config_value_result
deliver_check_server(
    const struct config_setting *setting, const char *item, char **kept_r)
{
	char host[HOST_SIZE];
	uint16_t port;

	if (*deliver_rest(item) == '/')
		return deliver_check_path(setting, item, kept_r);
	if (!deliver_split_server(
		deliver_rest(item), host, sizeof(host), &port))
		return config_setting_refuse(
		    setting, "lmtp:HOST, lmtp:HOST:PORT or lmtp:/SOCKET");
	*kept_r = evpop_arena_share(setting->arena, item);
	return CONFIG_VALUE_OK;
}

static enum config_value_result
deliver_check_name(
    const struct config_setting *setting, const char *item, char **kept_r)
{
	/* Habits of aliases(5) and procmail. */
	if (*item == '/' || *item == '~')
		return config_setting_refuse(
		    setting, "maildir:PATH or mbox:PATH");
	if (*item == '|')
		return config_setting_refuse(setting, "pipe:COMMAND");
	if (config_deliver_is_description(item))
		return config_setting_refuse(setting,
		    strncmp(item, "imap", 4) == 0 ||
			    strncmp(item, "http", 4) == 0
			? "the name of a [target NAME] that describes the "
			  "server"
			: "names of targets, or maildir:PATH, mbox:PATH, "
			  "lmtp:HOST:PORT, lmtp:/SOCKET or pipe:COMMAND, "
			  "with commas between");
	if (!config_target_is_name(item))
		return config_setting_refuse(setting,
		    "names of targets, of letters, digits and . _ - @ +, with "
		    "commas between");
	*kept_r = evpop_arena_share(setting->arena, item);
	return CONFIG_VALUE_OK;
}

/* *kept_r is NULL without memory. */
static enum config_value_result
deliver_check(
    const struct config_setting *setting, const char *item, char **kept_r)
{
	*kept_r = NULL;
	switch (deliver_find_type(item)) {
	case CONFIG_TARGET_MAILDIR:
	case CONFIG_TARGET_MBOX:
		return deliver_check_path(setting, item, kept_r);
	case CONFIG_TARGET_LMTP:
		return deliver_check_server(setting, item, kept_r);
	case CONFIG_TARGET_PIPE:
		if (strspn(deliver_rest(item), " \t") ==
		    strlen(deliver_rest(item)))
			return config_setting_refuse(
			    setting, "a command behind pipe:");
		*kept_r = evpop_arena_share(setting->arena, item);
		return CONFIG_VALUE_OK;
	default:
		return deliver_check_name(setting, item, kept_r);
	}
}

/* Cuts the item that *rest begins with off, without the blanks around it. */
static char *
deliver_cut(char **rest)
{
	char *item = *rest + strspn(*rest, " \t");
	char *end;

	/* A command may hold commas. */
	if (deliver_is_type(item, CONFIG_TARGET_PIPE)) {
		*rest = NULL;
		return item;
	}
	*rest = item;
	item = strsep(rest, ",");
	end = item + strlen(item);
	while (end > item && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	return item;
}

enum config_value_result
config_setting_deliver(const struct config_setting *setting)
{
	struct config_strings *strings = setting->member, found = { 0 };
	char *rest = evpop_arena_copy(
	    setting->arena, setting->text, strlen(setting->text));
	struct config_setting one = *setting;
	enum config_value_result result;
	char *kept;

	found.items = evpop_arena_take(setting->arena,
	    (strlen(setting->text) / 2 + 1) * sizeof(*found.items));
	if (rest == NULL || found.items == NULL)
		return CONFIG_VALUE_MEMORY;
	while (rest != NULL) {
		one.text = deliver_cut(&rest);
		result = deliver_check(&one, one.text, &kept);
		if (result != CONFIG_VALUE_OK)
			return result;
		if (kept == NULL)
			return CONFIG_VALUE_MEMORY;
		for (size_t i = 0; i < found.count; i++)
			if (strcmp(found.items[i], kept) == 0)
				return config_setting_refuse(
				    &one, "each target once");
		found.items[found.count++] = kept;
	}
	*strings = found;
	return CONFIG_VALUE_OK;
}

/* ---- what an item describes ---- */

bool
config_deliver_describe(
    const char *item, struct evpop_arena *arena, struct config_target *target)
{
	char *rest = evpop_arena_share(arena, deliver_rest(item));
	char host[HOST_SIZE];

	if (rest == NULL)
		return false;
	target->type = deliver_find_type(item);
	switch (target->type) {
	case CONFIG_TARGET_PIPE:
		target->command = rest + strspn(rest, " \t");
		return true;
	case CONFIG_TARGET_LMTP:
		if (*rest == '/') {
			target->socket = rest;
			return true;
		}
		(void)deliver_split_server(
		    rest, host, sizeof(host), &target->port);
		target->host = evpop_arena_share(arena, host);
		return target->host != NULL;
	default:
		target->path = rest;
		return true;
	}
}
