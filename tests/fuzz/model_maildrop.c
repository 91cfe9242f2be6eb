#include "tests/fuzz/model_maildrop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

/* What a body is made of: all that looks like something else. */
static const char *const lines[] = {
	"a line\r\n",
	".\r\n",
	"..\r\n",
	".a dot before it\r\n",
	"\r\n",
	"+OK 3 messages\r\n",
	"-ERR [IN-USE] no\r\n",
	"+ \r\n",
	"a bare \r return and a bare \n feed\r\n",
	"\x80\xff octets\r\n",
};

static void
message_write(struct model_message *message, unsigned owner)
{
	uint32_t state = owner * 2654435761u + message->serial * 40503u + 1;
	unsigned i, count;
	FILE *out = open_memstream(&message->text, &message->length);

	if (out == NULL)
		abort();
	fprintf(out, "Subject: %u of %u\r\nMessage-ID: <%u.%u@model>\r\n\r\n",
	    message->serial, owner, message->serial, owner);
	state = state * 1664525u + 1013904223u;
	count = (state >> 16) % 9;
	/* One in eight is longer than a read of a socket. */
	if ((state >> 28) % 8 == 0)
		count += 600;
	for (i = 0; i < count; i++) {
		state = state * 1664525u + 1013904223u;
		fputs(lines[(state >> 16) % (sizeof lines / sizeof lines[0])],
		    out);
	}
	if (fclose(out) != 0)
		abort();
}

void
model_maildrop_receive(struct model_maildrop *maildrop)
{
	struct model_message *message;

	if (maildrop->count == MODEL_MESSAGES)
		return;
	message = &maildrop->messages[maildrop->count++];
	message->serial = (unsigned)maildrop->count;
	message->is_there = true;
	message_write(message, maildrop->owner);
}

void
model_maildrop_clear(struct model_maildrop *maildrop)
{
	size_t i;

	for (i = 0; i < maildrop->count; i++)
		free(maildrop->messages[i].text);
	maildrop->count = 0;
}

void
model_message_id(const struct model_maildrop *maildrop,
    const struct model_message *message, char *id_r)
{
	snprintf(id_r, 16, "u%ux%ue%u", maildrop->owner % 100,
	    message->serial % 1000, maildrop->epoch % 100);
}

void
model_message_digest(
    const struct model_message *message, unsigned char digest_r[32])
{
	const char *end = strstr(message->text, "\r\n\r\n");
	unsigned int length;

	if (EVP_Digest(message->text, (size_t)(end - message->text) + 2,
		digest_r, &length, EVP_sha256(), NULL) != 1)
		abort();
}

static char *
message_stuff(const char *text, size_t length, size_t *length_r)
{
	char *wire = malloc(2 * length + 4), *at = wire;
	size_t i;

	if (wire == NULL)
		abort();
	for (i = 0; i < length; i++) {
		if (text[i] == '.' &&
		    (i == 0 ||
			(i > 1 && text[i - 2] == '\r' && text[i - 1] == '\n')))
			*at++ = '.';
		*at++ = text[i];
	}
	memcpy(at, ".\r\n", 3);
	*length_r = (size_t)(at - wire) + 3;
	return wire;
}

char *
model_message_stuffed(const struct model_message *message, size_t *length_r)
{
	return message_stuff(message->text, message->length, length_r);
}

char *
model_message_top(
    const struct model_message *message, unsigned wanted, size_t *length_r)
{
	const char *text = message->text, *next;
	size_t length;

	length = (size_t)(strstr(text, "\r\n\r\n") - text) + 4;
	for (; wanted > 0 && length < message->length; wanted--) {
		next =
		    memmem(text + length, message->length - length, "\r\n", 2);
		length = (size_t)(next - text) + 2;
	}
	return message_stuff(text, length, length_r);
}
