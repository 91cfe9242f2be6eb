/*
 * The fields of a header that are read, kept as its lines pass: what a header
 * is made of, and for a message that is enclosed also what people look for.
 */
#ifndef STORE_MAIL_FIELDS_H
#define STORE_MAIL_FIELDS_H

#include "daemon/store/mail/header.h"
#include "daemon/store/mail/text.h"

enum mail_fields_wanted {
	MAIL_FIELDS_OF_CONTENT = 0, /* Content-Type and its kin */
	MAIL_FIELDS_READ            /* and all but what programs write */
};

struct mail_fields {
	struct mail_header_edge edge;
	enum mail_fields_wanted wanted;
	struct mail_text kept;
	bool is_kept; /* the field under way */
};

void mail_fields_init(struct mail_fields *);
void mail_fields_free(struct mail_fields *);

/* A header begins. */
void mail_fields_begin(
    struct mail_fields *, enum mail_header_of, enum mail_fields_wanted);

/* Its next line, and what follows of one that is longer. */
enum mail_header_verdict mail_fields_line(
    struct mail_fields *, const char *line, size_t length);
void mail_fields_rest(struct mail_fields *, const char *bytes, size_t length);

#endif
