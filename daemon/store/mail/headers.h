/*
 * All fields of a message's header, decoded to UTF-8 that is fit to show.
 */
#ifndef STORE_MAIL_HEADERS_H
#define STORE_MAIL_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

struct mail_headers_field {
	char *name, *value; /* a value is one line */
};

struct mail_headers;

/* NULL without memory. */
struct mail_headers *mail_headers_new(void) __attribute__((warn_unused_result));
void mail_headers_free(struct mail_headers *);

/* As mail_whole_feed() and mail_whole_finish(). */
bool mail_headers_feed(struct mail_headers *, const char *bytes, size_t length)
    __attribute__((warn_unused_result));
bool mail_headers_finish(struct mail_headers *)
    __attribute__((warn_unused_result));

/* Whether the rest of the message matters no more. */
bool mail_headers_are_read(const struct mail_headers *);

/* In order; they are the headers'. */
const struct mail_headers_field *mail_headers_fields(
    const struct mail_headers *, size_t *count_r);

/* Whether some are left out, or not whole. */
bool mail_headers_are_cut(const struct mail_headers *);

#endif
