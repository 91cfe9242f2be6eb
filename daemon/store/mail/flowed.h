/*
 * Plain text whose lines are paragraphs that a program has broken (RFC 3676).
 */
#ifndef STORE_MAIL_FLOWED_H
#define STORE_MAIL_FLOWED_H

#include "daemon/store/mail/part.h"
#include "daemon/store/mail/text.h"

/* Add it with each paragraph as one line, quotations behind their marks. */
void mail_flowed_add(
    struct mail_text *, const char *text, size_t length, enum mail_flow);

#endif
