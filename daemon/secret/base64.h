/* Base64url without padding (RFC 4648 section 5), in constant time. */
#ifndef SECRET_BASE64_H
#define SECRET_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Characters of so many octets; a NUL follows them. */
#define SECRET_BASE64_LENGTH(octets) (((octets)*4 + 2) / 3)

void secret_base64_encode(const void *octets, size_t length, char *text_r);

/*
 * Take all of the text back, into at most `size` octets; false if it is
 * anything but what secret_base64_encode() has made.
 */
bool secret_base64_decode(const char *text, size_t length, void *octets_r,
    size_t size, size_t *length_r) __attribute__((warn_unused_result));

#endif
