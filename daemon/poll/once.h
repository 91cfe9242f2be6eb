/*
 * One poll of each account, or of those that are named, without a daemon that
 * stays: which they are, and how many are left.
 */
#ifndef POLL_ONCE_H
#define POLL_ONCE_H

#include "daemon/poll/accounts.h"

struct once;

/*
 * Names and patterns (lib/base/glob.h), that must stay; none: all accounts.
 * NULL without memory.
 */
struct once *once_new(const char *const *names, size_t count)
    __attribute__((warn_unused_result));

/*
 * Once it is known whose row is whose: let those that are not meant rest.  A
 * paused account is not meant unless by its name; and by its name an account is
 * also polled if its credentials were refused before.  Does nothing when called
 * again.
 */
void once_choose(struct once *, struct accounts *, struct agenda *);

/* A poll is over.  Whether they all are; NULL: there is no end. */
void once_count(struct once *);
bool once_is_over(const struct once *);

/* How many accounts are meant. */
size_t once_chosen(const struct once *);

/* Sets the pointer to NULL; NULL is allowed. */
void once_free(struct once **);

#endif
