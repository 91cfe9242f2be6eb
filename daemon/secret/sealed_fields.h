/*
 * What a sealed envelope holds: fields, each a type, a length and bytes.
 */
#ifndef SECRET_SEALED_FIELDS_H
#define SECRET_SEALED_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text is UTF-8 without NUL, numbers are 8 octets, the highest first. */
enum sealed_field {
	SEALED_ACCOUNT = 1, /* text: its name */
	SEALED_UNIQUE_ID,   /* octets, as the server gave it */
	SEALED_OCTETS,      /* number: of the plain body */
	SEALED_DIGEST,      /* BLAKE2b-256 of the plain body */
	SEALED_DATE,        /* number: Unix time in ms */
	SEALED_FROM,        /* text, as the next: decoded */
	SEALED_TO,
	SEALED_CC,
	SEALED_SUBJECT,
	SEALED_HEADER_ID,   /* text: the Message-ID */
	SEALED_ATTACHMENTS, /* number */
	SEALED_ATTACHMENT,  /* text: a name; any number of these */
	SEALED_TRANSCRIPT   /* text: of what is in quarantine */
};

/* Fields that are put together.  All zero: none. */
struct sealed_fields {
	unsigned char *bytes;
	size_t length, room;
	bool has_failed; /* without memory */
};

/* NULL is left out. */
void sealed_fields_put_text(
    struct sealed_fields *, enum sealed_field, const char *text);
void sealed_fields_put_number(
    struct sealed_fields *, enum sealed_field, uint64_t number);
void sealed_fields_put(struct sealed_fields *, enum sealed_field,
    const void *bytes, size_t length);
/* Wipes, frees; all zero. */
void sealed_fields_clear(struct sealed_fields *);

/* Fields that are read: begin with `at` and `left` of all. */
struct sealed_fields_reader {
	const unsigned char *at;
	size_t left;
	/* The field that was read last; types that are not known are skipped by
	 * whoever reads. */
	int type;
	const unsigned char *bytes;
	size_t length;
};
/* False at the end. */
bool sealed_fields_next(struct sealed_fields_reader *);
uint64_t sealed_fields_number(const struct sealed_fields_reader *);

#endif
