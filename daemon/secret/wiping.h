/*
 * What OpenSSL frees is wiped first: the key of a client's certificate, which
 * it has while it shakes hands, is copied on the way from the file.
 */
#ifndef SECRET_WIPING_H
#define SECRET_WIPING_H

#include <stdbool.h>

/* Once, before any other call of OpenSSL; false if it is too late. */
bool secret_wipe_what_is_freed(void) __attribute__((warn_unused_result));

#endif
