#include "daemon/deliver/received.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "daemon/store/mail/date.h"
#include "lib/base/text.h"

/* A piece of text that is not terminated. */
struct received_text {
	const char *at;
	size_t length;
};

/* Which word's value a comment belongs to. */
enum received_part {
	RECEIVED_OTHER = 0,
	RECEIVED_FROM,
	RECEIVED_BY,
	RECEIVED_WITH,
	RECEIVED_FOR
};

/* A line as it is read. */
struct received_line {
	enum received_part part;
	bool is_value; /* the next word is its */
	unsigned seen; /* each counts once: a value may look like one */
};

/* ---- addresses of mail ---- */

static void
received_trim(struct received_text *text)
{
	while (text->length > 0 && evpop_text_is_blank(text->at[0])) {
		text->at++;
		text->length--;
	}
	while (
	    text->length > 0 && evpop_text_is_blank(text->at[text->length - 1]))
		text->length--;
}

/* RFC 5321 section 4.1.1.3: a route is to be ignored. */
static void
received_strip_route(struct received_text *text)
{
	const char *colon;

	if (text->length == 0 || text->at[0] != '@')
		return;
	colon = memchr(text->at, ':', text->length);
	if (colon == NULL)
		return;
	text->length -= (size_t)(colon + 1 - text->at);
	text->at = colon + 1;
}

/* What can stand in MAIL FROM:<...> and mean nothing else there. */
static bool
received_is_carried(struct received_text text)
{
	bool is_quoted = false;
	size_t i;

	for (i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (c < ' ' || c > '~')
			return false;
		if (c == '"')
			is_quoted = !is_quoted;
		else if (c == '\\' && is_quoted) {
			if (++i == text.length || text.at[i] < ' ' ||
			    text.at[i] > '~')
				return false;
		} else if (!is_quoted && strchr(" <>(),:;\\", c) != NULL)
			return false;
	}
	return !is_quoted;
}

bool
received_address_read(
    const char *bytes, size_t length, char address_r[TRACE_ADDRESS])
{
	struct received_text text = { bytes, length };

	address_r[0] = '\0';
	received_trim(&text);
	if (text.length == 0)
		return false;
	if (text.at[0] == '<') {
		if (text.length < 2 || text.at[text.length - 1] != '>')
			return false;
		text.at++;
		text.length -= 2;
		received_trim(&text);
	}
	received_strip_route(&text);
	if (text.length >= TRACE_ADDRESS || !received_is_carried(text))
		return false;
	memcpy(address_r, text.at, text.length);
	address_r[text.length] = '\0';
	return true;
}

/* ---- hosts ---- */

static bool
received_is_address(const char *text)
{
	unsigned char octets[16];

	return inet_pton(AF_INET, text, octets) == 1 ||
	       inet_pton(AF_INET6, text, octets) == 1;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]", or either without brackets. */
static bool
received_host_address(
    struct received_text text, char address_r[RECEIVED_ADDRESS])
{
	char copy[RECEIVED_ADDRESS];

	if (text.length > 2 && text.at[0] == '[') {
		const char *end = memchr(text.at, ']', text.length);

		if (end == NULL)
			return false;
		text.at++;
		text.length = (size_t)(end - text.at);
	}
	if (text.length > 5 && strncasecmp(text.at, "IPv6:", 5) == 0) {
		text.at += 5;
		text.length -= 5;
	}
	if (text.length == 0 || text.length >= sizeof(copy))
		return false;
	memcpy(copy, text.at, text.length);
	copy[text.length] = '\0';
	if (!received_is_address(copy))
		return false;
	memcpy(address_r, copy, text.length + 1);
	return true;
}

/* A name of a host, or an address literal: nothing that needs care. */
static void
received_host(struct received_text text, char host_r[TRACE_HOST])
{
	size_t i;

	if (text.length > 0 && text.at[text.length - 1] == '.')
		text.length--;
	if (text.length == 0 || text.length >= TRACE_HOST)
		return;
	for (i = 0; i < text.length; i++)
		if (text.at[i] <= ' ' || text.at[i] > '~' ||
		    strchr("<>()\"\\,;", text.at[i]) != NULL)
			return;
	memcpy(host_r, text.at, text.length);
	host_r[text.length] = '\0';
}

static bool
received_looks_a_name(struct received_text text)
{
	return memchr(text.at, '.', text.length) != NULL &&
	       memchr(text.at, '=', text.length) == NULL &&
	       memchr(text.at, '[', text.length) == NULL &&
	       memchr(text.at, ':', text.length) == NULL;
}

/* ---- comments ---- */

static bool
received_is(struct received_text text, const char *word)
{
	return evpop_text_is(text.at, text.length, word);
}

static bool
received_ends_word(char c)
{
	return evpop_text_is_blank(c) || strchr(",()", c) != NULL;
}

/* Cut the next word of a comment; those within it are of it. */
static bool
received_word(struct received_text *rest, struct received_text *word_r)
{
	size_t i = 0;

	while (rest->length > 0 && received_ends_word(*rest->at)) {
		rest->at++;
		rest->length--;
	}
	while (i < rest->length && !received_ends_word(rest->at[i]))
		i++;
	*word_r = (struct received_text){ rest->at, i };
	rest->at += i;
	rest->length -= i;
	return i > 0;
}

/* "envelope-from <a@b>", "envelope-from=a@b", "helo=name", "HELO name". */
static bool
received_option(struct received_text word, struct received_text *rest,
    const char *name, struct received_text *value_r)
{
	size_t length = strlen(name);

	if (word.length > length && word.at[length] == '=' &&
	    strncasecmp(word.at, name, length) == 0) {
		*value_r = (struct received_text){ word.at + length + 1,
			word.length - length - 1 };
		return true;
	}
	return received_is(word, name) && received_word(rest, value_r);
}

static void
received_sender(struct received *received, struct received_text value)
{
	if (!received->has_sender)
		received->has_sender = received_address_read(
		    value.at, value.length, received->sender);
}

static void
received_client(struct received *received, struct received_text word)
{
	char address[RECEIVED_ADDRESS];

	if (received->address[0] != '\0' && !received->is_address_vague)
		return;
	if (received_host_address(word, address)) {
		memcpy(received->address, address, sizeof(address));
		received->is_address_vague = false;
	} else if (received->address[0] == '\0' && /* a name comes first */
		   received->name[0] == '\0' && received_looks_a_name(word))
		received_host(word, received->name);
}

/*
 * Where HELO stands in the comment, the first word is what the server found.
 * Yahoo! writes its own address there, too, and the client's in another one.
 */
static void
received_first_is_found(struct received *received)
{
	struct received_text first = { received->helo, strlen(received->helo) };
	bool is_first = received->address[0] == '\0';

	if (received->name[0] == '\0' && received_looks_a_name(first) &&
	    !received_is_address(received->helo))
		received_host(first, received->name);
	else
		received_client(received, first);
	if (is_first && received->address[0] != '\0')
		received->is_address_vague = true;
	received->helo[0] = '\0';
}

/*
 * Behind the client's name: what the server knows of it.  The client chose its
 * HELO, which may look like an address, and is not taken for one.
 */
static void
received_comment_of_client(
    struct received *received, struct received_text *rest)
{
	struct received_text word, value;

	while (received_word(rest, &word)) {
		const char *ident = memchr(word.at, '@', word.length);

		if (received_option(word, rest, "helo", &value) ||
		    received_option(word, rest, "ehlo", &value)) {
			received_first_is_found(received);
			received_host(value, received->helo);
			continue;
		}
		if (received_option(word, rest, "envelope-from", &value)) {
			received_sender(received, value);
			continue;
		}
		if (received_is(word, "may")) { /* "may be forged" */
			received->name[0] = '\0';
			continue;
		}
		if (ident != NULL && ident > word.at) { /* RFC 1413 */
			word.length -= (size_t)(ident + 1 - word.at);
			word.at = ident + 1;
		}
		received_client(received, word);
	}
}

static void
received_comment(struct received *received, enum received_part part,
    struct received_text text)
{
	struct received_text rest = text, word, value;

	if (part == RECEIVED_FROM) {
		received_comment_of_client(received, &rest);
		return;
	}
	while (received_word(&rest, &word)) {
		if (received_option(word, &rest, "envelope-from", &value))
			received_sender(received, value);
		else if (part == RECEIVED_BY && received->by_address[0] == '\0')
			(void)received_host_address(word, received->by_address);
	}
}

/* ---- the line ---- */

/* The length of what begins with a parenthesis; comments nest. */
static size_t
received_comment_length(const char *at, size_t length)
{
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		if (at[i] == '\\' && i + 1 < length)
			i++;
		else if (at[i] == '(')
			depth++;
		else if (at[i] == ')' && --depth == 0)
			return i + 1;
	}
	return length;
}

static size_t
received_token_length(const char *at, size_t length)
{
	bool is_quoted = false;
	size_t i;

	for (i = 0; i < length; i++) {
		if (at[i] == '\\' && i + 1 < length)
			i++;
		else if (at[i] == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && (evpop_text_is_blank(at[i]) ||
					   at[i] == '(' || at[i] == ';'))
			break;
	}
	return i;
}

static enum received_part
received_part(struct received_text word)
{
	static const struct {
		const char *word;
		enum received_part part;
	} parts[] = { { "from", RECEIVED_FROM }, { "by", RECEIVED_BY },
		{ "with", RECEIVED_WITH }, { "for", RECEIVED_FOR } };
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (received_is(word, parts[i].word))
			return parts[i].part;
	return RECEIVED_OTHER;
}

static void
received_value(struct received *received, enum received_part part,
    struct received_text value)
{
	switch (part) {
	case RECEIVED_FROM:
		received->has_from = true;
		received_host(value, received->helo);
		break;
	case RECEIVED_BY:
		received_host(value, received->by);
		(void)received_host_address(value, received->by_address);
		break;
	case RECEIVED_WITH:
		if (value.length < sizeof(received->with)) {
			memcpy(received->with, value.at, value.length);
			received->with[value.length] = '\0';
		}
		break;
	case RECEIVED_FOR:
		(void)received_address_read(
		    value.at, value.length, received->recipient);
		break;
	case RECEIVED_OTHER:
		break;
	}
}

static void
received_date(struct received *received, const char *value, size_t length)
{
	size_t at = length;

	while (at > 0 && value[at - 1] != ';')
		at--;
	if (at > 0)
		received->has_date =
		    mail_date_read(value + at, length - at, &received->date_ms);
}

/* A word outside of comments: one of the known, or the value of the last. */
static void
received_take_word(struct received *received, struct received_line *line,
    struct received_text word)
{
	enum received_part part = line->part;

	if (line->is_value) {
		received_value(received, part, word);
		line->is_value = false;
		return;
	}
	if (part == RECEIVED_FROM && word.at[0] == '[') {
		/* "from name [192.0.2.1] by": no HELO has a blank. */
		received_client(received, word);
		return;
	}
	part = received_part(word);
	line->is_value =
	    part != RECEIVED_OTHER && (line->seen & (1U << part)) == 0;
	line->part = line->is_value ? part : RECEIVED_OTHER;
	if (line->is_value)
		line->seen |= 1U << part;
}

void
received_read(const char *value, size_t length, struct received *received_r)
{
	struct received_line line = { .part = RECEIVED_OTHER };
	size_t at = 0;

	*received_r = (struct received){ 0 };
	received_date(received_r, value, length);
	while (at < length && value[at] != ';') {
		struct received_text text = { value + at, 1 };

		if (value[at] == '(') {
			text.length =
			    received_comment_length(text.at, length - at);
			received_comment(received_r, line.part,
			    (struct received_text){
				text.at + 1, text.length - 1 });
		} else if (!evpop_text_is_blank(value[at])) {
			text.length =
			    received_token_length(text.at, length - at);
			received_take_word(received_r, &line, text);
		}
		at += text.length;
	}
	/* "from [192.0.2.1]", and nothing else says its address. */
	if (received_r->address[0] == '\0' && received_r->helo[0] == '[')
		(void)received_host_address(
		    (struct received_text){
			received_r->helo, strlen(received_r->helo) },
		    received_r->address);
}
