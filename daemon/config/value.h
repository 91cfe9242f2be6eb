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
struct config_target;

enum config_value_result {
	CONFIG_VALUE_OK = 0,
	CONFIG_VALUE_BAD, /* why_r says what was expected */
	CONFIG_VALUE_MEMORY
};

/*
 * Parse `text` into the option's member of *target (a struct config, a
 * struct config_target or a struct config_account).  Relative paths are taken
 * from `folder`.  `why_r` says what was expected; it never shows a password or
 * a command.
 */
enum config_value_result config_value_set(const struct config_option *,
    const char *text, const char *folder, struct evpop_arena *, void *target,
    char *why_r, size_t why_size) __attribute__((warn_unused_result));

/* Give each option its default; false without memory. */
bool config_value_set_defaults(struct config *, struct config_account *,
    struct evpop_arena *) __attribute__((warn_unused_result));

bool config_value_set_target_defaults(struct config_target *,
    struct evpop_arena *) __attribute__((warn_unused_result));

/* Whether the option's members of the two are equal. */
bool config_value_equal(
    const struct config_option *, const void *a, const void *b);

/* Whether all options of the scope are: of two accounts, or two targets. */
bool config_values_equal(enum config_scope, const void *a, const void *b);

/* The option's member; NULL where the section has none: see option.h. */
const void *config_value_at(const struct config_option *, const void *section);
/* The same, made where there is none; NULL without memory. */
void *config_value_place(const struct config_option *, void *section,
    struct evpop_arena *) __attribute__((warn_unused_result));

/* Copy the option's member; what it points to is shared.  False: no memory. */
bool config_value_share(const struct config_option *, void *to,
    const void *from, struct evpop_arena *) __attribute__((warn_unused_result));

/* Bounds as text, "10s to 30d"; empty where the type has none. */
void config_value_bounds(
    const struct config_option *, char *text_r, size_t size);

#endif
