/* Patterns of names, as people type them: "cust0*". */
#ifndef EVPOP_BASE_GLOB_H
#define EVPOP_BASE_GLOB_H

#include <stdbool.h>

/*
 * Whether the whole name fits, "*" being any characters and "?" any one.  Takes
 * no longer than the product of both lengths.
 */
bool evpop_glob_matches(const char *pattern, const char *name);

/* Whether it is more than a name. */
bool evpop_glob_is_pattern(const char *);

#endif
