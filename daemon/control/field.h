/*
 * Puts one member into a JSON object, which may be NULL.  A member for which
 * there is no memory is left out, as by jansson itself.
 */
#ifndef CONTROL_FIELD_H
#define CONTROL_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/notify/tally.h"

/* Takes over the reference to `value`. */
void field_value(json_t *object, const char *name, json_t *value);

/* Text of any bytes: what is not UTF-8 becomes U+FFFD.  NULL becomes null. */
void field_text(json_t *object, const char *name, const char *text);

/* A count or a size, limited to 2^63 - 1. */
void field_count(json_t *object, const char *name, uint64_t count);

/* The cursor that leads to the next page, as "next_cursor". */
void field_cursor(json_t *object, int64_t cursor);

/* The first `count` figures of a tally. */
void field_tally(json_t *object, const struct tally *, size_t count);

/* ISO 8601 in UTC; null for 0, which means "never". */
void field_time(json_t *object, const char *name, int64_t time_ms);
/* The time that a message names, as "date"; null where it names none. */
void field_date(json_t *object, bool has_date, int64_t date_ms);

/*
 * A unique-id as "unique_id", and as "unique_id_hex" too if it is not printable
 * ASCII, as RFC 1939 section 7 requires.
 */
void field_unique_id(
    json_t *object, const unsigned char *unique_id, size_t length);

/*
 * A JSON string of any bytes, harmless where it is shown: what is not UTF-8,
 * controls but LF and tab, and marks of direction are U+FFFD.  NULL without
 * memory.
 */
json_t *json_any_text(const char *bytes, size_t length);

#endif
