#include "daemon/oauth/access.h"

#include <stddef.h>
#include <string.h>

#include "daemon/oauth/answer.h"
#include "daemon/secret/secret.h"
#include "lib/base/clock.h"

/* Where the endpoint does not say how long a token is good. */
#define ACCESS_LIFE_MS INT64_C(3600000)
/* So long before its end it is near that, or a fifth of its life. */
#define ACCESS_NEAR_MS INT64_C(300000)
/* A log-in takes some time, too; or a tenth of its life. */
#define ACCESS_LOG_IN_MS INT64_C(10000)

static int64_t
access_least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void
access_take(struct access_token *access, struct grant_answer *answer)
{
	const int64_t expires_in_s = answer->expires_in_s;

	access_clear(access);
	access->secret = answer_take_access(answer);
	access->born_ms = evpop_clock_elapsed_ms();
	access->life_ms =
	    expires_in_s > 0 ? expires_in_s * 1000 : ACCESS_LIFE_MS;
}

void
access_clear(struct access_token *access)
{
	secret_free(&access->secret);
	*access = (struct access_token){ 0 };
}

/* How long it is good for a log-in; negative: it is not. */
static int64_t
access_left_ms(const struct access_token *access)
{
	if (access->secret == NULL)
		return -1;
	return access->born_ms + access->life_ms -
	       access_least(ACCESS_LOG_IN_MS, access->life_ms / 10) -
	       evpop_clock_elapsed_ms();
}

bool
access_is_good(const struct access_token *access)
{
	return access->refusal == ACCESS_ACCEPTED && access_left_ms(access) > 0;
}

bool
access_is_near_expiry(const struct access_token *access)
{
	return access_left_ms(access) <
	       access_least(ACCESS_NEAR_MS, access->life_ms / 5);
}

bool
access_is(const struct access_token *access, const char *text)
{
	return access->secret != NULL &&
	       strcmp(secret_text(access->secret), text) == 0;
}

int64_t
access_expires_ms(const struct access_token *access)
{
	return access->secret == NULL
		   ? 0
		   : evpop_clock_unix_ms() + access->born_ms + access->life_ms -
			 evpop_clock_elapsed_ms();
}
