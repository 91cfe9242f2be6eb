/* Values that say where something is. */
#include "daemon/config/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <evpop/client.h>

#include "daemon/config/files.h"
#include "daemon/config/target.h"

enum config_value_result
config_setting_host(const struct config_setting *setting)
{
	struct evpop_result result;

	if (!evpop_host_check(setting->text, &result))
		return config_setting_refuse(setting,
		    strchr(setting->text, ':') != NULL
			? "only a host name or address (the port goes into "
			  "port = )"
			: "a host name or address");
	return config_setting_keep(
	    setting, evpop_arena_share(setting->arena, setting->text));
}

enum config_value_result
config_setting_address(const struct config_setting *setting)
{
	struct evpop_result result;

	if (!evpop_address_check(setting->text, &result))
		return config_setting_refuse(
		    setting, "an IPv4 or IPv6 address");
	return config_setting_keep(
	    setting, evpop_arena_share(setting->arena, setting->text));
}

enum config_value_result
config_setting_proxy(const struct config_setting *setting)
{
	struct evpop_result result;

	if (!evpop_proxy_check(setting->text, &result))
		return config_setting_refuse_hidden(setting,
		    "socks5://HOST:PORT or http://HOST:PORT, optionally with "
		    "USER:PASSWORD@ before the host, where %40 stands for @, "
		    "%3A for :, %2F for / and %25 for %");
	if (evpop_proxy_has_password(setting->text))
		return config_setting_keep(
		    setting, evpop_arena_copy_secret(setting->arena,
				 setting->text, strlen(setting->text)));
	return config_setting_keep(
	    setting, evpop_arena_share(setting->arena, setting->text));
}

/* A relative path is taken from the folder of the file it stands in. */
enum config_value_result
config_setting_path(const struct config_setting *setting)
{
	const char *text = setting->text;
	char *path;
	int length;

	if (config_path_needs_shell(text))
		return config_setting_refuse(setting,
		    *text == '~' ? "a whole path (~ is not expanded)"
				 : "a whole path (variables are not expanded)");
	if (*text == '/' || *setting->folder == '\0')
		return config_setting_keep(
		    setting, evpop_arena_share(setting->arena, text));
	length = asprintf(&path, "%s/%s", setting->folder, text);
	if (length < 0)
		return CONFIG_VALUE_MEMORY;
	text = evpop_arena_share(setting->arena, path);
	free(path);
	return config_setting_keep(setting, (char *)(uintptr_t)text);
}

enum config_value_result
config_setting_template(const struct config_setting *setting)
{
	const char *problem = config_template_problem(setting->text);

	if (problem != NULL)
		return config_setting_refuse(setting, problem);
	return config_setting_keep(
	    setting, evpop_arena_share(setting->arena, setting->text));
}

enum config_value_result
config_setting_place(const struct config_setting *setting)
{
	const char *problem = config_template_problem(setting->text);

	if (problem != NULL)
		return config_setting_refuse(setting, problem);
	return config_setting_path(setting);
}

/* Whether [HOST] or HOST, and :PORT where there is one, fill the text. */
static bool
place_is_authority(const char *text, size_t length)
{
	size_t host = *text == '[' ? strcspn(text, "]") : strcspn(text, ":/?#");
	size_t digits;

	if (*text == '[' && text[host] == ']')
		host++;
	if (host == 0 || host > length)
		return false;
	if (host == length)
		return true;
	digits = strspn(text + host + 1, "0123456789");
	return text[host] == ':' && digits > 0 && digits <= 5 &&
	       host + 1 + digits == length;
}

/* It may hold a token, and is not shown. */
enum config_value_result
config_setting_url(const struct config_setting *setting)
{
	const char *text = setting->text, *authority = NULL;
	size_t length;

	if (strncasecmp(text, "https://", 8) == 0)
		authority = text + 8;
	else if (strncasecmp(text, "http://", 7) == 0)
		authority = text + 7;
	length = authority == NULL ? 0 : strcspn(authority, "/?#");
	if (length > 0 && memchr(authority, '@', length) != NULL)
		return config_setting_refuse_hidden(
		    setting, "a URL without a user or password in it");
	for (const char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
			return config_setting_refuse_hidden(
			    setting, "a URL of printable ASCII without blanks");
	if (length == 0 || !place_is_authority(authority, length))
		return config_setting_refuse_hidden(setting,
		    "https://HOST/PATH, or http://HOST/PATH with the port "
		    "behind the host where it is not the usual one");
	return config_setting_keep(
	    setting, evpop_arena_copy(setting->arena, text, strlen(text)));
}
