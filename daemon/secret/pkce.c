#include "daemon/secret/pkce.h"

#include <sodium.h>
#include <string.h>

#include "daemon/secret/base64.h"

#define PKCE_OCTETS 32
_Static_assert(SECRET_BASE64_LENGTH(PKCE_OCTETS) + 1 == PKCE_TEXT, "it fits");
_Static_assert(crypto_hash_sha256_BYTES == PKCE_OCTETS, "of one size");

void
pkce_random(char text[PKCE_TEXT])
{
	unsigned char octets[PKCE_OCTETS];

	randombytes_buf(octets, sizeof(octets));
	secret_base64_encode(octets, sizeof(octets), text);
	sodium_memzero(octets, sizeof(octets));
}

void
pkce_challenge(const char verifier[PKCE_TEXT], char text[PKCE_TEXT])
{
	unsigned char digest[PKCE_OCTETS];

	(void)crypto_hash_sha256(
	    digest, (const unsigned char *)verifier, PKCE_TEXT - 1);
	secret_base64_encode(digest, sizeof(digest), text);
}

bool
pkce_equal(const char text[PKCE_TEXT], const char *other)
{
	return strlen(other) == PKCE_TEXT - 1 &&
	       sodium_memcmp(text, other, PKCE_TEXT - 1) == 0;
}
