#include "lib/auth/secret.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 128 /* most answers fit at once */

static bool
make_room(struct evpop_secret *secret, size_t length)
{
	size_t room = secret->room == 0 ? ROOM_FIRST : secret->room;
	char *bytes;

	while (room - secret->length <= length)
		room *= 2;
	if (room == secret->room)
		return true;
	/* Not realloc(), which leaves the old octets behind. */
	bytes = malloc(room);
	if (bytes == NULL)
		return false;
	if (secret->length > 0)
		memcpy(bytes, secret->bytes, secret->length);
	if (secret->bytes != NULL)
		explicit_bzero(secret->bytes, secret->room);
	free(secret->bytes);
	secret->bytes = bytes;
	secret->room = room;
	return true;
}

void
evpop_secret_add(struct evpop_secret *secret, const void *bytes, size_t length)
{
	if (secret->failed)
		return;
	if (!make_room(secret, length)) {
		secret->failed = true;
		return;
	}
	if (length > 0)
		memcpy(secret->bytes + secret->length, bytes, length);
	secret->length += length;
	secret->bytes[secret->length] = '\0';
}

void
evpop_secret_add_text(struct evpop_secret *secret, const char *text)
{
	evpop_secret_add(secret, text, strlen(text));
}

const char *
evpop_secret_text(const struct evpop_secret *secret)
{
	return secret->bytes == NULL ? "" : secret->bytes;
}

void
evpop_secret_clear(struct evpop_secret *secret)
{
	if (secret->bytes != NULL)
		explicit_bzero(secret->bytes, secret->room);
	free(secret->bytes);
	*secret = (struct evpop_secret){ .bytes = NULL };
}

void
evpop_secret_forget(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}
