/*
 * Finds characters that nobody sees: they come along when lines are copied from
 * web pages, and no server knows the name that holds one.
 */
#ifndef CONFIG_INVISIBLE_H
#define CONFIG_INVISIBLE_H

#include <stdbool.h>
#include <stddef.h>

struct config_invisible {
	size_t octet; /* where it begins; the first is 1 */
	unsigned code;
	const char *name; /* "no-break space" */
};

/* The first one in valid UTF-8. */
bool config_invisible_find(
    const char *text, size_t length, struct config_invisible *found_r);

#endif
