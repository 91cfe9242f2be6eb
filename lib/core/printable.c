/* What a server sends is shown to people only through here. */
#include <stdint.h>

#include <evpop/error.h>

/*
 * Length of the well-formed UTF-8 character at the front, or 0: no overlong
 * form, no surrogate, nothing above U+10FFFF, no C1 control (RFC 3629).
 */
static size_t
utf8_length(const unsigned char *s, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0xa0, 0x800, 0x10000 };
	uint32_t point;
	size_t length, i;

	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		length = 2;
		point = s[0] & 0x1f;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		length = 3;
		point = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		length = 4;
		point = s[0] & 0x07;
	} else
		return 0;
	if (length > left)
		return 0;
	for (i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3f);
	}
	if (point < least[length] || point > 0x10ffff ||
	    (point >= 0xd800 && point <= 0xdfff))
		return 0;
	return length;
}

/* Characters that reorder or hide the text around them. */
static bool
misleads(const unsigned char *s, size_t length)
{
	if (length != 3 || s[0] != 0xe2)
		return false;
	/* U+200B..200F, U+2028..202E, U+2060..206F */
	return (s[1] == 0x80 && s[2] >= 0x8b && s[2] <= 0x8f) ||
	       (s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) ||
	       (s[1] == 0x81 && s[2] >= 0xa0 && s[2] <= 0xaf);
}

size_t
evpop_printable(char *dst, size_t dst_size, const void *bytes, size_t length)
{
	const unsigned char *s = bytes;
	size_t out = 0, in = 0, n, i;

	if (dst_size == 0)
		return 0;
	while (in < length) {
		n = s[in] >= 0x20 && s[in] <= 0x7e
			? 1
			: utf8_length(s + in, length - in);
		if (n > 1 && misleads(s + in, n))
			n = 0;
		if (out + (n == 0 ? 1 : n) >= dst_size)
			break;
		if (n == 0) {
			dst[out++] = '?';
			in++;
			continue;
		}
		for (i = 0; i < n; i++)
			dst[out++] = (char)s[in++];
	}
	dst[out] = '\0';
	return out;
}
