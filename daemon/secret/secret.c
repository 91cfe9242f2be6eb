#include "daemon/secret/secret.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "lib/base/guarded.h"

struct secret {
	size_t length;
	char *text; /* guarded */
};

/* The leak checker of a sanitizer must look into the process. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SECRET_MAY_BE_TRACED 1
#endif
#endif
#if !defined(SECRET_MAY_BE_TRACED) && defined(__SANITIZE_ADDRESS__)
#define SECRET_MAY_BE_TRACED 1
#elif !defined(SECRET_MAY_BE_TRACED)
#define SECRET_MAY_BE_TRACED 0
#endif

/* Either would do where the other is refused. */
static void
secret_forbid_dumps(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	if (!SECRET_MAY_BE_TRACED)
		(void)prctl(PR_SET_DUMPABLE, 0);
}

bool
secret_init(void)
{
	secret_forbid_dumps();
	return sodium_init() >= 0;
}

struct secret *
secret_new(const void *bytes, size_t length)
{
	struct secret *secret = malloc(sizeof(*secret));

	if (secret == NULL)
		return NULL;
	secret->length = length;
	secret->text = evpop_guarded_copy(bytes, length);
	if (secret->text != NULL)
		return secret;
	free(secret);
	return NULL;
}

const char *
secret_text(const struct secret *secret)
{
	return secret->text;
}

size_t
secret_length(const struct secret *secret)
{
	return secret->length;
}

void
secret_free(struct secret **secret_p)
{
	struct secret *secret = *secret_p;

	if (secret == NULL)
		return;
	evpop_guarded_free(secret->text); /* wipes */
	free(secret);
	*secret_p = NULL;
}
