#include "tests/fuzz/showable.h"

#include <stdint.h>

/* The well-formed sequences, as the table of the Unicode standard has them. */
static const struct sequence {
	size_t length;
	unsigned char least[4], most[4];
} sequences[] = {
	{ 1, { 0x00 }, { 0x7f } },
	{ 2, { 0xc2, 0x80 }, { 0xdf, 0xbf } },
	{ 3, { 0xe0, 0xa0, 0x80 }, { 0xe0, 0xbf, 0xbf } },
	{ 3, { 0xe1, 0x80, 0x80 }, { 0xec, 0xbf, 0xbf } },
	{ 3, { 0xed, 0x80, 0x80 }, { 0xed, 0x9f, 0xbf } },
	{ 3, { 0xee, 0x80, 0x80 }, { 0xef, 0xbf, 0xbf } },
	{ 4, { 0xf0, 0x90, 0x80, 0x80 }, { 0xf0, 0xbf, 0xbf, 0xbf } },
	{ 4, { 0xf1, 0x80, 0x80, 0x80 }, { 0xf3, 0xbf, 0xbf, 0xbf } },
	{ 4, { 0xf4, 0x80, 0x80, 0x80 }, { 0xf4, 0x8f, 0xbf, 0xbf } },
};

static bool
fits(const struct sequence *sequence, const unsigned char *at, size_t left)
{
	size_t i;

	if (sequence->length > left)
		return false;
	for (i = 0; i < sequence->length; i++)
		if (at[i] < sequence->least[i] || at[i] > sequence->most[i])
			return false;
	return true;
}

/* The length of the character at the front; 0 where there is none. */
static size_t
character(const unsigned char *at, size_t left)
{
	size_t i;

	for (i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		if (fits(&sequences[i], at, left))
			return sequences[i].length;
	return 0;
}

static bool
is_control(const unsigned char *at, size_t length)
{
	return (length == 1 && (at[0] < 0x20 || at[0] == 0x7f)) ||
	       (length == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

static bool
holds(const void *bytes, size_t length, bool controls)
{
	const unsigned char *at = bytes;
	size_t step;

	for (; length > 0; at += step, length -= step) {
		step = character(at, length);
		if (step == 0 || (!controls && is_control(at, step)))
			return false;
	}
	return true;
}

bool
fuzz_is_utf8(const void *bytes, size_t length)
{
	return holds(bytes, length, true);
}

bool
fuzz_is_showable(const void *bytes, size_t length)
{
	return holds(bytes, length, false);
}
