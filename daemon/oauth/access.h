/* An access token: how long it is good, and what the mail server says of it. */
#ifndef OAUTH_ACCESS_H
#define OAUTH_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

struct grant_answer;
struct secret;

enum access_refusal {
	ACCESS_ACCEPTED = 0, /* nothing was said, or it was taken */
	ACCESS_REFUSED,
	ACCESS_REFUSED_NEW /* though it was made for the log-in */
};

/* Zeroed, there is none. */
struct access_token {
	struct secret *secret;    /* NULL: there is none */
	int64_t born_ms, life_ms; /* of evpop_clock_elapsed_ms() */
	enum access_refusal refusal;
};

/* Take that of an answer, instead of the one that there is. */
void access_take(struct access_token *, struct grant_answer *);
/* Wipes it; there is none then. */
void access_clear(struct access_token *);

/* Whether it does for a log-in; and whether for long. */
bool access_is_good(const struct access_token *);
bool access_is_near_expiry(const struct access_token *);

/* Whether it is this one. */
bool access_is(const struct access_token *, const char *text);

/* Unix time; 0: there is none. */
int64_t access_expires_ms(const struct access_token *);

#endif
