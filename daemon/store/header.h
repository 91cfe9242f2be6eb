/*
 * The header of a message or of a MIME part, field by field: just enough to
 * find fields and parameters in whatever servers hand out.
 */
#ifndef STORE_HEADER_H
#define STORE_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where the header ends: the octets before the body, or 0 while the end is not
 * in these bytes.
 */
size_t store_header_end(const char *bytes, size_t length);

struct store_header_field {
	const char *name; /* not terminated */
	size_t name_length;
	const char *value; /* folded as it came, without the last line end */
	size_t value_length;
};

/*
 * The field at *position, which moves behind it; lines that are no field are
 * passed over.  False at the end of the header.
 */
bool store_header_next(const char *bytes, size_t length, size_t *position,
    struct store_header_field *field_r);

/* Whether the field has that name, in any case. */
bool store_header_is(const struct store_header_field *, const char *name);

/* Whether the value begins with the word, in any case. */
bool store_header_starts(const struct store_header_field *, const char *word);

/*
 * The parameter of that name (also in its RFC 2231 forms, NAME*, NAME*0), cut
 * to the size; false where there is none.
 */
bool store_header_parameter(const struct store_header_field *, const char *name,
    char *value_r, size_t size);

#endif
