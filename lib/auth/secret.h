/*
 * Octets that may be a secret: they lie in guarded memory, and are wiped when
 * they move, when they are replaced and when they are freed.  Copies of
 * credentials consist of such octets.
 */
#ifndef EVPOP_AUTH_SECRET_H
#define EVPOP_AUTH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include <evpop/auth.h>

/*
 * Zeroed, it is empty.  An addition that finds no memory sets `failed`, and
 * what is added later is dropped: ask once, at the end.
 */
struct evpop_secret {
	char *bytes; /* NUL-terminated, or NULL where nothing was added */
	size_t length, room;
	bool failed;
};

void evpop_secret_add(struct evpop_secret *, const void *bytes, size_t length);
void evpop_secret_add_text(struct evpop_secret *, const char *text);
void evpop_secret_add_secret(
    struct evpop_secret *, const struct evpop_secret *from);

/* Add a name as SASL messages carry it: saslname of RFC 5801 section 4. */
void evpop_secret_add_name(struct evpop_secret *, const char *name);

/*
 * Room for octets that are written there and then committed, which may be
 * fewer; NULL without memory.
 */
char *evpop_secret_reserve(struct evpop_secret *, size_t length);
void evpop_secret_commit(struct evpop_secret *, size_t length);

/* Its octets with a NUL behind them: "" where there are none. */
const char *evpop_secret_text(const struct evpop_secret *);

/* Wipe, free and zero. */
void evpop_secret_clear(struct evpop_secret *);

/* A copy of a string in guarded memory; NULL without memory. */
char *evpop_secret_copy(const char *text) EVPOP_MUST_USE;

/* Wipe and free such a copy, and set the pointer to NULL, which it may be. */
void evpop_secret_forget(char **text);

enum evpop_saslprep {
	EVPOP_SASLPREP_DONE = 0,
	EVPOP_SASLPREP_FORBIDDEN, /* or no UTF-8 */
	EVPOP_SASLPREP_EMPTY,     /* nothing is left of it */
	EVPOP_SASLPREP_NO_MEMORY
};

/*
 * Replace such a copy by what SASLprep (RFC 4013) makes of it; it stays where
 * that fails.  What Unicode 3.2 does not assign passes: servers know newer
 * versions.
 */
enum evpop_saslprep evpop_secret_saslprep(char **text) EVPOP_MUST_USE;

/*
 * A copy of credentials, with 0 mechanisms replaced by the default ones.
 * Without memory it is false, and the copy is empty.
 */
bool evpop_credentials_copy(struct evpop_credentials *copy_r,
    const struct evpop_credentials *) EVPOP_MUST_USE;

/*
 * Wipe and free the texts of a copy, which is empty then, and may have been.
 * Mechanisms and callback stay.
 */
void evpop_credentials_wipe(struct evpop_credentials *copy);

/* Wipe and free one text of a copy, and set it to NULL, which it may be. */
void evpop_credentials_forget(const char **text);

#endif
