/* URLs of proxies: RFC 3986 section 3.2, as far as a proxy has a use for it. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <evpop/client.h>

#include "lib/base/guarded.h"
#include "lib/base/hex.h"
#include "lib/net/address.h"
#include "lib/net/proxy.h"

/* Longer ones are no mistake that a message could help with. */
#define URL_OCTETS ((size_t)2048)
/* As much as SOCKS can carry of a host, a user or a password. */
#define PART_OCTETS ((size_t)255)

struct scheme {
	const char *prefix;
	enum evpop_proxy_kind kind;
	uint16_t port;
};

static const struct scheme schemes[] = {
	{ "socks5://", EVPOP_PROXY_SOCKS5, EVPOP_PROXY_PORT_SOCKS5 },
	{ "socks5h://", EVPOP_PROXY_SOCKS5, EVPOP_PROXY_PORT_SOCKS5 },
	{ "http://", EVPOP_PROXY_HTTP, EVPOP_PROXY_PORT_HTTP },
};
#define SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

static bool
url_wrong(struct evpop_result *result, const char *reason)
{
	evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE,
	    "the proxy's URL %s", reason);
	return false;
}

static bool
url_no_memory(struct evpop_result *result)
{
	evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
	    "no memory for a proxy's URL");
	return false;
}

static const struct scheme *
url_find_scheme(const char *url)
{
	size_t i;

	for (i = 0; i < SCHEMES; i++) {
		if (strncasecmp(
			url, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
			return &schemes[i];
	}
	return NULL;
}

/* The octet at `at`, which moves on; -1 if it must not stand there. */
static int
url_decode_octet(const char **at)
{
	int octet;

	if (**at != '%')
		return (unsigned char)*(*at)++;
	octet = evpop_hex_octet(*at + 1);
	*at += octet == -1 ? 0 : 3;
	return octet;
}

static bool
url_decode(const char *from, const char *end, char **text_r,
    struct evpop_result *result)
{
	char *to;
	int octet;

	*text_r = to = evpop_guarded_alloc((size_t)(end - from) + 1);
	if (to == NULL)
		return url_no_memory(result);
	while (from < end) {
		octet = url_decode_octet(&from);
		if (octet < 0)
			return url_wrong(result,
			    "has a % in user or password that no two "
			    "hexadecimal digits follow; write %25 for a %");
		if (octet == '\r' || octet == '\n' || octet == '\0')
			return url_wrong(
			    result, "has CR, LF or NUL in user or password");
		*to++ = (char)octet;
	}
	return true;
}

/*
 * "user" or "user:password"; the caller frees what was made, even on failure.
 */
static bool
url_parse_login(struct evpop_proxy_config *config, const char *from,
    const char *end, struct evpop_result *result)
{
	const char *colon = memchr(from, ':', (size_t)(end - from));
	const char *user_end = colon == NULL ? end : colon;
	const char *password = colon == NULL ? end : colon + 1;

	if (from == user_end)
		return url_wrong(result, "has an empty user before its @");
	if (!url_decode(from, user_end, &config->user, result) ||
	    !url_decode(password, end, &config->password, result))
		return false;
	if (strlen(config->user) > PART_OCTETS ||
	    strlen(config->password) > PART_OCTETS)
		return url_wrong(
		    result, "has a user or password of more than 255 octets");
	/* RFC 7617 section 2. */
	if (config->kind == EVPOP_PROXY_HTTP &&
	    strchr(config->user, ':') != NULL)
		return url_wrong(
		    result, "has a colon in its user, which HTTP cannot carry");
	return true;
}

/* Decimal digits from 1 to 65535, and nothing else. */
static bool
url_parse_port(const char *from, const char *end, uint16_t *port_r)
{
	unsigned int port = 0;

	if (from == end)
		return false;
	for (; from < end; from++) {
		if (!isdigit((unsigned char)*from))
			return false;
		port = port * 10 + (unsigned int)(*from - '0');
		if (port > UINT16_MAX)
			return false;
	}
	*port_r = (uint16_t)port;
	return port != 0;
}

bool
evpop_proxy_is_name(const char *host)
{
	if (*host == '\0' || strlen(host) > PART_OCTETS)
		return false;
	for (; *host != '\0'; host++)
		if (!isascii((unsigned char)*host) ||
		    (!isalnum((unsigned char)*host) &&
			strchr("-._", *host) == NULL))
			return false;
	return true;
}

static bool
url_good_host(const char *host, bool bracketed)
{
	struct evpop_address address;

	if (bracketed)
		return strchr(host, ':') != NULL && strchr(host, '%') == NULL &&
		       evpop_address_parse(&address, host, 0);
	return evpop_proxy_is_name(host);
}

/* "host", "host:port", "[::1]", "[::1]:port". */
static bool
url_parse_host(struct evpop_proxy_config *config, const char *from,
    const char *end, struct evpop_result *result)
{
	bool bracketed = from < end && *from == '[';
	const char *host_end;

	if (bracketed) {
		from++;
		host_end = memchr(from, ']', (size_t)(end - from));
		if (host_end == NULL)
			return url_wrong(result, "has a [ without its ]");
	} else {
		host_end = memchr(from, ':', (size_t)(end - from));
		if (host_end == NULL)
			host_end = end;
	}
	config->host = strndup(from, (size_t)(host_end - from));
	if (config->host == NULL)
		return url_no_memory(result);
	if (bracketed)
		host_end++;
	if (host_end < end && (*host_end != ':' || !url_parse_port(host_end + 1,
						       end, &config->port)))
		return url_wrong(result,
		    "has no port from 1 to 65535 behind the host's colon; an "
		    "IPv6 address stands in [ and ]");
	if (!url_good_host(config->host, bracketed))
		return url_wrong(result,
		    bracketed ? "has something else than an IPv6 address in "
				"[ and ]"
			      : "has no host that could be one; in user and "
				"password write %40 for an @, %2F for a /");
	return true;
}

static bool
url_parse(struct evpop_proxy_config *config, const char *url,
    struct evpop_result *result)
{
	const struct scheme *scheme = url_find_scheme(url);
	const char *from, *end, *at;

	if (scheme == NULL)
		return url_wrong(
		    result, "begins with neither socks5:// nor http://");
	if (strlen(url) > URL_OCTETS)
		return url_wrong(result, "is longer than 2048 octets");
	config->kind = scheme->kind;
	config->port = scheme->port;
	from = url + strlen(scheme->prefix);
	end = from + strcspn(from, "/?#");
	if (*end != '\0' && strcmp(end, "/") != 0)
		return url_wrong(result,
		    "has something behind host and port; in user and password "
		    "write %2F for a /, %3F for a ?, %23 for a #");
	at = memchr(from, '@', (size_t)(end - from));
	if (at != NULL) {
		if (!url_parse_login(config, from, at, result))
			return false;
		from = at + 1;
	}
	return url_parse_host(config, from, end, result);
}

bool
evpop_proxy_parse(struct evpop_proxy_config *config, const char *url,
    struct evpop_result *result)
{
	memset(config, 0, sizeof(*config));
	if (url_parse(config, url, result))
		return true;
	evpop_proxy_config_clear(config);
	return false;
}

bool
evpop_proxy_check(const char *url, struct evpop_result *result)
{
	struct evpop_proxy_config config;

	if (!evpop_proxy_parse(&config, url, result))
		return false;
	evpop_proxy_config_clear(&config);
	return true;
}

void
evpop_proxy_config_clear(struct evpop_proxy_config *config)
{
	free(config->host);
	evpop_secret_forget(&config->user);
	evpop_secret_forget(&config->password);
	memset(config, 0, sizeof(*config));
}

bool
evpop_proxy_has_password(const char *url)
{
	const char *from = strstr(url, "://");
	const char *at = strrchr(url, '@');

	from = from == NULL ? url : from + 3;
	return at != NULL && at > from &&
	       memchr(from, ':', (size_t)(at - from)) != NULL;
}
