/*
 * Walks through a list of the API's, page by page.
 */
#ifndef CTL_LIST_H
#define CTL_LIST_H

#include "daemon/ctl/ctl.h"

struct invocation;
struct target;

/* How many rows; SIZE_MAX: all. */
#define PAGES_ALL ((size_t)-1)

struct pages {
	const char *list; /* the member that is the array */
	/* Begin a target with all parameters but limit and cursor. */
	void (*begin)(struct target *target_r, const struct invocation *);
	const struct invocation *invocation;
	/* Take a page's array; not called with --json. */
	enum ctl_exit (*page)(struct ctl *, const json_t *array, void *arg);
	void *arg;
	size_t limit;
};

/*
 * Print each page, or its JSON with --json.  On a terminal, say if there is
 * more than the limit let through.
 */
enum ctl_exit pages_walk(struct ctl *, const struct pages *);

/* Read --limit; CTL_USAGE, with the reason said, if it is no number. */
enum ctl_exit pages_limit(
    struct ctl *, const struct invocation *, size_t *limit_r);

#endif
