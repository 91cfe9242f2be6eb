#include "daemon/ctl/lines.h"

#include <string.h>

static const char from[] = "From ";
#define FROM_LENGTH (sizeof(from) - 1)

size_t
lines_to_lf(struct lines *lines, const char *bytes, size_t length, char *out_r)
{
	size_t made = 0;

	if (length == 0 && lines->has_cr) {
		lines->has_cr = false;
		out_r[made++] = '\r';
	}
	for (size_t i = 0; i < length; i++) {
		if (lines->has_cr && bytes[i] != '\n')
			out_r[made++] = '\r';
		lines->has_cr = bytes[i] == '\r';
		if (!lines->has_cr)
			out_r[made++] = bytes[i];
	}
	return made;
}

size_t
lines_to_crlf(
    struct lines *lines, const char *bytes, size_t length, char *out_r)
{
	size_t made = 0;

	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n' && !lines->has_cr)
			out_r[made++] = '\r';
		lines->has_cr = bytes[i] == '\r';
		out_r[made++] = bytes[i];
	}
	return made;
}

/* What was kept back, and is no "From ". */
static size_t
lines_give_back(struct lines *lines, char *out)
{
	size_t made = 0;

	if (lines->has_mark)
		out[made++] = '>';
	memcpy(out + made, from, lines->matched);
	made += lines->matched;
	lines->has_mark = false;
	lines->matched = 0;
	return made;
}

/*
 * Take a byte of a line's beginning; false where the beginning is over and the
 * byte is like any other.
 */
static bool
lines_match(struct lines *lines, char byte)
{
	if (lines->is_inside || byte != from[lines->matched])
		return false;
	lines->matched++;
	return true;
}

static bool
lines_has_from(struct lines *lines)
{
	if (lines->matched < FROM_LENGTH)
		return false;
	lines->is_inside = true;
	return true;
}

/* A byte that is not kept back. */
static size_t
lines_pass(struct lines *lines, char byte, char *out)
{
	lines->is_inside = byte != '\n';
	*out = byte;
	return 1;
}

/*
 * Another ">" before "From " is the same as one before all others: so only
 * "From " is kept back.
 */
size_t
lines_quote(struct lines *lines, const char *bytes, size_t length, char *out_r)
{
	size_t made = 0;

	if (length == 0)
		return lines_give_back(lines, out_r);
	for (size_t i = 0; i < length; i++) {
		if (lines_match(lines, bytes[i])) {
			if (lines_has_from(lines)) {
				lines->has_mark = true;
				made += lines_give_back(lines, out_r + made);
			}
			continue;
		}
		if (lines->matched == 0 && !lines->is_inside &&
		    bytes[i] == '>') {
			out_r[made++] = '>';
			continue;
		}
		made += lines_give_back(lines, out_r + made);
		made += lines_pass(lines, bytes[i], out_r + made);
	}
	return made;
}

/* Of several ">" the last one is kept back: it is the one to lose. */
size_t
lines_unquote(
    struct lines *lines, const char *bytes, size_t length, char *out_r)
{
	size_t made = 0;

	if (length == 0)
		return lines_give_back(lines, out_r);
	for (size_t i = 0; i < length; i++) {
		if (lines_match(lines, bytes[i])) {
			if (lines_has_from(lines)) {
				lines->has_mark = false;
				made += lines_give_back(lines, out_r + made);
			}
			continue;
		}
		if (lines->matched == 0 && !lines->is_inside &&
		    bytes[i] == '>') {
			if (lines->has_mark)
				out_r[made++] = '>';
			lines->has_mark = true;
			continue;
		}
		made += lines_give_back(lines, out_r + made);
		made += lines_pass(lines, bytes[i], out_r + made);
	}
	return made;
}
