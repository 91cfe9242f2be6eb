/* APOP (RFC 1939 section 7). */
#include <string.h>

#include "lib/auth/digest.h"
#include "lib/auth/exchange.h"
#include "lib/auth/secret.h"
#include "lib/base/hex.h"

/*
 * No clock, process number and host name fill more; the room left to a server
 * that looks for collisions is small.
 */
#define STAMP_MAX 255

static bool
stamp_is_atext(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Atoms and dots; where the dots stand is not looked at. */
static size_t
stamp_atoms_length(const char *text, size_t length)
{
	size_t i = 0;

	while (i < length &&
	       (stamp_is_atext((unsigned char)text[i]) || text[i] == '.'))
		i++;
	return i;
}

/* "[192.0.2.1]": RFC 5322 section 3.6.4, no-fold-literal. */
static size_t
stamp_literal_length(const char *text, size_t length)
{
	size_t i;

	if (length == 0 || text[0] != '[')
		return 0;
	for (i = 1; i < length && text[i] >= '!' && text[i] <= '~'; i++) {
		if (text[i] == ']')
			return i + 1;
		if (strchr("[\\<>@", text[i]) != NULL)
			break;
	}
	return 0;
}

/* The length of the msg-id that begins at a '<', or 0. */
static size_t
stamp_msg_id_length(const char *text, size_t length)
{
	size_t at, end;

	if (length > STAMP_MAX)
		length = STAMP_MAX;
	at = 1 + stamp_atoms_length(text + 1, length - 1);
	if (at == 1 || at == length || text[at] != '@')
		return 0;
	end = at + 1;
	if (end < length && text[end] == '[')
		end += stamp_literal_length(text + end, length - end);
	else
		end += stamp_atoms_length(text + end, length - end);
	if (end == at + 1 || end == length || text[end] != '>')
		return 0;
	return end + 1;
}

bool
evpop_apop_timestamp(const char *greeting, size_t length, const char **stamp_r,
    size_t *stamp_length_r)
{
	const char *end = greeting + length, *open = greeting;
	size_t found;

	/* No try goes beyond the next '<': the whole is linear. */
	while ((open = memchr(open, '<', (size_t)(end - open))) != NULL) {
		found = stamp_msg_id_length(open, (size_t)(end - open));
		if (found > 0) {
			*stamp_r = open;
			*stamp_length_r = found;
			return true;
		}
		open++;
	}
	return false;
}

bool
evpop_apop_digest(const char *stamp, size_t stamp_length, const char *password,
    char digest_r[EVPOP_APOP_DIGEST_SIZE])
{
	struct evpop_secret text = { .bytes = NULL };
	unsigned char digest[EVPOP_MD5_SIZE];
	bool ok;

	_Static_assert(EVPOP_APOP_DIGEST_SIZE == 2 * EVPOP_MD5_SIZE + 1,
	    "hexadecimal and a NUL");
	digest_r[0] = '\0';
	evpop_secret_add(&text, stamp, stamp_length);
	evpop_secret_add_text(&text, password);
	ok = !text.failed &&
	     evpop_digest(sizeof digest, text.bytes, text.length, digest);
	evpop_secret_clear(&text);
	if (!ok)
		return false;
	evpop_hex_encode(digest, sizeof digest, digest_r);
	explicit_bzero(digest, sizeof digest);
	return true;
}
