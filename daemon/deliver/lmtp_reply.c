#include "daemon/deliver/lmtp_reply.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"

/* RFC 5321 section 4.5.3.1: a local part, a domain and the @ between them. */
#define ADDRESS_MAX ((size_t)64 + 255 + 1)

#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')

/* ---- a reply ---- */

static void
reply_append(struct lmtp_reply *reply, const char *text, size_t length)
{
	if (reply->length > 0 && reply->length + 1 < sizeof reply->text)
		reply->text[reply->length++] = ' ';
	reply->length += evpop_text_printable(reply->text + reply->length,
	    sizeof reply->text - reply->length, text, length);
}

static bool
reply_take_number(const char **at, unsigned *number_r)
{
	const char *from = *at;

	*number_r = 0;
	while (IS_DIGIT(**at) && *at - from < 3)
		*number_r = *number_r * 10 + (unsigned)(*(*at)++ - '0');
	return *at > from;
}

/* RFC 2034: "5.1.1 " in front of the text. */
static void
reply_read_status(struct lmtp_reply *reply, const char *text)
{
	unsigned class, subject, detail;

	if (!reply_take_number(&text, &class) || *text++ != '.' ||
	    !reply_take_number(&text, &subject) || *text++ != '.' ||
	    !reply_take_number(&text, &detail) ||
	    (*text != ' ' && *text != '\0') || class != reply->code / 100)
		return;
	reply->class = class;
	reply->subject = subject;
	reply->detail = detail;
}

enum lmtp_read
lmtp_reply_read(struct lmtp_reply *reply, const char *line, size_t length)
{
	bool is_last, is_first = reply->lines == 0;
	unsigned code;

	if (length < 3 || line[0] < '2' || line[0] > '5' ||
	    !IS_DIGIT(line[1]) || !IS_DIGIT(line[2]) ||
	    (length > 3 && line[3] != ' ' && line[3] != '-'))
		return LMTP_READ_BROKEN;
	code = (unsigned)(line[0] - '0') * 100 +
	       (unsigned)(line[1] - '0') * 10 + (unsigned)(line[2] - '0');
	if (!is_first && (code != reply->code || reply->lines >= LMTP_LINES))
		return LMTP_READ_BROKEN;
	if (is_first) {
		memset(reply, 0, sizeof *reply);
		reply->code = code;
		reply_append(reply, line, 3);
		if (length > 4)
			reply_read_status(reply, line + 4);
	}
	if (length > 4)
		reply_append(reply, line + 4, length - 4);
	is_last = length == 3 || line[3] == ' ';
	reply->lines = is_last ? 0 : reply->lines + 1;
	return is_last ? LMTP_READ_WHOLE : LMTP_READ_MORE;
}

/* ---- what it means ---- */

static const char *const step_names[] = {
	[LMTP_GREETING] = "its greeting",
	[LMTP_LHLO] = "the answer to LHLO",
	[LMTP_STARTTLS] = "the answer to STARTTLS",
	[LMTP_AUTH] = "the answer to AUTH",
	[LMTP_MAIL] = "the answer to MAIL",
	[LMTP_RCPT] = "the answer to RCPT",
	[LMTP_DATA] = "the answer to DATA",
	[LMTP_BODY] = "the answer to the message",
	[LMTP_RSET] = "the answer to RSET",
};
static_assert(sizeof step_names / sizeof step_names[0] == LMTP_RSET + 1,
    "each step has a name");

const char *
lmtp_step_name(enum lmtp_step step)
{
	return step_names[step];
}

/*
 * A mailbox that is full is refused by some as "552 5.2.2", for good: its owner
 * makes room one day.
 */
static bool
reply_is_full_mailbox(const struct lmtp_reply *reply)
{
	return reply->subject == 2 && reply->detail == 2;
}

/*
 * RFC 4954 section 6: authentication is required, or too weak.  Cyrus says 430.
 */
bool
lmtp_reply_wants_login(const struct lmtp_reply *reply)
{
	return reply->code == 530 || reply->code == 430 || reply->code == 534 ||
	       reply->code == 535 || reply->code == 538;
}

enum carried
lmtp_reply_outcome(const struct lmtp_reply *reply, enum lmtp_step step)
{
	bool is_passing = reply->code < 500;

	switch (step) {
	case LMTP_MAIL:
	case LMTP_RCPT:
	case LMTP_DATA:
	case LMTP_BODY:
	case LMTP_RSET:
		break;
	default:
		/* Before any message; a busy server greets with 554, too. */
		return is_passing || step == LMTP_GREETING ? CARRIED_DOWN
							   : CARRIED_WRONG;
	}
	if (reply->code == 421 || step == LMTP_RSET)
		return CARRIED_DOWN;
	if (lmtp_reply_wants_login(reply))
		return CARRIED_WRONG;
	/* The server's own state (RFC 3463: 4.3.x), before it saw a message. */
	if (step == LMTP_MAIL && is_passing && reply->subject == 3)
		return CARRIED_DOWN;
	/* A command that it does not know: it is no server of LMTP. */
	if (step == LMTP_MAIL && (reply->code == 500 || reply->code == 502))
		return CARRIED_WRONG;
	return is_passing || reply_is_full_mailbox(reply) ? CARRIED_LATER
							  : CARRIED_REFUSED;
}

/* ---- what it offers ---- */

/* "AUTH PLAIN LOGIN", or as some old ones say it, "AUTH=PLAIN LOGIN". */
static void
offer_read_auth(struct lmtp_offer *offer, const char *text)
{
	size_t used = 0;

	for (; *text != '\0' && used + 1 < sizeof offer->auth; text++) {
		if (*text == ' ' && (used == 0 || offer->auth[used - 1] == ' '))
			continue;
		offer->auth[used++] = (char)toupper((unsigned char)*text);
	}
	while (used > 0 && offer->auth[used - 1] == ' ')
		used--;
	offer->auth[used] = '\0';
}

static bool
offer_is(const char *text, const char *keyword)
{
	size_t length = strlen(keyword);

	return strncasecmp(text, keyword, length) == 0 &&
	       (text[length] == '\0' || text[length] == ' ');
}

void
lmtp_offer_read(struct lmtp_offer *offer, const char *line, size_t length)
{
	const char *text = line + 4;

	if (length <= 4)
		return;
	if (offer_is(text, "PIPELINING"))
		offer->pipelining = true;
	else if (offer_is(text, "STARTTLS"))
		offer->starttls = true;
	else if (offer_is(text, "8BITMIME"))
		offer->eight_bit = true;
	else if (offer_is(text, "SIZE"))
		offer->size = true;
	else if (offer_is(text, "SMTPUTF8"))
		offer->utf8 = true;
	else if (offer_is(text, "AUTH") || strncasecmp(text, "AUTH=", 5) == 0)
		offer_read_auth(offer, text + 5 - (text[4] == '\0'));
}

/* ---- addresses ---- */

/* Addresses come from mail: nothing of them may end the command. */
bool
lmtp_is_address(const char *address)
{
	const char *at;
	bool is_quoted = false, is_escaped = false;

	if (!evpop_text_is_utf8(address) || strlen(address) > ADDRESS_MAX)
		return false;
	for (at = address; *at != '\0'; at++) {
		if (iscntrl((unsigned char)*at))
			return false;
		if (is_escaped)
			is_escaped = false;
		else if (*at == '"')
			is_quoted = !is_quoted;
		else if (is_quoted)
			is_escaped = *at == '\\';
		else if (strchr(" <>\\", *at) != NULL)
			return false;
	}
	return !is_quoted && *address != '\0' && *address != '@' &&
	       at[-1] != '@';
}
