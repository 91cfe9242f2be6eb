/*
 * A body of application/x-www-form-urlencoded, or the query of a URL.  It may
 * hold secrets: it lies in guarded memory.
 */
#ifndef OAUTH_FORM_H
#define OAUTH_FORM_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed, it is empty. */
struct form {
	char *text; /* NUL-terminated; NULL: nothing was added */
	size_t length, capacity;
	bool has_failed; /* there was no memory for a part */
};

/* Add "NAME=VALUE", quoted; a value of NULL adds nothing. */
void form_add(struct form *, const char *name, const char *value);

/* Wipes it; it is empty then. */
void form_clear(struct form *);

#endif
