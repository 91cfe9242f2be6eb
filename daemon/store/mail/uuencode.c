#include "daemon/store/mail/uuencode.h"

#include <string.h>

/* RFC 5322, section 2.1.1. */
#define LINE_MAX_LENGTH ((size_t)1000)
/* Programs drop blanks at the end of a line, or add a sum. */
#define SLACK 2

static size_t
uuencode_without_end(const char *line, size_t length)
{
	while (length > 0 &&
	       (line[length - 1] == '\n' || line[length - 1] == '\r'))
		length--;
	return length;
}

/* The position of the name in "begin MODE NAME"; 0: it is not such a line. */
static size_t
uuencode_name(const char *line, size_t length)
{
	static const char word[] = "begin ";
	size_t at = sizeof(word) - 1, mode = at;

	length = uuencode_without_end(line, length);
	if (length < at || memcmp(line, word, at) != 0)
		return 0;
	while (at < length && line[at] >= '0' && line[at] <= '7')
		at++;
	if (at - mode < 3 || at - mode > 4 || at + 1 >= length ||
	    line[at] != ' ')
		return 0;
	return at + 1;
}

/* Whether the line is one of data, as its first octet counts the rest. */
static bool
uuencode_is_data(const char *line, size_t length)
{
	size_t octets, digits;

	length = uuencode_without_end(line, length);
	if (length == 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if (line[i] < ' ' || line[i] > '`')
			return false;
	octets = (size_t)(line[0] - ' ') & 63;
	digits = (octets + 2) / 3 * 4;
	return length - 1 + SLACK >= digits && length - 1 <= digits + SLACK;
}

static bool
uuencode_is_end(const char *line, size_t length)
{
	length = uuencode_without_end(line, length);
	return length == 3 && memcmp(line, "end", 3) == 0;
}

void
mail_uuencode_init(struct mail_uuencode *file)
{
	file->place = MAIL_UUENCODE_OUTSIDE;
	mail_text_init(&file->line, LINE_MAX_LENGTH);
}

void
mail_uuencode_free(struct mail_uuencode *file)
{
	mail_text_free(&file->line);
}

static enum mail_uuencode_line
uuencode_take_outside(
    struct mail_uuencode *file, const char *line, size_t length)
{
	if (line[0] != 'b' || length > LINE_MAX_LENGTH ||
	    uuencode_name(line, length) == 0)
		return MAIL_UUENCODE_TEXT;
	mail_text_clear(&file->line);
	mail_text_add(&file->line, line, length);
	if (mail_text_is_full(&file->line))
		return MAIL_UUENCODE_TEXT;
	file->place = MAIL_UUENCODE_BEGUN;
	return MAIL_UUENCODE_HELD;
}

enum mail_uuencode_line
mail_uuencode_take(struct mail_uuencode *file, const char *line, size_t length)
{
	bool is_data;

	if (file->place == MAIL_UUENCODE_OUTSIDE)
		return uuencode_take_outside(file, line, length);
	is_data = uuencode_is_data(line, length);
	if (file->place == MAIL_UUENCODE_BEGUN) {
		file->place =
		    is_data ? MAIL_UUENCODE_INSIDE : MAIL_UUENCODE_OUTSIDE;
		return is_data ? MAIL_UUENCODE_FIRST : MAIL_UUENCODE_WAS_NOT;
	}
	if (is_data)
		return MAIL_UUENCODE_DATA;
	file->place = MAIL_UUENCODE_OUTSIDE;
	return uuencode_is_end(line, length) ? MAIL_UUENCODE_DATA
					     : MAIL_UUENCODE_TEXT;
}

const char *
mail_uuencode_name(const struct mail_uuencode *file, size_t *length_r)
{
	size_t name = uuencode_name(file->line.bytes, file->line.length);

	*length_r =
	    uuencode_without_end(file->line.bytes, file->line.length) - name;
	return file->line.bytes + name;
}

/* The digit at a place; blanks at the end of a line may be lost. */
static unsigned
uuencode_digit(const char *line, size_t length, size_t at)
{
	return at < length ? (unsigned)(line[at] - ' ') & 63 : 0;
}

size_t
mail_uuencode_decode(
    const char *line, size_t length, char octets_r[MAIL_UUENCODE_LINE_MAX])
{
	size_t octets, filled = 0;

	length = uuencode_without_end(line, length);
	octets = uuencode_digit(line, length, 0);
	for (size_t at = 1; filled < octets; at += 4) {
		unsigned bits = uuencode_digit(line, length, at) << 18 |
				uuencode_digit(line, length, at + 1) << 12 |
				uuencode_digit(line, length, at + 2) << 6 |
				uuencode_digit(line, length, at + 3);

		octets_r[filled++] = (char)(bits >> 16);
		octets_r[filled++] = (char)(bits >> 8);
		octets_r[filled++] = (char)bits;
	}
	return octets;
}
