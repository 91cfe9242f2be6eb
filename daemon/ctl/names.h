/*
 * The accounts that a command line means: names, patterns such as 'cust0*'
 * (which the daemon expands), or all.
 */
#ifndef CTL_NAMES_H
#define CTL_NAMES_H

#include "daemon/ctl/ctl.h"

struct names {
	char **items;
	size_t count, room;
};

/* Which accounts a pattern or --all includes; NULL: each. */
typedef bool (*names_fit)(const json_t *account);

/*
 * Append those that the words name.  A name is taken as it is, whether there is
 * such an account or not; a pattern that includes none is reported, and the
 * others are there all the same.
 */
enum ctl_exit names_of_words(const struct ctl *, char *const *words,
    size_t count, names_fit, struct names *);

/* Append all that fit. */
enum ctl_exit names_of_all(const struct ctl *, names_fit, struct names *);

void names_free(struct names *);

#endif
