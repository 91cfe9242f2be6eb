#include "lib/base/hash.h"

#include <string.h>

static uint64_t
hash_octet(uint64_t hash, unsigned char octet)
{
	return (hash ^ octet) * UINT64_C(1099511628211);
}

uint64_t
evpop_hash_add(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *octets = bytes;
	size_t i;

	for (i = 0; i < length; i++)
		hash = hash_octet(hash, octets[i]);
	return hash;
}

uint64_t
evpop_hash_text(const char *text)
{
	return evpop_hash_add(EVPOP_HASH_START, text, strlen(text));
}

uint64_t
evpop_hash_name(const char *name)
{
	uint64_t hash = EVPOP_HASH_START;

	for (; *name != '\0'; name++)
		hash = hash_octet(hash, *name >= 'A' && *name <= 'Z'
					    ? (unsigned char)(*name | 0x20)
					    : (unsigned char)*name);
	return hash;
}
