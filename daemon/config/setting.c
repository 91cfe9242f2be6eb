#include "daemon/config/setting.h"

#include <stdio.h>
#include <string.h>

/* How much of a value a message shows. */
#define SHOWN_MAX 64

enum config_value_result
config_setting_refuse(const struct config_setting *setting, const char *what)
{
	size_t length = strlen(setting->text);
	size_t shown = length > SHOWN_MAX ? SHOWN_MAX : length;

	/* Never cut inside a character. */
	while (shown < length && shown > 0 &&
	       ((unsigned char)setting->text[shown] & 0xc0) == 0x80)
		shown--;
	(void)snprintf(setting->why, setting->why_size,
	    "expected %s, not \"%.*s%s\"", what, (int)shown, setting->text,
	    shown < length ? "..." : "");
	return CONFIG_VALUE_BAD;
}

enum config_value_result
config_setting_refuse_hidden(
    const struct config_setting *setting, const char *what)
{
	(void)snprintf(setting->why, setting->why_size, "expected %s", what);
	return CONFIG_VALUE_BAD;
}

enum config_value_result
config_setting_keep(const struct config_setting *setting, char *copy)
{
	if (copy == NULL)
		return CONFIG_VALUE_MEMORY;
	*(char **)setting->member = copy;
	return CONFIG_VALUE_OK;
}
