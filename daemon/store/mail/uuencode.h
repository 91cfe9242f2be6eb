/*
 * Files within a text, as uuencode writes them: a line that begins one, lines
 * of data, and a line that ends it.
 */
#ifndef STORE_MAIL_UUENCODE_H
#define STORE_MAIL_UUENCODE_H

#include <stddef.h>

#include "daemon/store/mail/text.h"

enum mail_uuencode_place {
	MAIL_UUENCODE_OUTSIDE = 0,
	MAIL_UUENCODE_BEGUN, /* if data follows */
	MAIL_UUENCODE_INSIDE
};

struct mail_uuencode {
	enum mail_uuencode_place place;
	struct mail_text line; /* the one that may begin a file */
};

/* The kind of a line. */
enum mail_uuencode_line {
	MAIL_UUENCODE_TEXT = 0,
	MAIL_UUENCODE_HELD,    /* kept, until the next one tells */
	MAIL_UUENCODE_WAS_NOT, /* the one that was kept is text, as this is */
	MAIL_UUENCODE_FIRST,   /* data; the line that was kept began a file */
	MAIL_UUENCODE_DATA
};

void mail_uuencode_init(struct mail_uuencode *);
void mail_uuencode_free(struct mail_uuencode *);

/* The next line of a text. */
enum mail_uuencode_line mail_uuencode_take(
    struct mail_uuencode *, const char *line, size_t length);

/* The name of the file that the line which was kept begins. */
const char *mail_uuencode_name(const struct mail_uuencode *, size_t *length_r);

/* Octets of a line of data at most, and room for its last group. */
#define MAIL_UUENCODE_LINE_MAX 66

/* Decode a line of data; returns how many octets it has. */
size_t mail_uuencode_decode(
    const char *line, size_t length, char octets_r[MAIL_UUENCODE_LINE_MAX]);

#endif
