#include "lib/auth/base64.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

void
evpop_base64_encode(const void *bytes, size_t length, struct evpop_secret *text)
{
	const size_t encoded = (length + 2) / 3 * 4;
	char *room = evpop_secret_reserve(text, encoded);

	if (room == NULL)
		return;
	EVP_EncodeBlock((unsigned char *)room, bytes, (int)length);
	evpop_secret_commit(text, encoded);
}

/*
 * OpenSSL takes spaces at both ends, padding anywhere in the last four
 * characters, and bits in them that mean nothing: what is canonical is encoded
 * to the same again.
 */
static enum evpop_base64_status
base64_compare(
    const void *text, size_t length, const char *bytes, size_t decoded)
{
	struct evpop_secret again = { .bytes = NULL };
	enum evpop_base64_status status = EVPOP_BASE64_BROKEN;

	evpop_base64_encode(bytes, decoded, &again);
	if (again.failed)
		status = EVPOP_BASE64_NO_MEMORY;
	else if (again.length == length &&
		 memcmp(again.bytes, text, length) == 0)
		status = EVPOP_BASE64_OK;
	evpop_secret_clear(&again);
	return status;
}

enum evpop_base64_status
evpop_base64_decode(const void *text, size_t length, struct evpop_secret *bytes)
{
	const char *end = (const char *)text + length;
	enum evpop_base64_status status;
	size_t decoded = length / 4 * 3;
	char *room;

	if (length == 0)
		return EVPOP_BASE64_OK;
	room = evpop_secret_reserve(bytes, decoded);
	if (room == NULL)
		return EVPOP_BASE64_NO_MEMORY;
	if (EVP_DecodeBlock((unsigned char *)room, text, (int)length) !=
	    (int)decoded) {
		ERR_clear_error();
		return EVPOP_BASE64_BROKEN;
	}
	decoded -= (size_t)(end[-1] == '=') + (size_t)(end[-2] == '=');
	status = base64_compare(text, length, room, decoded);
	if (status == EVPOP_BASE64_OK)
		evpop_secret_commit(bytes, decoded);
	return status;
}
