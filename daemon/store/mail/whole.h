/*
 * A message read from its first byte to its last, in pieces of any size: its
 * header, then its parts.
 */
#ifndef STORE_MAIL_WHOLE_H
#define STORE_MAIL_WHOLE_H

#include "daemon/store/mail/parts.h"

struct mail_whole;

/*
 * `header` (may be NULL) gets what it begins with, before any part is told;
 * empty where the message has no header, and is_cut where it is too long.
 * NULL without memory.
 */
struct mail_whole *mail_whole_new(const struct mail_parts_sink *,
    void (*header)(void *arg, const char *header, size_t length, bool is_cut),
    void *arg) __attribute__((warn_unused_result));
void mail_whole_free(struct mail_whole *);

/* Both return false without memory; finish once, after the last byte. */
bool mail_whole_feed(struct mail_whole *, const char *bytes, size_t length)
    __attribute__((warn_unused_result));
bool mail_whole_finish(struct mail_whole *) __attribute__((warn_unused_result));

/* Whether something was left out at a bound. */
bool mail_whole_is_cut(const struct mail_whole *);

#endif
