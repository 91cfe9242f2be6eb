#include "daemon/secret/secret.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct secret {
	size_t length;
	char *text; /* alone in guarded pages */
};

bool
secret_init(void)
{
	return sodium_init() >= 0;
}

struct secret *
secret_new(const void *bytes, size_t length)
{
	struct secret *secret = malloc(sizeof(*secret));

	if (secret == NULL)
		return NULL;
	secret->text = length < SIZE_MAX ? sodium_malloc(length + 1) : NULL;
	if (secret->text == NULL) {
		free(secret);
		return NULL;
	}
	secret->length = length;
	if (length > 0)
		memcpy(secret->text, bytes, length);
	secret->text[length] = '\0';
	return secret;
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
	sodium_free(secret->text); /* wipes */
	free(secret);
	*secret_p = NULL;
}
