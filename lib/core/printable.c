/* What a server sends is shown to people only through here. */
#include <stdint.h>

#include <evpop/error.h>

#include "lib/base/utf8.h"

/* Characters that control, reorder or hide the text around them, or hide. */
static bool
printable_misleads(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x80, 0x9f },       /* C1 */
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
	const char *s = bytes;
	size_t out = 0, in = 0, n, i;
	uint32_t point;

	if (dst_size == 0)
		return 0;
	while (in < length) {
		n = s[in] >= 0x20 && s[in] <= 0x7e
			? 1
			: evpop_utf8_decode(s + in, length - in, &point);
		if (n == 1 ? s[in] < 0x20 || s[in] > 0x7e
			   : n > 1 && printable_misleads(point))
			n = 0;
		if (out + (n == 0 ? 1 : n) >= dst_size)
			break;
		if (n == 0) {
			dst[out++] = '?';
			in++;
			continue;
		}
		for (i = 0; i < n; i++)
			dst[out++] = s[in++];
	}
	dst[out] = '\0';
	return out;
}
