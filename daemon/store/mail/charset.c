#include "daemon/store/mail/charset.h"

#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>

#include "daemon/store/lock.h"

/*
 * Names come from strangers: so many are kept, whether they are charsets or
 * not.  Real mail has some twenty.
 */
#define KEPT_MAX 128

/* The charset of mail that names none and is not UTF-8. */
#define WESTERN "CP1252"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* ---- names ---- */

/*
 * Names are compared without regard to case and to what is no letter and no
 * digit.  A rule that ends in '#' has a number of its own in the place of the
 * '#'; one that ends in '*' may have anything behind it.  The first that fits
 * counts.  NULL: such a name says nothing.
 */
struct charset_rule {
	const char *called, *name;
};

static const struct charset_rule rules[] = {
	{ "utf8*", "UTF-8" },
	{ "unicode11utf8*", "UTF-8" },
	{ "usascii*", NULL },
	{ "ascii*", NULL },
	{ "ansix34*", NULL },
	{ "iso646*", NULL },
	{ "unknown*", NULL },
	{ "xunknown*", NULL },
	{ "xuserdefined*", NULL },
	{ "default*", NULL },
	{ "none", NULL },
	{ "8bit", NULL },
	{ "7bit", NULL },
	{ "binary", NULL },
	{ "iso88591", WESTERN },
	{ "iso88599", "CP1254" },
	{ "iso885911", "CP874" },
	{ "iso8859#", "ISO-8859-#" },
	{ "xiso8859#", "ISO-8859-#" },
	{ "8859#", "ISO-8859-#" },
	{ "latin1*", WESTERN },
	{ "isolatin1*", WESTERN },
	{ "l1", WESTERN },
	{ "windows31j", "CP932" },
	{ "cswindows31j", "CP932" },
	{ "windows#", "CP#" },
	{ "xwindows#", "CP#" },
	{ "cswindows#", "CP#" },
	{ "win#", "CP#" },
	{ "xcp#", "CP#" },
	{ "cp#", "CP#" },
	{ "ansi#", "CP#" },
	{ "codepage#", "CP#" },
	{ "ibm#", "CP#" },
	{ "dos#", "CP#" },
	{ "msdos#", "CP#" },
	{ "oem#", "CP#" },
	{ "gb*", "GB18030" },
	{ "xgbk*", "GB18030" },
	{ "xgb*", "GB18030" },
	{ "euccn*", "GB18030" },
	{ "csgb*", "GB18030" },
	{ "chinese*", "GB18030" },
	{ "big5*", "BIG5-HKSCS" },
	{ "cnbig5*", "BIG5-HKSCS" },
	{ "xxbig5*", "BIG5-HKSCS" },
	{ "csbig5*", "BIG5-HKSCS" },
	{ "xbig5*", "BIG5-HKSCS" },
	{ "shiftjis*", "CP932" },
	{ "xshiftjis*", "CP932" },
	{ "sjis*", "CP932" },
	{ "xsjis*", "CP932" },
	{ "csshiftjis*", "CP932" },
	{ "mskanji*", "CP932" },
	{ "eucjp*", "EUC-JP-MS" },
	{ "xeucjp*", "EUC-JP-MS" },
	{ "xeuc", "EUC-JP-MS" },
	{ "iso2022jp2004*", "ISO-2022-JP-3" },
	{ "iso2022jp1*", "ISO-2022-JP-2" },
	{ "iso2022jp2*", "ISO-2022-JP-2" },
	{ "csiso2022jp2*", "ISO-2022-JP-2" },
	{ "iso2022jp*", "ISO-2022-JP-3" },
	{ "csiso2022jp*", "ISO-2022-JP-3" },
	{ "jis*", "ISO-2022-JP-3" },
	{ "iso2022kr*", "ISO-2022-KR" },
	{ "csiso2022kr*", "ISO-2022-KR" },
	{ "iso2022cn*", "ISO-2022-CN-EXT" },
	{ "euckr*", "CP949" },
	{ "xeuckr*", "CP949" },
	{ "ksc5601*", "CP949" },
	{ "ksc*", "CP949" },
	{ "ksx1001*", "CP949" },
	{ "csksc*", "CP949" },
	{ "cseuckr*", "CP949" },
	{ "korean*", "CP949" },
	{ "uhc*", "CP949" },
	{ "koi8u*", "KOI8-U" },
	{ "koi8ru*", "KOI8-RU" },
	{ "koi8*", "KOI8-R" },
	{ "cskoi8r*", "KOI8-R" },
	{ "tis620*", "CP874" },
	{ "macintosh*", "MACINTOSH" },
	{ "macroman*", "MACINTOSH" },
	{ "xmacroman*", "MACINTOSH" },
	{ "maccyrillic*", "MAC-CYRILLIC" },
	{ "xmaccyrillic*", "MAC-CYRILLIC" },
	{ "xmacce*", "MAC-CENTRALEUROPE" },
	{ "visc*", "VISCII" },
	{ "unicode11utf7*", "UTF-7" },
	{ "utf7*", "UTF-7" },
	{ "utf16le*", "UTF-16LE" },
	{ "utf16be*", "UTF-16BE" },
	{ "utf16*", "UTF-16" },
	{ "utf32le*", "UTF-32LE" },
	{ "utf32be*", "UTF-32BE" },
	{ "utf32*", "UTF-32" },
	{ "unicode*", "UTF-16" },
	{ "ucs2*", "UTF-16" },
	{ "iso10646*", "UTF-16" },
	{ "csunicode*", "UTF-16" },
};

static bool
charset_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
charset_number(const char *at)
{
	size_t length = 0;

	while (charset_is_digit(at[length]))
		length++;
	return length;
}

/* Letters, in lower case, and digits; a year or a parameter may follow. */
static void
charset_squeeze(
    const char *called, size_t length, char squeezed_r[MAIL_CHARSET_SIZE])
{
	size_t filled = 0;

	for (size_t i = 0; i < length && filled + 1 < MAIL_CHARSET_SIZE; i++) {
		char c = called[i];

		if (c == ':' || c == ';' || c == '"')
			break;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (charset_is_digit(c) || (c >= 'a' && c <= 'z'))
			squeezed_r[filled++] = c;
	}
	squeezed_r[filled] = '\0';
}

/* Where the rule's own part ends; 0: it does not fit. */
static size_t
charset_fits(const struct charset_rule *rule, const char *squeezed)
{
	size_t length = strlen(rule->called);
	char last = rule->called[length - 1];

	if (last != '*' && last != '#')
		return strcmp(rule->called, squeezed) == 0 ? length : 0;
	if (strncmp(rule->called, squeezed, length - 1) != 0 ||
	    (last == '#' && !charset_is_digit(squeezed[length - 1])))
		return 0;
	return length - 1;
}

static bool
charset_apply(const struct charset_rule *rule, const char *number,
    char name_r[MAIL_CHARSET_SIZE])
{
	const char *place;
	size_t length, digits;

	if (rule->name == NULL)
		return false;
	place = strchr(rule->name, '#');
	length =
	    place == NULL ? strlen(rule->name) : (size_t)(place - rule->name);
	digits = place == NULL ? 0 : charset_number(number);
	if (length + digits >= MAIL_CHARSET_SIZE)
		return false;
	memcpy(name_r, rule->name, length);
	memcpy(name_r + length, number, digits);
	name_r[length + digits] = '\0';
	return true;
}

/* ---- conversions ---- */

static struct {
	pthread_mutex_t mutex;
	size_t count;
	char names[KEPT_MAX][MAIL_CHARSET_SIZE];
	iconv_t conversions[KEPT_MAX];
} kept = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* Its place among those that are kept; KEPT_MAX where there is none left. */
static size_t
charset_keep(const char *name)
{
	size_t i = 0;

	while (i < kept.count && strcasecmp(kept.names[i], name) != 0)
		i++;
	if (i < kept.count || i == KEPT_MAX)
		return i;
	strcpy(kept.names[i], name);
	kept.conversions[i] = iconv_open("UTF-8", name);
	kept.count++;
	return i;
}

/* One of its own for each use, since it has a state: (iconv_t)-1 is none. */
static iconv_t
charset_open(const char *name)
{
	size_t place;
	bool is_none;

	store_lock(&kept.mutex);
	place = charset_keep(name);
	is_none = place < KEPT_MAX && kept.conversions[place] == (iconv_t)-1;
	store_unlock(&kept.mutex);
	return is_none ? (iconv_t)-1 : iconv_open("UTF-8", name);
}

static bool
charset_exists(const char *name)
{
	iconv_t conversion;

	/* These charsets need no conversion, and no file. */
	if (strcmp(name, "UTF-8") == 0)
		return true;
	conversion = charset_open(name);
	if (conversion == (iconv_t)-1)
		return false;
	iconv_close(conversion);
	return true;
}

void
mail_charset_load_all(void)
{
	static const char *const others[] = { "KOI8-T", "ARMSCII-8",
		"GEORGIAN-ACADEMY", "GEORGIAN-PS", "TCVN5712-1", "HP-ROMAN8",
		"MAC-UK", "JOHAB", "EUC-TW", "BIG5", "SHIFT_JIS", "TIS-620" };
	static const unsigned pages[] = { 437, 737, 775, 850, 852, 855, 857,
		858, 860, 861, 862, 863, 864, 865, 866, 869, 874, 932, 949,
		1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258 };
	char name[MAIL_CHARSET_SIZE];

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].name != NULL && strchr(rules[i].name, '#') == NULL)
			(void)charset_exists(rules[i].name);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		(void)snprintf(name, sizeof(name), "CP%u", pages[i]);
		(void)charset_exists(name);
	}
	for (unsigned part = 1; part <= 16; part++) {
		(void)snprintf(name, sizeof(name), "ISO-8859-%u", part);
		(void)charset_exists(name);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		(void)charset_exists(others[i]);
}

/* What the C library calls it as mail does. */
static bool
charset_as_called(
    const char *called, size_t length, char name_r[MAIL_CHARSET_SIZE])
{
	static const char others[] = "-_.:+()";
	size_t filled = 0;

	while (filled < length && filled + 1 < MAIL_CHARSET_SIZE) {
		char c = called[filled];

		if (!(charset_is_digit(c) || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') ||
			(c != '\0' && strchr(others, c) != NULL)))
			break;
		name_r[filled++] = c;
	}
	name_r[filled] = '\0';
	return filled > 0 && filled + 1 < MAIL_CHARSET_SIZE &&
	       charset_exists(name_r);
}

bool
mail_charset_name(
    const char *called, size_t length, char name_r[MAIL_CHARSET_SIZE])
{
	char squeezed[MAIL_CHARSET_SIZE];

	while (length > 0 && strchr(" \t\"'", *called) != NULL) {
		called++;
		length--;
	}
	charset_squeeze(called, length, squeezed);
	if (squeezed[0] == '\0')
		return false;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		size_t number = charset_fits(&rules[i], squeezed);

		if (number == 0)
			continue;
		if (!charset_apply(&rules[i], squeezed + number, name_r))
			return false;
		if (charset_exists(name_r))
			return true;
	}
	return charset_as_called(called, length, name_r);
}

static void
charset_convert(
    struct mail_text *to, iconv_t conversion, const char *bytes, size_t length)
{
	char *in = (char *)bytes;
	bool ends = false;

	while (!ends && !mail_text_is_full(to)) {
		char buffer[1024], *out = buffer;
		size_t room = sizeof(buffer);
		bool flushes = length == 0;
		size_t done = iconv(conversion, flushes ? NULL : &in,
		    flushes ? NULL : &length, &out, &room);
		int error = done == (size_t)-1 ? errno : 0;

		mail_text_add(to, buffer, sizeof(buffer) - room);
		ends = flushes && error != E2BIG;
		if (error != EILSEQ && error != EINVAL)
			continue;
		mail_text_add(to, replacement, sizeof(replacement) - 1);
		if (length > 0) {
			in++;
			length--;
		}
	}
}

/* ---- what nobody has named ---- */

static bool
charset_is_utf8(const char *bytes, size_t length)
{
	return u8_check((const uint8_t *)bytes, length) == NULL;
}

/* ISO 2022 has no octet above 127, and says by escapes what follows. */
static const char *
charset_of_escapes(const char *bytes, size_t length)
{
	const char *end = bytes + length, *at = bytes;

	while ((at = memchr(at, '\x1b', (size_t)(end - at))) != NULL) {
		at++;
		if (end - at >= 3 && memcmp(at, "$)C", 3) == 0)
			return "ISO-2022-KR";
		if (end - at >= 3 &&
		    (memcmp(at, "$)A", 3) == 0 || memcmp(at, "$)G", 3) == 0))
			return "ISO-2022-CN-EXT";
		/* JIS X 0212, which ISO-2022-JP-3 does not have. */
		if (end - at >= 3 && memcmp(at, "$(D", 3) == 0)
			return "ISO-2022-JP-2";
		if (end - at >= 2 &&
		    (memcmp(at, "$B", 2) == 0 || memcmp(at, "$@", 2) == 0 ||
			memcmp(at, "$(", 2) == 0 || memcmp(at, "(I", 2) == 0))
			return "ISO-2022-JP-3";
	}
	return NULL;
}

static bool
charset_is_wide(const char *name)
{
	return strncmp(name, "UTF-16", 6) == 0 ||
	       strncmp(name, "UTF-32", 6) == 0;
}

/* Mail that names a wide charset is often only converted from one. */
static bool
charset_is_lie(const char *name, const char *bytes, size_t length)
{
	return charset_is_wide(name) && memchr(bytes, '\0', length) == NULL &&
	       charset_is_utf8(bytes, length);
}

bool
mail_charset_is_needed(const char *bytes, size_t length)
{
	return !charset_is_utf8(bytes, length) &&
	       charset_of_escapes(bytes, length) == NULL;
}

/*
 * Short words in an East Asian charset may be UTF-8 by chance.  What is UTF-8
 * on purpose has three octets for each of their characters, and hardly any two
 * of two octets together.
 */
static bool
charset_is_chance(const char *hint, const char *bytes, size_t length)
{
	static const char *const names[] = { "GB18030", "BIG5-HKSCS", "CP932",
		"EUC-JP-MS", "CP949" };
	bool is_one = false;
	size_t run = 0;

	for (size_t i = 0; hint != NULL && i < sizeof(names) / sizeof(names[0]);
	     i++)
		is_one |= strcmp(hint, names[i]) == 0;
	if (!is_one)
		return false;
	for (size_t i = 0; i <= length; i++) {
		unsigned char c = i < length ? (unsigned char)bytes[i] : 0;

		if (c >= 0xe0 || (c < 0x80 && run == 2))
			return false;
		run = c < 0x80 ? 0 : run + 1;
	}
	return true;
}

static const char *
charset_guess(const char *hint, const char *bytes, size_t length)
{
	const char *name = charset_of_escapes(bytes, length);

	if (name != NULL)
		return name;
	if (charset_is_utf8(bytes, length) &&
	    !charset_is_chance(hint, bytes, length))
		return NULL;
	if (hint == NULL || charset_is_wide(hint) || strcmp(hint, "UTF-8") == 0)
		return WESTERN;
	return hint;
}

void
mail_charset_add(struct mail_text *to, const char *name, const char *hint,
    const char *bytes, size_t length)
{
	iconv_t conversion;

	if (length == 0)
		return;
	if (name == NULL)
		name = charset_guess(hint, bytes, length);
	if (name == NULL || strcmp(name, "UTF-8") == 0 ||
	    charset_is_lie(name, bytes, length)) {
		mail_text_add(to, bytes, length);
		return;
	}
	conversion = charset_open(name);
	if (conversion == (iconv_t)-1) {
		mail_text_add(to, bytes, length);
		return;
	}
	charset_convert(to, conversion, bytes, length);
	iconv_close(conversion);
}
