/*
 * Content transfer encodings (RFC 2045, section 6), decoded as the bytes pass.
 */
#ifndef STORE_MAIL_TRANSFER_H
#define STORE_MAIL_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/mail/text.h"

enum mail_transfer_encoding {
	MAIL_TRANSFER_IDENTITY = 0,
	MAIL_TRANSFER_QUOTED_PRINTABLE,
	MAIL_TRANSFER_BASE64,
	MAIL_TRANSFER_UUENCODE, /* read line by line, by uuencode.h */
	MAIL_TRANSFER_OTHER     /* nothing that is read */
};

/* Private but for the first two. */
struct mail_transfer {
	enum mail_transfer_encoding encoding;
	/* It is of a text: what was added behind padding is a line of its own.
	 */
	bool is_text;
	uint32_t bits; /* of base64: digits that wait for the rest of four */
	unsigned digits;
	bool is_padded; /* padding was seen, and no digit since */
	char last;      /* octet before the padding */
	char held[2];   /* of quoted-printable: what an equals sign begins */
	unsigned held_length;
};

/*
 * The encoding that a Content-Transfer-Encoding names; text behind it is
 * ignored.
 */
enum mail_transfer_encoding mail_transfer_named(
    const char *value, size_t length);

/* Whether a line may be of that encoding, as its digits go. */
bool mail_transfer_is_base64_line(const char *line, size_t length);

void mail_transfer_init(struct mail_transfer *, enum mail_transfer_encoding);

/*
 * Add what these bytes decode to.  Base64 goes on behind padding, as in bodies
 * that were put together from several.
 */
void mail_transfer_add(struct mail_transfer *, struct mail_text *to,
    const char *bytes, size_t length);

/* After the last byte: what an encoding that is cut off still gives. */
void mail_transfer_end(struct mail_transfer *, struct mail_text *to);

#endif
