#include "lib/base/glob.h"

#include <string.h>

/* To the next character of UTF-8. */
static const char *
glob_next(const char *text)
{
	do
		text++;
	while (((unsigned char)*text & 0xc0) == 0x80);
	return text;
}

/* Only the last star is tried again: an earlier one need not take more. */
bool
evpop_glob_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *again = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			again = name;
		} else if (*pattern == '?') {
			pattern++;
			name = glob_next(name);
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star;
			again = glob_next(again);
			name = again;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

bool
evpop_glob_is_pattern(const char *text)
{
	return strpbrk(text, "*?") != NULL;
}
