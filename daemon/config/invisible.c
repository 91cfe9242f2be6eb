#include "daemon/config/invisible.h"

/* Of Unicode: white space but the blank, and what shows nothing by itself. */
static const struct {
	unsigned first, last;
	const char *name;
} invisible_ranges[] = {
	{ 0x00a0, 0x00a0, "no-break space" },
	{ 0x00ad, 0x00ad, "soft hyphen" },
	{ 0x034f, 0x034f, "grapheme joiner" },
	{ 0x061c, 0x061c, "direction mark" },
	{ 0x115f, 0x1160, "filler" },
	{ 0x1680, 0x1680, "space of another width" },
	{ 0x17b4, 0x17b5, "inherent vowel" },
	{ 0x180b, 0x180f, "vowel separator or selector" },
	{ 0x2000, 0x200a, "space of another width" },
	{ 0x200b, 0x200b, "zero-width space" },
	{ 0x200c, 0x200c, "zero-width non-joiner" },
	{ 0x200d, 0x200d, "zero-width joiner" },
	{ 0x200e, 0x200f, "direction mark" },
	{ 0x2028, 0x2028, "line separator" },
	{ 0x2029, 0x2029, "paragraph separator" },
	{ 0x202a, 0x202e, "direction mark" },
	{ 0x202f, 0x202f, "narrow no-break space" },
	{ 0x205f, 0x205f, "space of another width" },
	{ 0x2060, 0x2060, "word joiner" },
	{ 0x2061, 0x2064, "invisible operator" },
	{ 0x2066, 0x206f, "direction mark" },
	{ 0x2800, 0x2800, "blank of Braille" },
	{ 0x3000, 0x3000, "ideographic space" },
	{ 0x3164, 0x3164, "filler" },
	{ 0xfeff, 0xfeff, "byte-order mark, or zero-width no-break space" },
	{ 0xffa0, 0xffa0, "filler" },
	{ 0xfff9, 0xfffb, "annotation mark" },
	{ 0xe0000, 0xe0fff, "tag or selector" },
};

/* The character that begins here, and its length. */
static unsigned
invisible_decode(const unsigned char *bytes, size_t *length_r)
{
	size_t length = bytes[0] < 0x80   ? 1
			: bytes[0] < 0xe0 ? 2
			: bytes[0] < 0xf0 ? 3
					  : 4;
	unsigned code = bytes[0];

	if (length > 1)
		code &= 0x7fu >> length;
	for (size_t i = 1; i < length; i++)
		code = code << 6 | (bytes[i] & 0x3fu);
	*length_r = length;
	return code;
}

bool
config_invisible_find(
    const char *text, size_t length, struct config_invisible *found)
{
	size_t step;

	for (size_t at = 0; at < length; at += step) {
		unsigned code =
		    invisible_decode((const unsigned char *)text + at, &step);

		for (size_t i = 0;
		     code >= 0x80 &&
		     i < sizeof(invisible_ranges) / sizeof(invisible_ranges[0]);
		     i++) {
			if (code < invisible_ranges[i].first ||
			    code > invisible_ranges[i].last)
				continue;
			*found = (struct config_invisible){ at + 1, code,
				invisible_ranges[i].name };
			return true;
		}
	}
	return false;
}
