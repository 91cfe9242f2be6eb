#include "daemon/secret/base64.h"

#include <sodium.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

void
secret_base64_encode(const void *octets, size_t length, char *text)
{
	(void)sodium_bin2base64(text,
	    sodium_base64_encoded_len(length, VARIANT), octets, length,
	    VARIANT);
}

bool
secret_base64_decode(const char *text, size_t length, void *octets, size_t size,
    size_t *length_r)
{
	unsigned char beyond = 0;

	/* libsodium takes some characters beyond ASCII for digits. */
	for (size_t i = 0; i < length; i++)
		beyond |= (unsigned char)text[i];
	return (beyond & 0x80) == 0 &&
	       sodium_base642bin(octets, size, text, length, NULL, length_r,
		   NULL, VARIANT) == 0;
}
