/*
 * Memory of one configuration, given back all at once and wiped, so that no
 * password survives it.  Equal strings can share one copy: a hundred thousand
 * accounts at one host name it once.
 */
#ifndef CONFIG_ARENA_H
#define CONFIG_ARENA_H

#include <stddef.h>

struct config_arena;

/* NULL without memory. */
struct config_arena *config_arena_new(void) __attribute__((warn_unused_result));
/* Wipes everything it ever gave, frees it, sets the pointer to NULL. */
void config_arena_free(struct config_arena **);

/* Zeroed and aligned for pointers and integers; NULL without memory. */
void *config_arena_alloc(struct config_arena *, size_t size)
    __attribute__((warn_unused_result));
/* A copy of its own; NULL without memory. */
char *config_arena_copy(struct config_arena *, const char *text)
    __attribute__((warn_unused_result));
/* A copy that equal texts share; NULL without memory. */
char *config_arena_share(struct config_arena *, const char *text)
    __attribute__((warn_unused_result));

/* No text is shared any more: frees what finds them. */
void config_arena_seal(struct config_arena *);

#endif
