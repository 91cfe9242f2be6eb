/*
 * Kinds of text that are neither plain nor HTML, as plain lines.
 */
#ifndef STORE_MAIL_KINDS_H
#define STORE_MAIL_KINDS_H

#include "daemon/store/mail/text.h"

/* text/enriched (RFC 1896) without its commands. */
void mail_kinds_add_enriched(struct mail_text *, const char *, size_t length);

/* Calendars and cards (RFC 5545, section 3.1), lines whole again. */
void mail_kinds_add_folded(struct mail_text *, const char *, size_t length);

#endif
