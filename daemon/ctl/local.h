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
 * Append a time as people type it, or a search with such times behind "since:"
 * and "before:", as a parameter; nothing for NULL.  A date, or a time without a
 * zone, is meant here, and becomes the seconds of Unix time in as many digits
 * as it had characters.  Anything else stays as it is.
 */
void target_time(struct target *, const char *name, const char *text);
void target_query(struct target *, const char *name, const char *query);

#endif
