/*
 * Reads the value of an option from text, by the option's type, and compares
 * two values.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/option.h"
#include "lib/base/arena.h"

struct config;
struct config_account;

enum config_value_result {
	CONFIG_VALUE_OK = 0,
	CONFIG_VALUE_BAD, /* why_r says what was expected */
	CONFIG_VALUE_MEMORY
};

/*
 * Parse `text` into the option's member of *target (a struct config or a
 * struct config_account).  Relative paths are taken from `folder`.  `why_r`
 * says what was expected; it never shows a password or a command.
 */
enum config_value_result config_value_set(const struct config_option *,
    const char *text, const char *folder, struct evpop_arena *, void *target,
    char *why_r, size_t why_size) __attribute__((warn_unused_result));

/* Give each option its default; false without memory. */
bool config_value_set_defaults(struct config *, struct config_account *,
    struct evpop_arena *) __attribute__((warn_unused_result));

/* Whether the option's members of the two are equal. */
bool config_value_equal(
    const struct config_option *, const void *a, const void *b);

/* Copy the option's member; what it points to is shared. */
void config_value_share(
    const struct config_option *, void *to, const void *from);

/* Bounds as text, "10s to 30d"; empty where the type has none. */
void config_value_bounds(
    const struct config_option *, char *text_r, size_t size);

#endif
