/*
 * Parameters of Content-Type and Content-Disposition, as RFC 2231 and RFC 2047
 * and careless programs write them.
 */
#ifndef STORE_MAIL_PARAMETER_H
#define STORE_MAIL_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/mail/text.h"

/* Whether the value's first word is that, in any case; "text/" has any end. */
bool mail_parameter_begins(const char *value, size_t length, const char *word);

/*
 * Add the octets of the parameter with that name, in any charset; false where
 * there is none.
 */
bool mail_parameter_octets(
    const char *value, size_t length, const char *name, struct mail_text *to);

/*
 * The same as UTF-8; `hint` is the charset of raw bytes that are not UTF-8, or
 * NULL.
 */
bool mail_parameter_text(const char *value, size_t length, const char *name,
    const char *hint, struct mail_text *to);

#endif
