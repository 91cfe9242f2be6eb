#include "daemon/config/proxy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* As the library has them; SOCKS carries no longer ones. */
#define URL_LENGTH_MAX  2048
#define PART_LENGTH_MAX 255
#define PORT_LENGTH_MAX 5
#define PORT_MAX        65535

static const char *const schemes[] = { "socks5://", "socks5h://", "http://" };

/* What follows the scheme; NULL where it is none of ours. */
static const char *
behind_scheme(const char *url)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(url, schemes[i], strlen(schemes[i])) == 0)
			return url + strlen(schemes[i]);
	return NULL;
}

static int
digit_value(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at =
	    memchr(digits, tolower((unsigned char)digit), sizeof(digits) - 1);

	return at == NULL ? -1 : (int)(at - digits);
}

/*
 * User or password up to `end`: each % with two digits, and nothing that ends a
 * line, a string, or what the caller says.
 */
static bool
good_part(const char *from, const char *end, int barred)
{
	size_t length = 0;

	for (; from < end; from++, length++) {
		int octet = (unsigned char)*from;

		if (*from == '%') {
			if (end - from < 3 || digit_value(from[1]) < 0 ||
			    digit_value(from[2]) < 0)
				return false;
			octet =
			    digit_value(from[1]) * 16 + digit_value(from[2]);
			from += 2;
		}
		if (octet == '\0' || octet == '\r' || octet == '\n' ||
		    octet == barred)
			return false;
	}
	return length <= PART_LENGTH_MAX;
}

static bool
good_login(const char *from, const char *end, bool http)
{
	const char *colon = memchr(from, ':', (size_t)(end - from));
	const char *user_end = colon == NULL ? end : colon;

	/* In HTTP a colon would end the user, however it is written. */
	return from < user_end && good_part(from, user_end, http ? ':' : 0) &&
	       (colon == NULL || good_part(colon + 1, end, 0));
}

static bool
good_port(const char *from, const char *end)
{
	size_t length = (size_t)(end - from);
	long port;

	if (length == 0 || length > PORT_LENGTH_MAX ||
	    strspn(from, "0123456789") < length)
		return false;
	port = strtol(from, NULL, 10);
	return port >= 1 && port <= PORT_MAX;
}

static bool
good_name(const char *from, const char *end)
{
	if (from == end || end - from > PART_LENGTH_MAX)
		return false;
	for (; from < end; from++)
		if (!isascii((unsigned char)*from) ||
		    (!isalnum((unsigned char)*from) &&
			strchr("-._", *from) == NULL))
			return false;
	return true;
}

static bool
good_ipv6(const char *from, const char *end)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char address[sizeof(struct in6_addr)];
	size_t length = (size_t)(end - from);

	if (length >= sizeof(text))
		return false;
	memcpy(text, from, length);
	text[length] = '\0';
	return inet_pton(AF_INET6, text, address) == 1;
}

static bool
good_host(const char *from, const char *end)
{
	const char *host_end;
	bool good;

	if (from < end && *from == '[') {
		host_end = memchr(from, ']', (size_t)(end - from));
		if (host_end == NULL || !good_ipv6(from + 1, host_end))
			return false;
		host_end++;
		good = true;
	} else {
		host_end = memchr(from, ':', (size_t)(end - from));
		if (host_end == NULL)
			host_end = end;
		good = good_name(from, host_end);
	}
	return good && (host_end == end ||
			   (*host_end == ':' && good_port(host_end + 1, end)));
}

bool
config_proxy_good(const char *url)
{
	const char *from = behind_scheme(url), *end, *at;

	if (from == NULL || strlen(url) > URL_LENGTH_MAX)
		return false;
	end = from + strcspn(from, "/?#");
	if (*end != '\0' && strcmp(end, "/") != 0)
		return false;
	at = memchr(from, '@', (size_t)(end - from));
	if (at != NULL) {
		if (!good_login(from, at, tolower((unsigned char)*url) == 'h'))
			return false;
		from = at + 1;
	}
	return good_host(from, end);
}

bool
config_proxy_tells_secret(const char *url)
{
	const char *from = strstr(url, "://");
	const char *at = strrchr(url, '@');

	from = from == NULL ? url : from + 3;
	return at != NULL && at > from &&
	       memchr(from, ':', (size_t)(at - from)) != NULL;
}
