#include "lib/base/hex.h"

void
evpop_hex_encode(const void *bytes, size_t length, char *text)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = bytes;
	size_t i;

	for (i = 0; i < length; i++) {
		text[2 * i] = digits[from[i] >> 4];
		text[2 * i + 1] = digits[from[i] & 15];
	}
	text[2 * length] = '\0';
}

int
evpop_hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

int
evpop_hex_octet(const char *digits)
{
	int high = evpop_hex_value(digits[0]);
	int low = high == -1 ? -1 : evpop_hex_value(digits[1]);

	return low == -1 ? -1 : high << 4 | low;
}

bool
evpop_hex_decode(const char *text, void *bytes_r, size_t size)
{
	unsigned char *to = bytes_r;

	for (size_t i = 0; i < size; i++, text += 2) {
		int octet = evpop_hex_octet(text);

		if (octet < 0)
			return false;
		to[i] = (unsigned char)octet;
	}
	return *text == '\0';
}
