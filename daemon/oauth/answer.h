/*
 * What an endpoint of OAuth 2 answers: tokens (RFC 6749 section 5.1), an error
 * (section 5.2), or where a device is authorized (RFC 8628 section 3.2).
 */
#ifndef OAUTH_ANSWER_H
#define OAUTH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct secret;

enum answer_kind {
	ANSWER_TOKEN = 0, /* there is an access token */
	ANSWER_DEVICE,    /* there are a device's codes */
	ANSWER_ERROR,     /* there is an error's name */
	ANSWER_NONSENSE   /* it is none of these; the description says so */
};

struct grant_answer {
	enum answer_kind kind;
	unsigned status;                 /* of HTTP */
	struct secret *access, *refresh; /* NULL: there is none */
	int64_t expires_in_s;            /* of token or device; 0: not said */
	char scope[512];                 /* that was given; "": as was asked */
	/* "invalid_grant"; "" where it is no error. */
	char error[64];
	/* What the endpoint says of it; printable; may be "". */
	char description[512];
	/* Of a device. */
	struct secret *device_code;
	char user_code[64];
	char verification_uri[512], verification_uri_complete[512];
	int64_t interval_s;
};

/* False without memory.  It must be cleared then, too. */
bool answer_read(struct grant_answer *answer_r, unsigned status,
    const char *body, size_t length) __attribute__((warn_unused_result));

/* The caller's from then on; NULL: there is none. */
struct secret *answer_take_access(struct grant_answer *);
struct secret *answer_take_device_code(struct grant_answer *);

/* Wipes it; it is empty then. */
void answer_clear(struct grant_answer *);

#endif
