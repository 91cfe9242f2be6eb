/*
 * Base64 (RFC 4648 section 4), the form of challenges and responses in lines.
 */
#ifndef EVPOP_AUTH_BASE64_H
#define EVPOP_AUTH_BASE64_H

#include "lib/auth/secret.h"

/* Add the encoded octets; see evpop_secret for the lack of memory. */
void evpop_base64_encode(
    const void *bytes, size_t length, struct evpop_secret *text);

enum evpop_base64_status {
	EVPOP_BASE64_OK,
	EVPOP_BASE64_BROKEN, /* anything but canonical base64 without spaces */
	EVPOP_BASE64_NO_MEMORY
};

/* Add the decoded octets. */
enum evpop_base64_status evpop_base64_decode(
    const void *text, size_t length, struct evpop_secret *bytes);

#endif
