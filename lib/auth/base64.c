#include "lib/auth/base64.h"

#include <gsasl.h>
#include <string.h>

static void
take(char *from, size_t length, struct evpop_secret *to)
{
	evpop_secret_add(to, from, length);
	explicit_bzero(from, length);
	gsasl_free(from);
}

void
evpop_base64_encode(const void *bytes, size_t length, struct evpop_secret *text)
{
	char *encoded;
	size_t encoded_length;

	if (length == 0)
		return;
	if (gsasl_base64_to(bytes, length, &encoded, &encoded_length) !=
	    GSASL_OK) {
		text->failed = true;
		return;
	}
	take(encoded, encoded_length, text);
}

enum evpop_base64_status
evpop_base64_decode(const void *text, size_t length, struct evpop_secret *bytes)
{
	char *decoded;
	size_t decoded_length;
	int rc;

	if (length == 0)
		return EVPOP_BASE64_OK;
	rc = gsasl_base64_from(text, length, &decoded, &decoded_length);
	if (rc == GSASL_MALLOC_ERROR)
		return EVPOP_BASE64_NO_MEMORY;
	if (rc != GSASL_OK)
		return EVPOP_BASE64_BROKEN;
	take(decoded, decoded_length, bytes);
	return bytes->failed ? EVPOP_BASE64_NO_MEMORY : EVPOP_BASE64_OK;
}
