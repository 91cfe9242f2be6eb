/*
 * The bytes of one part of a message, as they were before they were encoded;
 * parts are numbered as an inventory numbers them.
 */
#ifndef STORE_MAIL_EXTRACT_H
#define STORE_MAIL_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/mail/text.h"

struct mail_extract;

/* NULL without memory. */
struct mail_extract *mail_extract_new(unsigned number)
    __attribute__((warn_unused_result));
void mail_extract_free(struct mail_extract *);

/* As mail_whole_feed() and mail_whole_finish(); what comes is added to `to`. */
bool mail_extract_feed(struct mail_extract *, const char *bytes, size_t length,
    struct mail_text *to) __attribute__((warn_unused_result));
bool mail_extract_finish(struct mail_extract *, struct mail_text *to)
    __attribute__((warn_unused_result));

/* Whether the part has ended. */
bool mail_extract_is_done(const struct mail_extract *);

#endif
