/*
 * Why an endpoint gives no token, whether that may pass by itself, and what a
 * person is to do, in words.
 */
#ifndef OAUTH_TROUBLE_H
#define OAUTH_TROUBLE_H

#include "daemon/oauth/oauth.h"

struct grant_answer;
struct settings;
struct web_answer;

/* Zeroed, all is well. */
struct trouble {
	enum oauth_trouble kind;
	char text[OAUTH_TEXT], advice[OAUTH_TEXT];
};

/* It may pass by itself. */
void trouble_later(struct trouble *trouble_r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Nobody has given consent, or it is void for a reason of ours. */
void trouble_consent(
    struct trouble *trouble_r, const struct settings *, const char *text);
/*
 * Something is to be put right in the configuration; `advice` says what, with
 * "{name}" for that of the account.
 */
void trouble_configuration(struct trouble *trouble_r, const struct settings *,
    const char *text, const char *advice);

/* There is no answer, or none that is one of OAuth 2. */
void trouble_of_web(struct trouble *trouble_r, const struct settings *,
    const struct web_answer *);
/* The endpoint has answered with an error. */
void trouble_of_answer(struct trouble *trouble_r, const struct settings *,
    const struct grant_answer *);

/* What to do where the server refuses even a new token. */
void trouble_of_server(struct trouble *trouble_r, const struct settings *);

#endif
