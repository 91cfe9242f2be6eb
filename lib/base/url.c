#include "lib/base/url.h"

#include <string.h>

bool
evpop_url_is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~", c) != NULL);
}

size_t
evpop_url_quote(char c, char quoted[3])
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char octet = (unsigned char)c;

	quoted[0] = c;
	if (evpop_url_is_plain(c))
		return 1;
	quoted[0] = '%';
	quoted[1] = digits[octet >> 4];
	quoted[2] = digits[octet & 15];
	return 3;
}
