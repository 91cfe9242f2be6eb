#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <evpop/client.h>

#include "lib/net/address.h"

/* The zone behind the %; NULL where there is none. */
static bool
address_parse_ipv6(
    const char *text, struct in6_addr *octets_r, const char **zone_r)
{
	char bare[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "%");

	if (length >= sizeof(bare))
		return false;
	memcpy(bare, text, length);
	bare[length] = '\0';
	*zone_r = text[length] == '%' ? text + length + 1 : NULL;
	return inet_pton(AF_INET6, bare, octets_r) == 1;
}

static bool
address_parse_zone(const char *text, uint32_t *zone_r)
{
	unsigned long number;
	char *end;

	*zone_r = if_nametoindex(text);
	if (*zone_r != 0)
		return true;
	if (*text < '0' || *text > '9')
		return false;
	number = strtoul(text, &end, 10);
	if (*end != '\0' || number > UINT32_MAX)
		return false;
	*zone_r = (uint32_t)number;
	return true;
}

bool
evpop_address_parse(
    struct evpop_address *address, const char *text, uint16_t port)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&address->storage;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&address->storage;
	const char *zone;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &sin->sin_addr) == 1) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		address->length = sizeof(*sin);
		return true;
	}
	memset(address, 0, sizeof(*address));
	if (!address_parse_ipv6(text, &sin6->sin6_addr, &zone) ||
	    (zone != NULL && !address_parse_zone(zone, &sin6->sin6_scope_id)))
		return false;
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	address->length = sizeof(*sin6);
	return true;
}

bool
evpop_address_check(const char *text, struct evpop_result *result)
{
	struct in6_addr octets;
	const char *zone;

	if (inet_pton(AF_INET, text, &octets) == 1 ||
	    (address_parse_ipv6(text, &octets, &zone) &&
		(zone == NULL || *zone != '\0')))
		return true;
	evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE,
	    "\"%.100s\" is no address", text);
	return false;
}

bool
evpop_host_is_loopback(const char *host)
{
	struct evpop_address address;

	if (evpop_address_parse(&address, host, 0))
		return evpop_address_is_loopback(&address);
	return strcasecmp(host, "localhost") == 0;
}

void
evpop_address_bare(
    const struct evpop_address *address, char text[EVPOP_ADDRESS_TEXT])
{
	const struct sockaddr_in *sin =
	    (const struct sockaddr_in *)&address->storage;
	const struct sockaddr_in6 *sin6 =
	    (const struct sockaddr_in6 *)&address->storage;
	sa_family_t family = address->storage.ss_family;
	const void *octets = family == AF_INET6 ? (const void *)&sin6->sin6_addr
						: (const void *)&sin->sin_addr;
	size_t length;

	if ((family != AF_INET && family != AF_INET6) ||
	    inet_ntop(family, octets, text, EVPOP_ADDRESS_TEXT) == NULL) {
		text[0] = '\0';
		return;
	}
	length = strlen(text);
	if (family == AF_INET6 && sin6->sin6_scope_id != 0)
		snprintf(text + length, EVPOP_ADDRESS_TEXT - length, "%%%u",
		    (unsigned int)sin6->sin6_scope_id);
}

void
evpop_address_text(
    const struct evpop_address *address, char text[EVPOP_ADDRESS_TEXT])
{
	const struct sockaddr_in *sin =
	    (const struct sockaddr_in *)&address->storage;
	char bare[EVPOP_ADDRESS_TEXT];
	bool brackets = address->storage.ss_family == AF_INET6;

	evpop_address_bare(address, bare);
	if (bare[0] == '\0') {
		text[0] = '\0';
		return;
	}
	/* The port stands at the same place in both families. */
	snprintf(text, EVPOP_ADDRESS_TEXT, "%s%.70s%s:%u", brackets ? "[" : "",
	    bare, brackets ? "]" : "", (unsigned int)ntohs(sin->sin_port));
}

bool
evpop_address_is_loopback(const struct evpop_address *address)
{
	const struct sockaddr_in *sin =
	    (const struct sockaddr_in *)&address->storage;
	const struct sockaddr_in6 *sin6 =
	    (const struct sockaddr_in6 *)&address->storage;
	const unsigned char *octets;

	if (address->storage.ss_family == AF_INET) {
		octets = (const unsigned char *)&sin->sin_addr;
		return octets[0] == 127;
	}
	if (address->storage.ss_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr))
		return sin6->sin6_addr.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
}

void
evpop_address_interleave(struct evpop_address *addresses, size_t count)
{
	evpop_address_interleave_from(addresses, count, AF_INET6);
}

void
evpop_address_interleave_from(
    struct evpop_address *addresses, size_t count, sa_family_t wanted)
{
	struct evpop_address moved;
	size_t at, from;

	for (at = 0; at < count; at++) {
		for (from = at; from < count; from++) {
			if (addresses[from].storage.ss_family == wanted)
				break;
		}
		/* The wanted family is used up: the rest stays. */
		if (from == count && at > 0)
			return;
		if (from < count && from > at) {
			moved = addresses[from];
			memmove(&addresses[at + 1], &addresses[at],
			    (from - at) * sizeof(moved));
			addresses[at] = moved;
		}
		wanted = addresses[at].storage.ss_family == AF_INET6 ? AF_INET
								     : AF_INET6;
	}
}
