#include "daemon/store/mail/parameter.h"

#include <string.h>
#include <strings.h>

#include "daemon/store/mail/charset.h"
#include "daemon/store/mail/encoded.h"
#include "lib/base/hex.h"

/* Bounds of one parameter; file names are not longer than some lines. */
#define SECTIONS_MAX 32
#define OCTETS_MAX   ((size_t)2048)

struct span {
	const char *at;
	size_t length;
};

struct parameter {
	struct span name, value; /* a quoted value is without its quotes */
	bool is_quoted;
};

/* One section of a value that RFC 2231, section 3, cuts in several. */
struct section {
	struct span value;
	bool is_there, is_quoted, is_encoded;
};

/* The values found for a name: plain, or in sections. */
struct found {
	struct section plain, sections[SECTIONS_MAX];
};

static bool
parameter_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

bool
mail_parameter_begins(const char *value, size_t length, const char *word)
{
	size_t at = 0, wanted = strlen(word);

	while (at < length && parameter_is_blank(value[at]))
		at++;
	if (length - at < wanted || strncasecmp(value + at, word, wanted) != 0)
		return false;
	at += wanted;
	return word[wanted - 1] == '/' || at == length || value[at] == ';' ||
	       value[at] == '(' || parameter_is_blank(value[at]);
}

/* ---- one after the other ---- */

static void
parameter_trim(struct span *span)
{
	while (
	    span->length > 0 && parameter_is_blank(span->at[span->length - 1]))
		span->length--;
}

/* A comment behind a value that has no quotes. */
static void
parameter_trim_comment(struct span *span)
{
	const char *open;

	parameter_trim(span);
	if (span->length == 0 || span->at[span->length - 1] != ')')
		return;
	open = memrchr(span->at, '(', span->length);
	if (open == NULL || open == span->at || !parameter_is_blank(open[-1]))
		return;
	span->length = (size_t)(open - span->at);
	parameter_trim(span);
}

/* Up to the quote that ends it, or to the end of all. */
static const char *
parameter_quoted(const char *at, const char *end, struct span *value_r)
{
	value_r->at = at;
	while (at < end && *at != '"')
		at += *at == '\\' && end - at > 1 ? 2 : 1;
	value_r->length = (size_t)(at - value_r->at);
	return at < end ? at + 1 : end;
}

static const char *
parameter_bare(const char *at, const char *end, struct span *value_r)
{
	const char *semicolon = memchr(at, ';', (size_t)(end - at));

	if (semicolon == NULL)
		semicolon = end;
	value_r->at = at;
	value_r->length = (size_t)(semicolon - at);
	parameter_trim_comment(value_r);
	return semicolon;
}

static const char *
parameter_skip_blanks(const char *at, const char *end)
{
	while (at < end && parameter_is_blank(*at))
		at++;
	return at;
}

static const char *
parameter_skip_comment(const char *at, const char *end)
{
	const char *close = memchr(at, ')', (size_t)(end - at));

	return close != NULL ? close + 1 : end;
}

/* The first word is the type; a semicolon need not follow it. */
static const char *
parameter_first(const char *at, const char *end)
{
	at = parameter_skip_blanks(at, end);
	while (at < end && *at != ';' && !parameter_is_blank(*at))
		at++;
	return at;
}

/* The next one from *at on, which moves behind it. */
static bool
parameter_next(const char **at, const char *end, struct parameter *parameter_r)
{
	const char *here = *at;

	for (;;) {
		while (
		    here < end && (*here == ';' || parameter_is_blank(*here)))
			here++;
		if (here == end)
			return false;
		if (*here == '(') {
			here = parameter_skip_comment(here, end);
			continue;
		}
		parameter_r->name.at = here;
		while (here < end && *here != '=' && *here != ';' &&
		       !parameter_is_blank(*here))
			here++;
		parameter_r->name.length =
		    (size_t)(here - parameter_r->name.at);
		here = parameter_skip_blanks(here, end);
		if (here < end && *here == '=')
			break;
	}
	here = parameter_skip_blanks(here + 1, end);
	parameter_r->is_quoted = here < end && *here == '"';
	*at = parameter_r->is_quoted
		  ? parameter_quoted(here + 1, end, &parameter_r->value)
		  : parameter_bare(here, end, &parameter_r->value);
	return true;
}

/* ---- sections ---- */

/* NAME, NAME*, NAME*3 and NAME*3*: which section of a name it is. */
static struct section *
parameter_section(struct found *found, const struct parameter *parameter,
    const char *name, bool *is_encoded_r)
{
	const char *at = parameter->name.at;
	const char *end = at + parameter->name.length;
	size_t length = strlen(name), number = 0;

	*is_encoded_r = false;
	if (parameter->name.length < length ||
	    strncasecmp(at, name, length) != 0)
		return NULL;
	at += length;
	if (at == end)
		return &found->plain;
	if (*at++ != '*')
		return NULL;
	if (at == end) {
		*is_encoded_r = true;
		return &found->sections[0];
	}
	while (at < end && *at >= '0' && *at <= '9' && number < SECTIONS_MAX)
		number = number * 10 + (size_t)(*at++ - '0');
	*is_encoded_r = at < end && *at == '*';
	return number < SECTIONS_MAX ? &found->sections[number] : NULL;
}

static void
parameter_find(
    const char *value, size_t length, const char *name, struct found *found_r)
{
	const char *end = value + length;
	const char *at = parameter_first(value, end);
	struct parameter parameter;

	memset(found_r, 0, sizeof(*found_r));
	while (parameter_next(&at, end, &parameter)) {
		bool is_encoded;
		struct section *section =
		    parameter_section(found_r, &parameter, name, &is_encoded);

		if (section == NULL || section->is_there)
			continue;
		section->is_there = true;
		section->value = parameter.value;
		section->is_quoted = parameter.is_quoted;
		section->is_encoded = is_encoded;
	}
}

/* Without the backslashes of quotes, and without line ends. */
static void
parameter_add_plain(const struct section *section, struct mail_text *to)
{
	const struct span *value = &section->value;

	for (size_t i = 0; i < value->length; i++) {
		char c = value->at[i];

		if (section->is_quoted && c == '\\' && i + 1 < value->length &&
		    strchr("\"\\", value->at[i + 1]) != NULL)
			c = value->at[++i];
		if (c != '\r' && c != '\n')
			mail_text_add(to, &c, 1);
	}
}

static void
parameter_add_encoded(struct span value, struct mail_text *to)
{
	for (size_t i = 0; i < value.length; i++) {
		char c = value.at[i];

		if (c == '%' && i + 2 < value.length &&
		    evpop_hex_octet(value.at + i + 1) != -1) {
			c = (char)evpop_hex_octet(value.at + i + 1);
			i += 2;
		}
		mail_text_add(to, &c, 1);
	}
}

/* CHARSET'LANGUAGE'TEXT, RFC 2231, section 4. */
static struct span
parameter_charset(struct span value, struct span *charset_r)
{
	const char *end = value.at + value.length;
	const char *first = memchr(value.at, '\'', value.length), *second;

	charset_r->at = value.at;
	charset_r->length = 0;
	if (first == NULL)
		return value;
	second = memchr(first + 1, '\'', (size_t)(end - first - 1));
	if (second == NULL)
		return value;
	charset_r->length = (size_t)(first - value.at);
	value.at = second + 1;
	value.length = (size_t)(end - value.at);
	return value;
}

/* All octets of the value; a plain value is one section. */
static bool
parameter_join(
    const struct found *found, struct mail_text *to, struct span *charset_r)
{
	charset_r->length = 0;
	if (!found->sections[0].is_there) {
		parameter_add_plain(&found->plain, to);
		return found->plain.is_there;
	}
	for (size_t i = 0; i < SECTIONS_MAX && found->sections[i].is_there;
	     i++) {
		const struct section *section = &found->sections[i];
		struct span value = section->value;

		if (!section->is_encoded) {
			parameter_add_plain(section, to);
			continue;
		}
		if (i == 0)
			value = parameter_charset(value, charset_r);
		parameter_add_encoded(value, to);
	}
	return true;
}

bool
mail_parameter_octets(
    const char *value, size_t length, const char *name, struct mail_text *to)
{
	struct found found;
	struct span charset;

	if (memchr(value, '=', length) == NULL)
		return false;
	parameter_find(value, length, name, &found);
	return parameter_join(&found, to, &charset);
}

bool
mail_parameter_text(const char *value, size_t length, const char *name,
    const char *hint, struct mail_text *to)
{
	struct found found;
	struct span charset;
	struct mail_text octets;
	char called[MAIL_CHARSET_SIZE];
	bool is_there, is_named;

	if (memchr(value, '=', length) == NULL)
		return false;
	parameter_find(value, length, name, &found);
	mail_text_init(&octets, OCTETS_MAX);
	is_there = parameter_join(&found, &octets, &charset);
	is_named = charset.length > 0 &&
		   mail_charset_name(charset.at, charset.length, called);
	if (is_named)
		mail_charset_add(to, called, hint, octets.bytes, octets.length);
	else if (octets.length > 0)
		mail_encoded_add(
		    to, MAIL_ENCODED_TEXT, hint, octets.bytes, octets.length);
	mail_text_fail(to, octets.has_failed);
	mail_text_free(&octets);
	return is_there;
}
