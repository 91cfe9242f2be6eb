/*
 * Proof Key for Code Exchange (RFC 7636): a random verifier, which stays here,
 * and its challenge, which anybody may see.
 */
#ifndef SECRET_PKCE_H
#define SECRET_PKCE_H

#include <stdbool.h>

/* 32 octets in base64url, and a NUL. */
#define PKCE_TEXT 44

/* So many random octets: a verifier, or a `state` (RFC 6749 section 10.12). */
void pkce_random(char text_r[PKCE_TEXT]);

/* By the method S256. */
void pkce_challenge(const char verifier[PKCE_TEXT], char text_r[PKCE_TEXT]);

/* Whether they are equal, in constant time. */
bool pkce_equal(const char text[PKCE_TEXT], const char *other);

#endif
