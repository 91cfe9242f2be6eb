#include "lib/base/utf8.h"

#include <string.h>

/* Octets that a character has by its first; 0: none begins so. */
static size_t
utf8_wanted(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	if (first >= 0xf0 && first < 0xf5)
		return 4;
	return 0;
}

/* RFC 3629 section 4: the second octet has a smaller range after some. */
static bool
utf8_second_fits(unsigned char first, unsigned char second)
{
	unsigned char least = 0x80, most = 0xbf;

	if (first == 0xe0)
		least = 0xa0;
	else if (first == 0xed)
		most = 0x9f;
	else if (first == 0xf0)
		least = 0x90;
	else if (first == 0xf4)
		most = 0x8f;
	return second >= least && second <= most;
}

/* How many of the first `length` octets fit together, up to `wanted`. */
static size_t
utf8_fitting(const unsigned char *octets, size_t length, size_t wanted)
{
	size_t count = 1;

	if (wanted > 1 && length > 1 && utf8_second_fits(octets[0], octets[1]))
		count = 2;
	while (count > 1 && count < wanted && count < length &&
	       (octets[count] & 0xc0) == 0x80)
		count++;
	return count;
}

size_t
evpop_utf8_decode(const char *bytes, size_t length, uint32_t *code_point_r)
{
	static const unsigned char first_mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *octets = (const unsigned char *)bytes;
	size_t wanted;
	uint32_t code_point;

	if (length == 0)
		return 0;
	wanted = utf8_wanted(octets[0]);
	if (wanted == 0 || utf8_fitting(octets, length, wanted) != wanted)
		return 0;
	code_point = octets[0] & first_mask[wanted];
	for (size_t i = 1; i < wanted; i++)
		code_point = code_point << 6 | (octets[i] & 0x3f);
	*code_point_r = code_point;
	return wanted;
}

bool
evpop_utf8_is_partial(const char *bytes, size_t length)
{
	const unsigned char *octets = (const unsigned char *)bytes;
	size_t wanted;

	if (length == 0)
		return true;
	wanted = utf8_wanted(octets[0]);
	return wanted > length &&
	       utf8_fitting(octets, length, wanted) == length;
}

bool
evpop_utf8_is_valid(const char *text)
{
	size_t length = strlen(text), step;
	uint32_t code_point;

	for (; length > 0; text += step, length -= step) {
		step = evpop_utf8_decode(text, length, &code_point);
		if (step == 0)
			return false;
	}
	return true;
}
