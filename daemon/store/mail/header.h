/*
 * The header of a message or of a MIME part: where it begins and ends, and its
 * fields.  Envelope, parts and words all go by this.
 *
 * Before the header of a message there may be empty lines, the line of an
 * mbox, what an SMTP client said, or what Outlook writes above headers.  Lines
 * end in LF, CRLF or CRCRLF.
 */
#ifndef STORE_MAIL_HEADER_H
#define STORE_MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/* ---- where it ends ---- */

enum mail_header_of {
	MAIL_HEADER_OF_MESSAGE = 0,
	MAIL_HEADER_OF_PART /* nothing stands before or within it */
};

/* A search for the end, line by line. */
struct mail_header_edge {
	enum mail_header_of of;
	bool has_fields;     /* the header proper has begun */
	bool is_continuable; /* the last line ended in a semicolon */
	unsigned blanks;     /* empty lines before it */
	unsigned junk;       /* lines before it that are none of the above */
};

enum mail_header_verdict {
	MAIL_HEADER_GOES_ON = 0,
	MAIL_HEADER_ENDS_BEHIND, /* with this line, which is empty */
	MAIL_HEADER_ENDS_BEFORE  /* this line is of the body */
};

void mail_header_edge_init(struct mail_header_edge *, enum mail_header_of);

/* The next line, with its LF if it has one. */
enum mail_header_verdict mail_header_edge_line(
    struct mail_header_edge *, const char *line, size_t length);

/*
 * Look at the complete lines from *at on, which moves behind them.  Returns
 * whether the end was found: *at is where the body begins, and *length_r is
 * how long the header is without the empty line that ends it.
 */
bool mail_header_find_end(struct mail_header_edge *, const char *bytes,
    size_t length, size_t *at, size_t *length_r);

/* Whether these lines are a header: a message without one is all text. */
bool mail_header_is_one(const char *header, size_t length);

/*
 * Divide a whole message: how long its header is, and where its body begins.
 * Both are 0 where it has no header.
 */
size_t mail_header_split(const char *message, size_t length, size_t *body_r);

/* ---- its fields ---- */

struct mail_header_field {
	const char *name; /* not terminated */
	size_t name_length;
	const char *value; /* folded as it came, without the last line end */
	size_t value_length;
};

/*
 * The field at *position, which moves behind it; lines that are no field are
 * passed over.  False at the end of these bytes, which are all header.
 */
bool mail_header_next(const char *header, size_t length, size_t *position,
    struct mail_header_field *field_r);

/* Whether the field has that name, in any case. */
bool mail_header_is(const struct mail_header_field *, const char *name);

/* The first field of that name; false where there is none. */
bool mail_header_first(const char *header, size_t length, const char *name,
    struct mail_header_field *field_r);

#endif
