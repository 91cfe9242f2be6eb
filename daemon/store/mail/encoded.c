#include "daemon/store/mail/encoded.h"

#include <string.h>
#include <strings.h>

#include "daemon/store/mail/charset.h"
#include "daemon/store/mail/transfer.h"
#include "lib/base/hex.h"

/*
 * The characters that separate a name's words from an address, if the name is
 * not quoted.
 */
static const char specials[] = "()<>[]:;@\\,\"";

struct encoded_word {
	const char *charset, *text;
	size_t charset_length, text_length, length;
	bool is_base64;
};

struct decoding {
	struct mail_text *to;
	enum mail_encoded_in in;
	const char *hint;
	/* The position within a field of addresses. */
	bool is_quoted, is_escaped;
	unsigned comments;
	/* Adjacent words of one charset. */
	bool has_words;
	const char *charset;
	size_t charset_length;
	struct mail_text octets;
	struct mail_text name; /* of these words, as UTF-8 */
};

static bool
encoded_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

static bool
encoded_is_all_blank(const char *bytes, size_t length)
{
	while (length > 0 && encoded_is_blank(*bytes)) {
		bytes++;
		length--;
	}
	return length == 0;
}

bool
mail_encoded_is_plain(const char *raw, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)raw[i] >= 0x80 || raw[i] == '\x1b' ||
		    (raw[i] == '=' && i + 1 < length && raw[i + 1] == '?'))
			return false;
	return true;
}

/* ---- one word ---- */

/*
 * The "?=" that ends a text.  Another word that begins before it says that
 * this one does not end; but "=?=" is the end of a text in base64.
 */
static const char *
encoded_find_end(const char *at, const char *end)
{
	for (; end - at >= 2; at++) {
		if (at[0] == '?' && at[1] == '=')
			return at;
		if (at[0] == '=' && at[1] == '?' &&
		    !(end - at >= 3 && at[2] == '='))
			return NULL;
	}
	return NULL;
}

static bool
encoded_parse(const char *at, const char *end, struct encoded_word *word_r)
{
	const char *charset = at + 2, *mark = charset, *close, *language;

	while (mark < end && *mark != '?' && *mark != '=' &&
	       !encoded_is_blank(*mark) && mark - charset < 64)
		mark++;
	if (end - mark < 3 || *mark != '?' || mark[2] != '?' ||
	    strchr("bBqQ", mark[1]) == NULL || mark[1] == '\0')
		return false;
	close = encoded_find_end(mark + 3, end);
	if (close == NULL)
		return false;
	word_r->charset = charset;
	word_r->charset_length = (size_t)(mark - charset);
	/* RFC 2231, section 5: a language may follow. */
	language = memchr(charset, '*', word_r->charset_length);
	if (language != NULL)
		word_r->charset_length = (size_t)(language - charset);
	word_r->is_base64 = mark[1] == 'b' || mark[1] == 'B';
	word_r->text = mark + 3;
	word_r->text_length = (size_t)(close - word_r->text);
	word_r->length = (size_t)(close + 2 - at);
	return true;
}

/* A blank within a word was meant, unless the line was folded there. */
static void
encoded_decode_q(struct mail_text *to, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		size_t blanks = 0;
		bool is_folded = false;
		char c = text[i];

		while (
		    i + blanks < length && encoded_is_blank(text[i + blanks]))
			is_folded |= text[i + blanks++] == '\n';
		if (blanks > 0 && is_folded) {
			i += blanks - 1;
			continue;
		}
		if (c == '_')
			c = ' ';
		else if (c == '=' && i + 2 < length &&
			 evpop_hex_octet(text + i + 1) != -1) {
			c = (char)evpop_hex_octet(text + i + 1);
			i += 2;
		}
		mail_text_add(to, &c, 1);
	}
}

static void
encoded_decode(struct mail_text *to, const struct encoded_word *word)
{
	struct mail_transfer base64;

	if (!word->is_base64) {
		encoded_decode_q(to, word->text, word->text_length);
		return;
	}
	mail_transfer_init(&base64, MAIL_TRANSFER_BASE64);
	mail_transfer_add(&base64, to, word->text, word->text_length);
	mail_transfer_end(&base64, to);
}

/* ---- where it stands ---- */

/* Follow quotes and comments through what stands between words. */
static void
encoded_follow(struct decoding *decoding, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char c = bytes[i];

		if (decoding->is_escaped)
			decoding->is_escaped = false;
		else if (c == '\\')
			decoding->is_escaped = true;
		else if (decoding->is_quoted)
			decoding->is_quoted = c != '"';
		else if (c == '"' && decoding->comments == 0)
			decoding->is_quoted = true;
		else if (c == '(')
			decoding->comments++;
		else if (c == ')' && decoding->comments > 0)
			decoding->comments--;
	}
}

static void
encoded_add_raw(struct decoding *decoding, const char *bytes, size_t length)
{
	encoded_follow(decoding, bytes, length);
	mail_charset_add(decoding->to, NULL, decoding->hint, bytes, length);
}

static void
encoded_add_escaped(
    struct mail_text *to, const struct mail_text *name, const char *escaped)
{
	for (size_t i = 0; i < name->length; i++) {
		char c = name->bytes[i];

		if (c != '\0' && strchr(escaped, c) != NULL)
			mail_text_add(to, "\\", 1);
		mail_text_add(to, &c, 1);
	}
}

static bool
encoded_has_specials(const struct mail_text *name)
{
	for (size_t i = 0; i < name->length; i++)
		if (name->bytes[i] != '\0' &&
		    strchr(specials, name->bytes[i]) != NULL)
			return true;
	return false;
}

/* Some programs encode the quotes as well. */
static bool
encoded_has_own_quotes(const struct mail_text *name)
{
	return name->length >= 2 && name->bytes[0] == '"' &&
	       name->bytes[name->length - 1] == '"' &&
	       memchr(name->bytes + 1, '"', name->length - 2) == NULL &&
	       memchr(name->bytes, '\\', name->length) == NULL;
}

static void
encoded_add_name(struct decoding *decoding, const struct mail_text *name)
{
	struct mail_text *to = decoding->to;

	if (!decoding->is_quoted && decoding->comments == 0) {
		if (!encoded_has_specials(name) ||
		    encoded_has_own_quotes(name)) {
			mail_text_add(to, name->bytes, name->length);
			return;
		}
		mail_text_add(to, "\"", 1);
		encoded_add_escaped(to, name, "\"\\");
		mail_text_add(to, "\"", 1);
		return;
	}
	encoded_add_escaped(to, name, decoding->is_quoted ? "\"\\" : "()\\");
}

static void
encoded_add_words(struct decoding *decoding)
{
	char name[MAIL_CHARSET_SIZE];
	bool is_named = mail_charset_name(
	    decoding->charset, decoding->charset_length, name);
	const char *charset = is_named ? name : NULL;
	const struct mail_text *octets = &decoding->octets;

	decoding->has_words = false;
	if (octets->length == 0)
		return;
	if (decoding->in == MAIL_ENCODED_TEXT) {
		mail_charset_add(decoding->to, charset, decoding->hint,
		    octets->bytes, octets->length);
		return;
	}
	mail_text_clear(&decoding->name);
	mail_charset_add(&decoding->name, charset, decoding->hint,
	    octets->bytes, octets->length);
	if (decoding->name.length > 0)
		encoded_add_name(decoding, &decoding->name);
}

static bool
encoded_is_same_charset(
    const struct decoding *decoding, const struct encoded_word *word)
{
	return decoding->charset_length == word->charset_length &&
	       strncasecmp(
		   decoding->charset, word->charset, word->charset_length) == 0;
}

static void
encoded_take(struct decoding *decoding, const struct encoded_word *word)
{
	if (decoding->has_words && !encoded_is_same_charset(decoding, word))
		encoded_add_words(decoding);
	if (!decoding->has_words) {
		mail_text_clear(&decoding->octets);
		decoding->charset = word->charset;
		decoding->charset_length = word->charset_length;
		decoding->has_words = true;
	}
	encoded_decode(&decoding->octets, word);
}

/* Blanks between two words only separate them (RFC 2047, section 6.2). */
static void
encoded_take_between(
    struct decoding *decoding, const char *bytes, size_t length, bool ends)
{
	if (decoding->has_words && !ends && encoded_is_all_blank(bytes, length))
		return;
	if (decoding->has_words)
		encoded_add_words(decoding);
	encoded_add_raw(decoding, bytes, length);
}

void
mail_encoded_add(struct mail_text *to, enum mail_encoded_in in,
    const char *hint, const char *raw, size_t length)
{
	const char *end = raw + length, *at = raw, *behind = raw;
	struct decoding decoding = { .to = to, .in = in, .hint = hint };

	mail_text_init(&decoding.octets, length);
	mail_text_init(&decoding.name, 4 * length);
	while ((at = memchr(at, '=', (size_t)(end - at))) != NULL) {
		struct encoded_word word;

		if (end - at < 2 || at[1] != '?' ||
		    !encoded_parse(at, end, &word)) {
			at++;
			continue;
		}
		encoded_take_between(
		    &decoding, behind, (size_t)(at - behind), false);
		encoded_take(&decoding, &word);
		at += word.length;
		behind = at;
	}
	encoded_take_between(&decoding, behind, (size_t)(end - behind), true);
	mail_text_fail(
	    to, decoding.octets.has_failed || decoding.name.has_failed);
	mail_text_free(&decoding.octets);
	mail_text_free(&decoding.name);
}
