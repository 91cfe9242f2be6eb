/*
 * The text of a header field: encoded words (RFC 2047) and raw bytes of any
 * charset become UTF-8.
 *
 * Each word is decoded by itself; the octets of adjacent words of one charset
 * are joined before they are converted, so that a character may be split over
 * two.  Words are found wherever they stand.
 */
#ifndef STORE_MAIL_ENCODED_H
#define STORE_MAIL_ENCODED_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/mail/text.h"

enum mail_encoded_in {
	MAIL_ENCODED_TEXT = 0, /* a subject */
	MAIL_ENCODED_ADDRESSES /* a name that needs quotes gets them */
};

/* Whether there is nothing to decode in it. */
bool mail_encoded_is_plain(const char *raw, size_t length);

/*
 * Add the decoded text of a value.  `hint` is the charset of raw bytes that
 * are not UTF-8, as mail_charset_name() gives it, or NULL.
 */
void mail_encoded_add(struct mail_text *, enum mail_encoded_in,
    const char *hint, const char *raw, size_t length);

#endif
