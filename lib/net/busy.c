#include <stddef.h>
#include <string.h>

#include "lib/net/busy.h"

/*
 * Kept narrow: to take wrong credentials for a busy maildrop is to try them
 * again and again, until the server locks the account.
 */
static const char *const busy_words[] = {
	"already locked",
	"being used by",
	"busy",
	"in use",
	"is locked by",
	"lock busy",
	"lock maildrop",
	"lock mailbox",
	"locked by another",
	"login allowed only every",
	"temporarily unavailable",
	"temporary failure",
	"too many connections",
};

bool
evpop_busy_words(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(busy_words) / sizeof(busy_words[0]); i++) {
		if (strcasestr(text, busy_words[i]) != NULL)
			return true;
	}
	return false;
}
