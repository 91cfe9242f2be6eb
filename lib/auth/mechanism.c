/* The names of mechanisms. */
#include <assert.h>
#include <strings.h>

#include <evpop/auth.h>

#include "lib/core/name.h"

static const char *const names[] = {
	[EVPOP_MECHANISM_SCRAM_SHA_256_PLUS] = "SCRAM-SHA-256-PLUS",
	[EVPOP_MECHANISM_SCRAM_SHA_1_PLUS] = "SCRAM-SHA-1-PLUS",
	[EVPOP_MECHANISM_SCRAM_SHA_256] = "SCRAM-SHA-256",
	[EVPOP_MECHANISM_SCRAM_SHA_1] = "SCRAM-SHA-1",
	[EVPOP_MECHANISM_OAUTHBEARER] = "OAUTHBEARER",
	[EVPOP_MECHANISM_XOAUTH2] = "XOAUTH2",
	[EVPOP_MECHANISM_EXTERNAL] = "EXTERNAL",
	[EVPOP_MECHANISM_CRAM_MD5] = "CRAM-MD5",
	[EVPOP_MECHANISM_APOP] = "APOP",
	[EVPOP_MECHANISM_PLAIN] = "PLAIN",
	[EVPOP_MECHANISM_LOGIN] = "LOGIN",
	[EVPOP_MECHANISM_USER] = "USER",
};
EVPOP_NAMES_MATCH(names, EVPOP_MECHANISM_COUNT);

const char *
evpop_mechanism_name(enum evpop_mechanism mechanism)
{
	assert(mechanism < EVPOP_MECHANISM_COUNT);
	return names[mechanism];
}

bool
evpop_mechanism_find(const char *name, enum evpop_mechanism *mechanism_r)
{
	unsigned int i;

	for (i = 0; i < EVPOP_MECHANISM_COUNT; i++)
		if (strcasecmp(names[i], name) == 0) {
			*mechanism_r = (enum evpop_mechanism)i;
			return true;
		}
	return false;
}
