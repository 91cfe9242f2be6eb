/* What a server sends is shown to people only through here. */
#include <stdint.h>

#include <evpop/error.h>

/*
 * Length of the well-formed UTF-8 character at the front, or 0: no overlong
 * form, no surrogate, nothing above U+10FFFF, no C1 control (RFC 3629).
 */
static size_t
utf8_length(const unsigned char *s, size_t left, uint32_t *point_r)
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
	*point_r = point;
	return length;
}

/* Characters that reorder or hide the text around them, or do not show. */
static bool
misleads(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0xad, 0xad },       /* soft hyphen */
		{ 0x61c, 0x61c },     /* Arabic letter mark */
		{ 0x180e, 0x180e },   /* Mongolian vowel separator */
		{ 0x200b, 0x200f },   /* zero width, direction marks */
		{ 0x2028, 0x202e },   /* separators, direction overrides */
		{ 0x2060, 0x206f },   /* invisible operators, isolates */
		{ 0xfeff, 0xfeff },   /* zero width no-break space */
		{ 0xfff9, 0xfffb },   /* interlinear annotation */
		{ 0xe0000, 0xe007f }, /* tags */
	};
	size_t i;

	for (i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

size_t
evpop_printable(char *dst, size_t dst_size, const void *bytes, size_t length)
{
	const unsigned char *s = bytes;
	size_t out = 0, in = 0, n, i;
	uint32_t point;

	if (dst_size == 0)
		return 0;
	while (in < length) {
		n = s[in] >= 0x20 && s[in] <= 0x7e
			? 1
			: utf8_length(s + in, length - in, &point);
		if (n > 1 && misleads(point))
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
