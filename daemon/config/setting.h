/* A value that is being read, for who reads one type of it. */
#ifndef CONFIG_SETTING_H
#define CONFIG_SETTING_H

#include <stddef.h>

#include "daemon/config/value.h"

/* The arguments of config_value_set(). */
struct config_setting {
	const struct config_option *option;
	const char *text, *folder;
	struct evpop_arena *arena;
	void *member;
	char *why;
	size_t why_size;
};

/* Says what was expected, and shows the value. */
enum config_value_result config_setting_refuse(
    const struct config_setting *, const char *what);
/* The same for values that may be secret. */
enum config_value_result config_setting_refuse_hidden(
    const struct config_setting *, const char *what);

/* A text becomes the member's value; NULL: there was no memory for it. */
enum config_value_result config_setting_keep(
    const struct config_setting *, char *copy);

/* Where something is: what the types of option.h of these names want. */
enum config_value_result config_setting_host(const struct config_setting *);
enum config_value_result config_setting_address(const struct config_setting *);
enum config_value_result config_setting_proxy(const struct config_setting *);
enum config_value_result config_setting_url(const struct config_setting *);
enum config_value_result config_setting_path(const struct config_setting *);
enum config_value_result config_setting_place(const struct config_setting *);
enum config_value_result config_setting_template(const struct config_setting *);
enum config_value_result config_setting_deliver(const struct config_setting *);

#endif
