/*
 * Numbers in what is sealed: so many octets, the highest first.
 */
#ifndef SECRET_NUMBER_H
#define SECRET_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Returns what is behind it. */
static inline unsigned char *
number_put(unsigned char *at, uint64_t number, size_t octets)
{
	for (size_t i = octets; i > 0; i--) {
		at[i - 1] = (unsigned char)number;
		number >>= 8;
	}
	return at + octets;
}

static inline uint64_t
number_get(const unsigned char *at, size_t octets)
{
	uint64_t number = 0;

	for (size_t i = 0; i < octets; i++)
		number = number << 8 | at[i];
	return number;
}

#endif
