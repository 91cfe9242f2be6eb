/*
 * How long accounts retain their messages, as it is configured, and whether
 * deletion is locked.  The loop's.
 */
#ifndef STORE_RETAIN_H
#define STORE_RETAIN_H

#include <stdbool.h>
#include <stdint.h>

struct store_retain;

/* NULL without memory. */
struct store_retain *store_retain_new(void) __attribute__((warn_unused_result));
void store_retain_free(struct store_retain *);

/* In milliseconds; 0: for ever, or the account is not configured. */
int64_t store_retain_of(const struct store_retain *, const char *account);

#endif
