#include "daemon/http/network.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

struct network {
	unsigned char prefix[16];
	unsigned bits;
};

#define NETWORK_V4(a, b, c, bits)                                        \
	{                                                                \
		{ [10] = 0xff, [11] = 0xff, (a), (b), (c) }, 96 + (bits) \
	}

static const struct network network_private[] = {
	NETWORK_V4(0, 0, 0, 8),
	NETWORK_V4(10, 0, 0, 8),
	NETWORK_V4(100, 64, 0, 10),
	NETWORK_V4(127, 0, 0, 8),
	NETWORK_V4(169, 254, 0, 16),
	NETWORK_V4(172, 16, 0, 12),
	NETWORK_V4(192, 0, 0, 24),
	NETWORK_V4(192, 168, 0, 16),
	NETWORK_V4(198, 18, 0, 15),
	NETWORK_V4(224, 0, 0, 3), /* multicast and reserved */
	{ { 0 }, 96 },            /* :: and ::1 */
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48 }, /* RFC 8215 */
	{ { 0x01, 0x00 }, 64 },                         /* RFC 6666 */
	{ { 0xfc }, 7 },
	{ { 0xfe, 0x80 }, 9 }, /* link-local and, once, site-local */
	{ { 0xff }, 8 },
};

/* IPv4 inside of IPv6: where it stands there. */
static const struct {
	struct network network;
	size_t at;
} network_wrapped[] = {
	{ { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12 }, /* RFC 6052: NAT64 */
	{ { { 0x20, 0x02 }, 16 }, 2 },              /* RFC 3056: 6to4 */
};

static bool
network_has(const struct network *network, const unsigned char octets[16])
{
	unsigned whole = network->bits / 8, rest = network->bits % 8;

	if (memcmp(octets, network->prefix, whole) != 0)
		return false;
	return rest == 0 ||
	       ((octets[whole] ^ network->prefix[whole]) >> (8 - rest)) == 0;
}

static void
network_map(unsigned char octets_r[16])
{
	memset(octets_r, 0, 10);
	memset(octets_r + 10, 0xff, 2);
}

bool
network_address_read(const char *text, struct network_address *address_r)
{
	network_map(address_r->octets);
	return inet_pton(AF_INET, text, address_r->octets + 12) == 1 ||
	       inet_pton(AF_INET6, text, address_r->octets) == 1;
}

bool
network_is_public(const struct network_address *address)
{
	struct network_address inner;
	size_t i;

	for (i = 0; i < sizeof(network_private) / sizeof(network_private[0]);
	     i++)
		if (network_has(&network_private[i], address->octets))
			return false;
	for (i = 0; i < sizeof(network_wrapped) / sizeof(network_wrapped[0]);
	     i++) {
		if (!network_has(&network_wrapped[i].network, address->octets))
			continue;
		network_map(inner.octets);
		memcpy(inner.octets + 12,
		    address->octets + network_wrapped[i].at, 4);
		return network_is_public(&inner);
	}
	return true;
}

bool
network_is_same(
    const struct network_address *one, const struct network_address *other)
{
	struct network network = { .bits = 32 };
	unsigned char mapped[16];

	network_map(mapped);
	if (memcmp(one->octets, mapped, 12) == 0)
		network.bits = 96 + 24;
	memcpy(network.prefix, one->octets, sizeof(network.prefix));
	return network_has(&network, other->octets);
}
