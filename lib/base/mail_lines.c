#include "lib/base/mail_lines.h"

#include <string.h>

static const char from[] = "From ";
#define FROM_LENGTH (sizeof(from) - 1)

size_t
evpop_mail_lines_to_lf(struct evpop_mail_lines *lines, const char *bytes,
    size_t length, char *out_r)
{
	size_t made = 0, run;
	const char *cr;

	for (size_t at = 0; at < length; at += run) {
		if (lines->has_cr && bytes[at] != '\n')
			out_r[made++] = '\r';
		cr = memchr(bytes + at, '\r', length - at);
		run = cr != NULL ? (size_t)(cr - bytes) - at : length - at;
		memcpy(out_r + made, bytes + at, run);
		made += run;
		lines->has_cr = cr != NULL;
		run += lines->has_cr;
	}
	if (length == 0 && lines->has_cr) {
		lines->has_cr = false;
		out_r[made++] = '\r';
	}
	return made;
}

size_t
evpop_mail_lines_to_crlf(struct evpop_mail_lines *lines, const char *bytes,
    size_t length, char *out_r)
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
lines_give_back(struct evpop_mail_lines *lines, char *out)
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
lines_match(struct evpop_mail_lines *lines, char byte)
{
	if (lines->is_inside || byte != from[lines->matched])
		return false;
	lines->matched++;
	return true;
}

static bool
lines_has_from(struct evpop_mail_lines *lines)
{
	if (lines->matched < FROM_LENGTH)
		return false;
	lines->is_inside = true;
	return true;
}

/* A byte that is not kept back. */
static size_t
lines_pass(struct evpop_mail_lines *lines, char byte, char *out)
{
	lines->is_inside = byte != '\n';
	*out = byte;
	return 1;
}

/*
 * To quote, another ">" before "From " is the same as one before all others: so
 * only "From " is kept back.  To unquote, the last of several ">" is kept back,
 * too: it is the one to lose.
 */
static size_t
lines_change(struct evpop_mail_lines *lines, bool quotes, const char *bytes,
    size_t length, char *out)
{
	size_t made = 0;

	if (length == 0)
		return lines_give_back(lines, out);
	for (size_t i = 0; i < length; i++) {
		if (lines_match(lines, bytes[i])) {
			if (lines_has_from(lines)) {
				lines->has_mark = quotes;
				made += lines_give_back(lines, out + made);
			}
			continue;
		}
		if (lines->matched == 0 && !lines->is_inside &&
		    bytes[i] == '>') {
			if (quotes || lines->has_mark)
				out[made++] = '>';
			lines->has_mark = !quotes;
			continue;
		}
		made += lines_give_back(lines, out + made);
		made += lines_pass(lines, bytes[i], out + made);
	}
	return made;
}

size_t
evpop_mail_lines_quote(struct evpop_mail_lines *lines, const char *bytes,
    size_t length, char *out_r)
{
	return lines_change(lines, true, bytes, length, out_r);
}

size_t
evpop_mail_lines_unquote(struct evpop_mail_lines *lines, const char *bytes,
    size_t length, char *out_r)
{
	return lines_change(lines, false, bytes, length, out_r);
}
