/*
 * The text of a message as a person reads it, in UTF-8 and fit to show: of
 * alternatives the plain one, else HTML as lines; enclosed messages below a
 * heading; paragraphs whole, however long.
 */
#ifndef STORE_MAIL_READING_H
#define STORE_MAIL_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/mail/text.h"

/* The longest text; where a part or the whole is longer, a line says so. */
#define MAIL_READING_MAX ((size_t)2 * 1024 * 1024)

struct mail_reading;

/* NULL without memory. */
struct mail_reading *mail_reading_new(void) __attribute__((warn_unused_result));
void mail_reading_free(struct mail_reading *);

/* As mail_whole_feed() and mail_whole_finish(). */
bool mail_reading_feed(struct mail_reading *, const char *bytes, size_t length)
    __attribute__((warn_unused_result));
bool mail_reading_finish(struct mail_reading *)
    __attribute__((warn_unused_result));

/* After the finish; lines that end in LF, none where there is no text. */
const struct mail_text *mail_reading_text(const struct mail_reading *);

#endif
