#include "lib/auth/secret.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/guarded.h"

#define ROOM_FIRST 128 /* most answers fit at once */

char *
evpop_secret_reserve(struct evpop_secret *secret, size_t length)
{
	size_t room = secret->room == 0 ? ROOM_FIRST : secret->room;
	char *bytes;

	if (secret->failed)
		return NULL;
	while (room - secret->length <= length)
		room *= 2;
	if (room != secret->room) {
		bytes = evpop_guarded_alloc(room);
		if (bytes == NULL) {
			secret->failed = true;
			return NULL;
		}
		if (secret->bytes != NULL)
			memcpy(bytes, secret->bytes, secret->length);
		evpop_guarded_free(secret->bytes);
		secret->bytes = bytes;
		secret->room = room;
	}
	return secret->bytes + secret->length;
}

void
evpop_secret_commit(struct evpop_secret *secret, size_t length)
{
	secret->length += length;
	secret->bytes[secret->length] = '\0';
}

void
evpop_secret_add(struct evpop_secret *secret, const void *bytes, size_t length)
{
	char *room = evpop_secret_reserve(secret, length);

	if (room == NULL)
		return;
	if (length > 0)
		memcpy(room, bytes, length);
	evpop_secret_commit(secret, length);
}

void
evpop_secret_add_text(struct evpop_secret *secret, const char *text)
{
	evpop_secret_add(secret, text, strlen(text));
}

void
evpop_secret_add_secret(
    struct evpop_secret *secret, const struct evpop_secret *from)
{
	evpop_secret_add(secret, evpop_secret_text(from), from->length);
	secret->failed = secret->failed || from->failed;
}

void
evpop_secret_add_name(struct evpop_secret *secret, const char *name)
{
	for (; *name != '\0'; name++)
		if (*name == ',')
			evpop_secret_add_text(secret, "=2C");
		else if (*name == '=')
			evpop_secret_add_text(secret, "=3D");
		else
			evpop_secret_add(secret, name, 1);
}

const char *
evpop_secret_text(const struct evpop_secret *secret)
{
	return secret->bytes == NULL ? "" : secret->bytes;
}

void
evpop_secret_clear(struct evpop_secret *secret)
{
	evpop_guarded_free(secret->bytes);
	*secret = (struct evpop_secret){ .bytes = NULL };
}

void
evpop_secret_forget(char **text)
{
	evpop_guarded_free(*text);
	*text = NULL;
}

char *
evpop_secret_copy(const char *text)
{
	return evpop_guarded_copy(text, strlen(text));
}

/* ---- credentials ---- */

static bool
credentials_copy_text(const char **copy_r, const char *text)
{
	*copy_r = text == NULL ? NULL : evpop_secret_copy(text);
	return text == NULL || *copy_r != NULL;
}

bool
evpop_credentials_copy(
    struct evpop_credentials *copy, const struct evpop_credentials *credentials)
{
	*copy = (struct evpop_credentials){
		.mechanisms = credentials->mechanisms != 0
				  ? credentials->mechanisms
				  : EVPOP_MECHANISMS_DEFAULT,
		.want_token = credentials->want_token,
		.want_token_arg = credentials->want_token_arg,
		.tried = credentials->tried,
	};
	if (credentials_copy_text(&copy->user, credentials->user) &&
	    credentials_copy_text(&copy->password, credentials->password) &&
	    credentials_copy_text(&copy->token, credentials->token) &&
	    credentials_copy_text(
		&copy->authorization, credentials->authorization))
		return true;
	evpop_credentials_wipe(copy);
	return false;
}

void
evpop_credentials_forget(const char **text)
{
	char *own = (char *)(uintptr_t)*text;

	evpop_secret_forget(&own);
	*text = NULL;
}

void
evpop_credentials_wipe(struct evpop_credentials *copy)
{
	evpop_credentials_forget(&copy->user);
	evpop_credentials_forget(&copy->password);
	evpop_credentials_forget(&copy->token);
	evpop_credentials_forget(&copy->authorization);
}
