/*
 * Dates of mail, as RFC 5322 and its forerunners, ISO 8601 and careless
 * programs write them.
 */
#ifndef STORE_MAIL_DATE_H
#define STORE_MAIL_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Milliseconds of Unix time; false where it is no date, or none of the years
 * 1 to 9999.  A time without a zone, or of one that is not known, is UTC.
 */
bool mail_date_read(const char *value, size_t length, int64_t *date_ms_r);

#endif
