/*
 * Times in the zone of who types and reads them; the API knows UTC.
 */
#ifndef CTL_LOCAL_H
#define CTL_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/ctl/client.h"

/* A time of the API's, taken apart; false where the member is none. */
bool local_parts(const json_t *object, const char *member, struct tm *parts_r)
    __attribute__((warn_unused_result));

/* "2024-02-29 14:05"; "-" where the member is no time. */
#define LOCAL_SIZE 20
void local_date(const json_t *, const char *member, char text_r[LOCAL_SIZE]);

/*
 * A time as people type it, for the API: a date, or a time without a zone, is
 * meant here, and becomes the seconds of Unix time in as many digits as it had
 * characters.  Anything else stays as it is.  For free(); NULL stays NULL, and
 * is for no memory, too.
 */
char *local_time(const char *text) __attribute__((warn_unused_result));

/* The same for each "since:" and "before:" in a search. */
char *local_query(const char *query) __attribute__((warn_unused_result));

/* Append such a time, or such a search, as a parameter; nothing for NULL. */
void target_time(struct target *, const char *name, const char *text);
void target_query(struct target *, const char *name, const char *query);

#endif
