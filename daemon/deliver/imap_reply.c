#include "daemon/deliver/imap_reply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"

static const struct {
	const char *name;
	enum imap_condition condition;
} conditions[] = { { "OK", IMAP_OK }, { "NO", IMAP_NO }, { "BAD", IMAP_BAD },
	{ "BYE", IMAP_BYE }, { "PREAUTH", IMAP_PREAUTH } };

static const char *const code_names[] = {
	[IMAP_CODE_NONE] = NULL,
	[IMAP_CODE_OTHER] = NULL,
	[IMAP_CODE_ALERT] = "ALERT",
	[IMAP_CODE_ALREADYEXISTS] = "ALREADYEXISTS",
	[IMAP_CODE_APPENDUID] = "APPENDUID",
	[IMAP_CODE_AUTHENTICATIONFAILED] = "AUTHENTICATIONFAILED",
	[IMAP_CODE_AUTHORIZATIONFAILED] = "AUTHORIZATIONFAILED",
	[IMAP_CODE_CANNOT] = "CANNOT",
	[IMAP_CODE_CAPABILITY] = "CAPABILITY",
	[IMAP_CODE_CONTACTADMIN] = "CONTACTADMIN",
	[IMAP_CODE_CORRUPTION] = "CORRUPTION",
	[IMAP_CODE_EXPIRED] = "EXPIRED",
	[IMAP_CODE_INUSE] = "INUSE",
	[IMAP_CODE_LIMIT] = "LIMIT",
	[IMAP_CODE_NONEXISTENT] = "NONEXISTENT",
	[IMAP_CODE_NOPERM] = "NOPERM",
	[IMAP_CODE_OVERQUOTA] = "OVERQUOTA",
	[IMAP_CODE_PRIVACYREQUIRED] = "PRIVACYREQUIRED",
	[IMAP_CODE_SERVERBUG] = "SERVERBUG",
	[IMAP_CODE_THROTTLED] = "THROTTLED",
	[IMAP_CODE_TOOBIG] = "TOOBIG",
	[IMAP_CODE_TRYCREATE] = "TRYCREATE",
	[IMAP_CODE_UIDNEXT] = "UIDNEXT",
	[IMAP_CODE_UIDVALIDITY] = "UIDVALIDITY",
	[IMAP_CODE_UNAVAILABLE] = "UNAVAILABLE",
};
_Static_assert(sizeof(code_names) / sizeof(code_names[0]) == IMAP_CODE_COUNT,
    "each code has a name");

const char *
imap_code_name(enum imap_code code)
{
	assert(code < IMAP_CODE_COUNT);
	return code_names[code];
}

bool
imap_span_is(struct imap_span span, const char *word)
{
	return evpop_text_is(span.at, span.length, word);
}

bool
imap_span_number(struct imap_span *span, uint32_t *number_r)
{
	uint64_t number = 0;
	size_t i = 0;

	for (; i < span->length && span->at[i] >= '0' && span->at[i] <= '9';
	     i++) {
		number = number * 10 + (uint64_t)(span->at[i] - '0');
		if (number > UINT32_MAX)
			return false;
	}
	if (i == 0)
		return false;
	*number_r = (uint32_t)number;
	span->at += i;
	span->length -= i;
	return true;
}

static void
span_skip(struct imap_span *span, size_t length)
{
	span->at += length;
	span->length -= length;
}

static void
span_skip_blanks(struct imap_span *span)
{
	while (span->length > 0 && span->at[0] == ' ')
		span_skip(span, 1);
}

/* Up to a blank or the end. */
static struct imap_span
span_take_word(struct imap_span *span)
{
	struct imap_span word = { span->at, 0 };

	while (word.length < span->length && word.at[word.length] != ' ')
		word.length++;
	span_skip(span, word.length);
	return word;
}

/* ---- taking apart ---- */

/* "[APPENDUID 1 2] words" at the front of a status's text. */
static void
reply_take_code(struct imap_reply *reply)
{
	struct imap_span inside, name;
	const char *end;
	int code;

	if (reply->text.length == 0 || reply->text.at[0] != '[')
		return;
	end = memchr(reply->text.at, ']', reply->text.length);
	if (end == NULL)
		return;
	inside.at = reply->text.at + 1;
	inside.length = (size_t)(end - inside.at);
	span_skip(&reply->text, inside.length + 2);
	span_skip_blanks(&reply->text);
	name = span_take_word(&inside);
	span_skip_blanks(&inside);
	reply->code = IMAP_CODE_OTHER;
	reply->code_data = inside;
	for (code = 0; code < IMAP_CODE_COUNT; code++)
		if (code_names[code] != NULL &&
		    imap_span_is(name, code_names[code]))
			reply->code = (enum imap_code)code;
}

/* False: the text is not a status. */
static bool
reply_take_condition(struct imap_reply *reply)
{
	struct imap_span text = reply->text, word = span_take_word(&text);
	size_t i;

	for (i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		if (!imap_span_is(word, conditions[i].name))
			continue;
		reply->condition = conditions[i].condition;
		reply->text = text;
		span_skip_blanks(&reply->text);
		reply_take_code(reply);
		return true;
	}
	return false;
}

static bool
reply_take_data(struct imap_reply *reply)
{
	uint32_t number;

	if (imap_span_number(&reply->text, &number)) {
		if (reply->text.length == 0 || reply->text.at[0] != ' ')
			return false;
		span_skip_blanks(&reply->text);
		reply->number = number;
	}
	reply->word = span_take_word(&reply->text);
	span_skip_blanks(&reply->text);
	return reply->word.length > 0;
}

/* Ours are "e" and a number. */
static bool
reply_take_tag(struct imap_reply *reply)
{
	if (reply->text.length < 2 ||
	    (reply->text.at[0] != 'e' && reply->text.at[0] != 'E'))
		return false;
	span_skip(&reply->text, 1);
	if (!imap_span_number(&reply->text, &reply->tag) ||
	    reply->text.length == 0 || reply->text.at[0] != ' ')
		return false;
	span_skip_blanks(&reply->text);
	return true;
}

static enum imap_kind
reply_take(struct imap_reply *reply)
{
	if (reply->text.length > 0 && reply->text.at[0] == '+') {
		span_skip(&reply->text, 1);
		/* Some leave out the blank where nothing follows it. */
		if (reply->text.length > 0 && reply->text.at[0] != ' ')
			return IMAP_NONSENSE;
		span_skip_blanks(&reply->text);
		return IMAP_CONTINUATION;
	}
	if (reply->text.length > 1 && reply->text.at[0] == '*' &&
	    reply->text.at[1] == ' ') {
		span_skip(&reply->text, 1);
		span_skip_blanks(&reply->text);
		return reply_take_condition(reply) || reply_take_data(reply)
			   ? IMAP_UNTAGGED
			   : IMAP_NONSENSE;
	}
	if (!reply_take_tag(reply) || !reply_take_condition(reply) ||
	    reply->condition > IMAP_BAD)
		return IMAP_NONSENSE;
	return IMAP_TAGGED;
}

bool
imap_reply_parse(const char *octets, size_t length, struct imap_reply *reply_r)
{
	memset(reply_r, 0, sizeof(*reply_r));
	reply_r->text = (struct imap_span){ octets, length };
	reply_r->kind = reply_take(reply_r);
	return reply_r->kind != IMAP_NONSENSE;
}

/* ---- putting together ---- */

static bool
gather_add(struct imap_gather *gather, const void *octets, size_t length)
{
	size_t size = gather->size == 0 ? 512 : gather->size;
	char *grown;

	while (size - gather->length < length)
		size *= 2;
	if (size != gather->size) {
		grown = realloc(gather->octets, size);
		if (grown == NULL)
			return false;
		gather->octets = grown;
		gather->size = size;
	}
	if (length > 0)
		memcpy(gather->octets + gather->length, octets, length);
	gather->length += length;
	return true;
}

/* "{17}" at the end of a line; what is more than any literal may be is 2^32-1.
 */
static bool
line_ends_in_literal(const char *line, size_t length, uint64_t *octets_r)
{
	uint64_t octets = 0, unit = 1;
	size_t at = length;

	if (length < 3 || line[--at] != '}')
		return false;
	while (at > 0 && line[at - 1] >= '0' && line[at - 1] <= '9') {
		at--;
		octets += unit * (uint64_t)(line[at] - '0');
		if (octets > UINT32_MAX)
			octets = UINT32_MAX;
		if (unit < UINT32_MAX)
			unit *= 10;
	}
	*octets_r = octets;
	return at > 0 && at < length - 1 && line[at - 1] == '{';
}

/* Words for people may end as they like; only data have literals. */
static bool
line_is_status(const char *line, size_t length)
{
	struct imap_reply reply;

	return imap_reply_parse(line, length, &reply) &&
	       (reply.kind != IMAP_UNTAGGED || reply.condition != IMAP_DATA);
}

enum imap_gathered
imap_gather_line(struct imap_gather *gather, const char *line, size_t length,
    uint64_t *literal_r)
{
	size_t room = IMAP_REPLY_MOST - gather->length;
	bool is_whole = !line_ends_in_literal(line, length, literal_r) ||
			(gather->length == 0 && line_is_status(line, length));

	if (length > room)
		return IMAP_GATHERED_FLOOD;
	room -= length;
	if (!is_whole && (room < 2 || *literal_r > room - 2))
		return IMAP_GATHERED_FLOOD;
	if (!gather_add(gather, line, length) ||
	    (!is_whole && !gather_add(gather, "\r\n", 2)))
		return IMAP_GATHERED_NO_MEMORY;
	return is_whole ? IMAP_GATHERED_WHOLE : IMAP_GATHERED_MORE;
}

bool
imap_gather_literal(
    struct imap_gather *gather, const unsigned char *octets, size_t length)
{
	return length <= IMAP_REPLY_MOST - gather->length &&
	       gather_add(gather, octets, length);
}

void
imap_gather_reset(struct imap_gather *gather)
{
	gather->length = 0;
}

void
imap_gather_free(struct imap_gather *gather)
{
	free(gather->octets);
	memset(gather, 0, sizeof(*gather));
}
