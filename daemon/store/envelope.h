/*
 * What a header says of its message, decoded to UTF-8 that is fit to show.
 * Nothing in a header makes this fail: what cannot be decoded is kept as well
 * as it can be.
 */
#ifndef STORE_ENVELOPE_H
#define STORE_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Members are NULL where the message has no such header. */
struct store_envelope {
	char *sender, *recipients, *cc, *subject, *header_id;
	bool has_date;
	int64_t date_ms;
};

/*
 * Before the first use; may be repeated, on one thread.  There is no way back:
 * GMime does not work again once it was shut down.
 */
void store_envelope_init(void);

/* Returns false without memory; free what was filled either way. */
bool store_envelope_decode(const char *header, size_t length,
    struct store_envelope *envelope_r) __attribute__((warn_unused_result));
void store_envelope_free(struct store_envelope *);

#endif
