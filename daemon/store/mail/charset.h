/*
 * Text of any charset as UTF-8, whatever mail calls the charset.
 *
 * Conversions stay loaded: the C library keeps each charset in a file of its
 * own and lets go of it with its last user, and loading would cost more than
 * all the decoding.
 */
#ifndef STORE_MAIL_CHARSET_H
#define STORE_MAIL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/mail/text.h"

/* Longer names are no charset. */
#define MAIL_CHARSET_SIZE 32

/*
 * The name that iconv_open() takes for what mail calls a charset: known by
 * other names, misspelt, or with rubbish behind it.  False where it is none,
 * or says nothing (unknown-8bit, us-ascii).
 */
bool mail_charset_name(
    const char *called, size_t length, char name_r[MAIL_CHARSET_SIZE]);

/*
 * Add bytes as UTF-8.  `name` is one that mail_charset_name() gave, or NULL
 * where nothing is said: then it is UTF-8 if it can be, else what `hint` says
 * (NULL: nothing), else Western, as mail was before.  Bytes that mean nothing
 * in their charset become U+FFFD.
 */
void mail_charset_add(struct mail_text *, const char *name, const char *hint,
    const char *bytes, size_t length);

/* Load those of mail, before files can be opened no more. */
void mail_charset_load_all(void);

/* Whether only a charset's name tells how to read such bytes. */
bool mail_charset_is_needed(const char *bytes, size_t length);

#endif
