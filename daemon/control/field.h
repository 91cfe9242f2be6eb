/*
 * Puts one member into a JSON object.  A NULL object stays NULL-safe, and
 * what could not be allocated is missing, as with jansson itself.
 */
#ifndef CONTROL_FIELD_H
#define CONTROL_FIELD_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/notify/tally.h"

/* Takes over the reference to `value`. */
void field_value(json_t *object, const char *name, json_t *value);

/* Text of any bytes: what is not UTF-8 becomes U+FFFD.  NULL becomes null. */
void field_text(json_t *object, const char *name, const char *text);

/* A count or a size; JSON of ours has no integer beyond 2^63. */
void field_count(json_t *object, const char *name, uint64_t count);

/* The figures of a tally from the first on, so many of them. */
void field_tally(json_t *object, const struct tally *, size_t count);

/* ISO 8601 UTC; null for 0, which stands for "never". */
void field_time(json_t *object, const char *name, int64_t time_ms);

/*
 * A unique-id is bytes: "unique_id" where they are printable ASCII (RFC 1939
 * section 7 asks for that), else "unique_id_hex" as well.
 */
void field_unique_id(
    json_t *object, const unsigned char *unique_id, size_t length);

/* A JSON string of any bytes; NULL without memory. */
json_t *json_any_text(const char *bytes, size_t length);

#endif
