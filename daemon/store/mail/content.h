/*
 * The bytes of one part as they were before they were encoded for their way
 * (RFC 2045, section 6), read line by line.
 */
#ifndef STORE_MAIL_CONTENT_H
#define STORE_MAIL_CONTENT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/mail/transfer.h"

enum mail_content_end {
	MAIL_CONTENT_END_KEPT = 0,
	/*
	 * The line end before a boundary is of the boundary (RFC 2046, section
	 * 5.1.1): the last one is left out.
	 */
	MAIL_CONTENT_END_DROPPED
};

/* Private but for is_decided. */
struct mail_content {
	bool is_decided; /* it is in the encoding that it names */
	enum mail_content_end end;
	struct mail_transfer transfer;
	struct mail_text decoded;
	char held[2]; /* a line end that may be the last */
	size_t held_length;
};

/* Gets decoded bytes. */
typedef void (*mail_content_give)(void *arg, const char *bytes, size_t length);

void mail_content_init(struct mail_content *);
void mail_content_free(struct mail_content *);

/* A part begins; `is_text` as in struct mail_transfer. */
void mail_content_begin(struct mail_content *, enum mail_transfer_encoding,
    bool is_text, enum mail_content_end);

/*
 * A line, or a piece of a long one.  What does not look as the encoding says is
 * taken as it is.
 */
void mail_content_take(struct mail_content *, const char *bytes, size_t length,
    mail_content_give, void *arg);

/* After the last of them. */
void mail_content_finish(struct mail_content *, mail_content_give, void *arg);

#endif
