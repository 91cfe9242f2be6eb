/*
 * A growing string of octets, and the escapes by which a dialog file writes
 * octets that are no plain text.
 */
#ifndef DIALOG_OCTETS_H
#define DIALOG_OCTETS_H

#include <stddef.h>

struct octets {
	unsigned char *bytes; /* with a NUL behind, which is not counted */
	size_t length, room;
};

/* Append; ends the program without memory. */
void octets_add(struct octets *, const void *, size_t length);
void octets_add_text(struct octets *, const char *);
void octets_clear(struct octets *);

/* The octets as a string: what is empty is "". */
const char *octets_text(const struct octets *);

/*
 * Append what the text stands for: \r \n \t \s \e \0 \\ \xHH; \# is the
 * counter; what stands between \[ and \] is written in base64.  NULL, or what
 * is wrong with the text.
 */
const char *octets_unescape(
    struct octets *, const char *text, size_t length, unsigned long counter);

/* Append a text that octets_unescape() would read back. */
void octets_escape(struct octets *, const void *, size_t length);

/* Whether `part` occurs in the octets; what is empty occurs nowhere. */
int octets_hold(const struct octets *, const struct octets *part);

#endif
