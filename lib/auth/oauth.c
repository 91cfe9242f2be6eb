/*
 * Bearer tokens of OAuth 2: OAUTHBEARER (RFC 7628) and the older XOAUTH2.  A
 * refusal comes as one more challenge, JSON that says why; it must be answered
 * before the server says -ERR.
 */
#include <stdio.h>
#include <string.h>
#include <unistr.h>

#include "lib/auth/method.h"
#include "lib/base/hex.h"
#include "lib/base/text.h"

#define KVSEP "\x01" /* RFC 7628 section 3.1 */

static void
oauth_say(const struct evpop_identity *who, struct evpop_secret *response)
{
	const char *user =
	    who->authorization != NULL ? who->authorization : who->user;
	char port[32];

	if (who->mechanism == EVPOP_MECHANISM_OAUTHBEARER) {
		evpop_secret_add_text(response, "n,a=");
		evpop_secret_add_name(response, user);
		evpop_secret_add_text(response, ",");
		if (who->host != NULL) {
			evpop_secret_add_text(response, KVSEP "host=");
			evpop_secret_add_text(response, who->host);
		}
		if (who->port != 0) {
			snprintf(port, sizeof port, KVSEP "port=%u",
			    (unsigned int)who->port);
			evpop_secret_add_text(response, port);
		}
	} else {
		evpop_secret_add_text(response, "user=");
		evpop_secret_add_text(response, user);
	}
	evpop_secret_add_text(response, KVSEP "auth=Bearer ");
	evpop_secret_add_text(response, who->token);
	evpop_secret_add_text(response, KVSEP KVSEP);
}

/* ---- the refusal: one JSON object (RFC 8259) ---- */

#define INTEGER_DIGITS 18

struct json {
	const char *at, *end;
};

/* A string or number; `length` counts on where it is longer than its room. */
struct json_text {
	char bytes[EVPOP_TEXT_SIZE];
	size_t length;
};

static bool
json_take(struct json *json, char c)
{
	while (json->at < json->end && strchr(" \t\r\n", *json->at) != NULL &&
	       *json->at != '\0')
		json->at++;
	if (json->at == json->end || *json->at != c)
		return false;
	json->at++;
	return true;
}

static void
json_text_add(struct json_text *text, const void *bytes, size_t length)
{
	if (length <= sizeof text->bytes &&
	    text->length <= sizeof text->bytes - length)
		memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

static bool
json_hex(struct json *json, uint32_t *unit_r)
{
	int i, digit;

	if (json->end - json->at < 4)
		return false;
	*unit_r = 0;
	for (i = 0; i < 4; i++) {
		digit = evpop_hex_value(*json->at++);
		if (digit == -1)
			return false;
		*unit_r = *unit_r << 4 | (uint32_t)digit;
	}
	return true;
}

/* Behind "\u": a character, or the halves of a surrogate pair. */
static bool
json_unicode(struct json *json, struct json_text *text)
{
	uint32_t point, low;
	uint8_t bytes[6];
	int length;

	if (!json_hex(json, &point) || point == 0)
		return false;
	if (point >= 0xd800 && point < 0xe000) {
		if (point >= 0xdc00 || !json_take(json, '\\') ||
		    !json_take(json, 'u') || !json_hex(json, &low) ||
		    low < 0xdc00 || low >= 0xe000)
			return false;
		point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
	}
	length = u8_uctomb(bytes, point, sizeof bytes);
	if (length < 0)
		return false;
	json_text_add(text, bytes, (size_t)length);
	return true;
}

static bool
json_escape(struct json *json, struct json_text *text)
{
	static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *name;

	if (json->at == json->end || *json->at == '\0')
		return false;
	if (*json->at == 'u') {
		json->at++;
		return json_unicode(json, text);
	}
	name = strchr(names, *json->at++);
	if (name == NULL)
		return false;
	json_text_add(text, meant + (name - names), 1);
	return true;
}

/* Behind the opening quote. */
static bool
json_string(struct json *json, struct json_text *text)
{
	uint32_t point;
	size_t length;

	while (json->at < json->end && *json->at != '"') {
		if (*json->at == '\\') {
			json->at++;
			if (!json_escape(json, text))
				return false;
			continue;
		}
		length = evpop_text_decode(
		    json->at, (size_t)(json->end - json->at), &point);
		if (length == 0 || point < 0x20)
			return false;
		json_text_add(text, json->at, length);
		json->at += length;
	}
	return json_take(json, '"');
}

/* A number or a name; only an integer of 64 bits leaves a text. */
static bool
json_word(struct json *json, struct json_text *text)
{
	const char *from = json->at;
	size_t length;

	while (json->at < json->end && *json->at != '\0' &&
	       strchr(",:[]{}\" \t\r\n", *json->at) == NULL)
		json->at++;
	length = (size_t)(json->at - from);
	if (length <= INTEGER_DIGITS && strspn(from, "-0123456789") >= length)
		json_text_add(text, from, length);
	return length > 0;
}

/* An array or an object, behind its bracket, is passed over. */
static bool
json_skip(struct json *json)
{
	struct json_text ignored = { .length = 0 };
	size_t depth = 1;

	while (depth > 0) {
		if (json_take(json, '[') || json_take(json, '{'))
			depth++;
		else if (json_take(json, ']') || json_take(json, '}'))
			depth--;
		else if (!json_take(json, ',') && !json_take(json, ':') &&
			 !(json_take(json, '"') ? json_string(json, &ignored)
						: json_word(json, &ignored)))
			return false;
	}
	return true;
}

/* One member, and its value where that is a string or an integer. */
static bool
json_member(struct json *json, struct json_text *name, struct json_text *value)
{
	name->length = value->length = 0;
	if (!json_take(json, '"') || !json_string(json, name) ||
	    !json_take(json, ':'))
		return false;
	if (json_take(json, '"'))
		return json_string(json, value);
	return json_take(json, '[') || json_take(json, '{')
		   ? json_skip(json)
		   : json_word(json, value);
}

/*
 * RFC 7628 section 3.2.2 has "status" and "scope"; Google and Microsoft add
 * "schemes", others the members of RFC 6749 section 5.2.
 */
static const char *const refusal_names[] = { "status", "error",
	"error_description", "scope", "schemes" };
#define REFUSAL_NAMES (sizeof refusal_names / sizeof refusal_names[0])

/* False, and whatever was found, where it is no whole object. */
static bool
refusal_parse(struct json *json, struct json_text values[REFUSAL_NAMES])
{
	struct json_text name, value;
	size_t i;

	if (!json_take(json, '{'))
		return false;
	if (json_take(json, '}'))
		return true;
	do {
		if (!json_member(json, &name, &value))
			return false;
		for (i = 0; i < REFUSAL_NAMES; i++)
			if (name.length == strlen(refusal_names[i]) &&
			    memcmp(name.bytes, refusal_names[i], name.length) ==
				0)
				values[i] = value;
	} while (json_take(json, ','));
	return json_take(json, '}');
}

static bool
refusal_is_of_token(const char *status)
{
	return strcmp(status, "401") == 0 ||
	       strcmp(status, "invalid_token") == 0;
}

/* "status 401, scope mail": what does not fit goes whole. */
static void
refusal_read(struct evpop_exchange *exchange, struct json json)
{
	struct json_text values[REFUSAL_NAMES] = { { .length = 0 } };
	char words[EVPOP_TEXT_SIZE] = "", text[EVPOP_TEXT_SIZE];
	size_t i, used = 0, length;
	bool is_expired = false;

	if (!refusal_parse(&json, values))
		return;
	for (i = 0; i < REFUSAL_NAMES; i++) {
		length = used + strlen(", ") + strlen(refusal_names[i]) +
			 strlen(" ") + values[i].length;
		if (values[i].length == 0)
			continue;
		if (length >= sizeof words)
			break;
		evpop_printable(
		    text, sizeof text, values[i].bytes, values[i].length);
		/* "status", or "error". */
		if (i < 2 && refusal_is_of_token(text))
			is_expired = true;
		used += (size_t)snprintf(words + used, sizeof words - used,
		    "%s%s %s", used == 0 ? "" : ", ", refusal_names[i], text);
	}
	evpop_exchange_note_refusal(exchange, words, is_expired);
}

static enum evpop_answer
oauth_answer(void *state, struct evpop_exchange *exchange,
    const struct evpop_identity *who, const struct evpop_challenge *challenge,
    struct evpop_secret *response)
{
	(void)state;
	switch (challenge->turn) {
	case 0:
		oauth_say(who, response);
		/* Only a refusal wants one more word. */
		return EVPOP_ANSWER_LAST;
	case 1:
		refusal_read(
		    exchange, (struct json){ challenge->text,
				  challenge->text + challenge->length });
		if (who->mechanism == EVPOP_MECHANISM_OAUTHBEARER)
			evpop_secret_add_text(response, KVSEP);
		return EVPOP_ANSWER_LAST;
	default:
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server sends a challenge after it has refused the "
		    "token");
	}
}

const struct evpop_method evpop_method_oauth = {
	.client_first = true,
	.answer = oauth_answer,
};
