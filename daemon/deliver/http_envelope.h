/* What is posted of a message where its target wants JSON and not the mail. */
#ifndef DELIVER_HTTP_ENVELOPE_H
#define DELIVER_HTTP_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_target;
struct parcel;

/*
 * As Standard Webhooks recommends: {"type", "timestamp", "data"}, sent at this
 * Unix time.  `header` is how the message begins, with the lines in front of
 * it.  For free(); NULL without memory.
 */
char *http_envelope(const struct config_target *, const struct parcel *,
    const char *header, size_t length, int64_t sent_s)
    __attribute__((warn_unused_result));

#endif
