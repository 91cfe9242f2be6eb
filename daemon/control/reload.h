/*
 * What a reload has changed, and what it warns of: filled by whoever applies
 * the configuration, and told to whoever asked for it.
 */
#ifndef CONTROL_RELOAD_H
#define CONTROL_RELOAD_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct reload;

enum reload_change {
	RELOAD_ADDED = 0,
	RELOAD_CHANGED,
	RELOAD_REMOVED,
	RELOAD_CHANGE_COUNT
};

/* Names beyond these are only counted. */
#define RELOAD_NAMES_MAX 100

/* Without memory NULL, which the other functions take: nothing is kept. */
struct reload *reload_new(void);
void reload_free(struct reload **);

/* An account was added, changed or removed. */
void reload_account(struct reload *, enum reload_change, const char *name);

/* The same of all targets, by two configurations. */
void reload_targets(
    struct reload *, const struct config *old, const struct config *new);

/* A line for people. */
void reload_warning(struct reload *, const char *line);

/*
 * "1 account added (x), 2 changed (a, b), 0 removed", and the same of targets
 * where any has changed; cut if it is too long.
 */
void reload_text(const struct reload *, char *text_r, size_t size);

/*
 * Reads and applies the configuration.  False: nothing has changed, and the
 * text says why.
 */
typedef bool (*reload_function)(
    struct reload *, char *error_r, size_t error_size, void *arg);

#endif
