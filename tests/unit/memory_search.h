/*
 * Secrets that were freed without being wiped: all of the process's writable
 * memory is searched, freed parts too.  What is searched for is kept masked, so
 * that it is not found in the test itself.
 */
#ifndef EVPOP_TESTS_UNIT_MEMORY_SEARCH_H
#define EVPOP_TESTS_UNIT_MEMORY_SEARCH_H

#include <stddef.h>

#define SECRET_MAX   1024
#define NEEDLE_LEAST ((size_t)36)

struct needle {
	unsigned char masked[SECRET_MAX];
	size_t length;
};

/* Search for these octets, so many at least; or for a key of EVPOP_KEY_MAX. */
void hide(struct needle *, const void *bytes, size_t length);
void hide_key(struct needle *, const void *key);

/* How often it is found in a piece of memory, and anywhere but on the stack. */
size_t count(const unsigned char *, size_t length, const struct needle *);
size_t count_everywhere(const struct needle *);

/*
 * A text that no literal holds, of less than SECRET_MAX / 2 octets, and another
 * for each name; dropped, it is wiped.
 */
char *make_secret(const char *name, size_t length);
void drop_secret(char *secret);

#endif
