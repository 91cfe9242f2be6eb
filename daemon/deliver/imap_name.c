#include "daemon/deliver/imap_name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "daemon/deliver/imap_data.h"
#include "lib/base/text.h"

#define INBOX "INBOX"

/* Text that is being written; too much is noticed at the end. */
struct name_out {
	char *at;
	size_t left;
	bool is_full;
};

static void
out_add(struct name_out *out, char c)
{
	if (out->left <= 1) {
		out->is_full = true;
		return;
	}
	*out->at++ = c;
	out->left--;
}

static void
out_add_quoted(struct name_out *out, char c)
{
	if (c == '"' || c == '\\')
		out_add(out, '\\');
	out_add(out, c);
}

/* ---- modified UTF-7 ---- */

struct name_shift {
	bool is_on;
	uint32_t bits; /* not yet written, of count `left` */
	unsigned left;
};

static char
shift_letter(uint32_t value)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789+,";

	return letters[value & 63];
}

static void
shift_unit(struct name_shift *shift, struct name_out *out, uint32_t unit)
{
	if (!shift->is_on)
		out_add(out, '&');
	shift->is_on = true;
	shift->bits = shift->bits << 16 | unit;
	for (shift->left += 16; shift->left >= 6; shift->left -= 6)
		out_add(out, shift_letter(shift->bits >> (shift->left - 6)));
	shift->bits &= (1U << shift->left) - 1;
}

static void
shift_end(struct name_shift *shift, struct name_out *out)
{
	if (!shift->is_on)
		return;
	if (shift->left > 0)
		out_add(out, shift_letter(shift->bits << (6 - shift->left)));
	out_add(out, '-');
	memset(shift, 0, sizeof(*shift));
}

static void
name_add(struct name_shift *shift, struct name_out *out, uint32_t character)
{
	if (character >= 0x10000) {
		character -= 0x10000;
		shift_unit(shift, out, 0xd800 + (character >> 10));
		shift_unit(shift, out, 0xdc00 + (character & 0x3ff));
	} else if (character > '~')
		shift_unit(shift, out, character);
	else {
		shift_end(shift, out);
		out_add_quoted(out, (char)character);
		if (character == '&')
			out_add(out, '-');
	}
}

/* ---- folders ---- */

static bool
name_begins(const char *name, const char *prefix)
{
	return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/*
 * Whether it is a full name as it stands: INBOX and what is in it, and what
 * begins as a namespace of the server does.
 */
static bool
name_is_full(const char *folder, const struct imap_naming *naming)
{
	size_t length = strlen(INBOX), i;

	if (name_begins(folder, INBOX) &&
	    (folder[length] == '\0' || folder[length] == '/'))
		return true;
	if (naming->prefix[0] == '\0' || name_begins(folder, naming->prefix))
		return true;
	for (i = 0; i < IMAP_FOREIGN && naming->foreign[i][0] != '\0'; i++)
		if (name_begins(folder, naming->foreign[i]))
			return true;
	return false;
}

bool
imap_folder_write(char folder_r[IMAP_FOLDER], const char *folder,
    const struct imap_naming *naming)
{
	struct name_out out = { folder_r, IMAP_FOLDER, false };
	struct name_shift shift = { false, 0, 0 };
	size_t left, taken;
	uint32_t character;
	const char *prefix;

	if (folder[0] == '\0')
		folder = INBOX;
	out_add(&out, '"');
	if (!name_is_full(folder, naming))
		for (prefix = naming->prefix; *prefix != '\0'; prefix++)
			out_add_quoted(&out, *prefix);
	for (left = strlen(folder); left > 0; left -= taken) {
		taken = evpop_text_decode(folder, left, &character);
		if (taken == 0 ||
		    evpop_text_kind(character) == EVPOP_TEXT_CONTROL)
			return false;
		folder += taken;
		if (character == '/' && naming->delimiter != '\0')
			character = (unsigned char)naming->delimiter;
		name_add(&shift, &out, character);
	}
	shift_end(&shift, &out);
	out_add(&out, '"');
	*out.at = '\0';
	return !out.is_full;
}

bool
imap_quoted_write(char *dst, size_t size, const char *text)
{
	struct name_out out = { dst, size, false };

	out_add(&out, '"');
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text > 0x7f || *text == '\r' ||
		    *text == '\n')
			return false;
		out_add_quoted(&out, *text);
	}
	out_add(&out, '"');
	*out.at = '\0';
	return !out.is_full;
}

/* ---- dates ---- */

bool
imap_date_write(char date_r[IMAP_DATE], int64_t unix_ms)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	/* The years 1 to 9999, roundly. */
	static const int64_t least = INT64_C(-62135596800),
			     most = INT64_C(253402300799);
	time_t seconds;
	struct tm tm;

	if (unix_ms < least * 1000 || unix_ms / 1000 > most)
		return false;
	seconds = (time_t)(unix_ms / 1000);
	if (gmtime_r(&seconds, &tm) == NULL)
		return false;
	/* The remainders show the compiler that it fits. */
	(void)snprintf(date_r, IMAP_DATE,
	    "\"%2u-%s-%04u %02u:%02u:%02u +0000\"", (unsigned)tm.tm_mday % 32,
	    months[tm.tm_mon % 12], (unsigned)(tm.tm_year + 1900) % 10000,
	    (unsigned)tm.tm_hour % 24, (unsigned)tm.tm_min % 60,
	    (unsigned)tm.tm_sec % 60);
	return true;
}
