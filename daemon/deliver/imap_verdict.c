#include "daemon/deliver/imap_verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/reply.h"

/* Longer than any server means it: a day. */
#define BACKOFF_MOST_MS INT64_C(86400000)

/* What is wrong with the message itself; beside "limit" these mean it, too. */
static const char *const message_words[] = {
	"bare newline",
	"contains nul",
	"invalid header",
	"invalid message",
	"malformed",
	"message contains",
	"message exceeds",
	"message size",
	"message too",
	"size limit",
	"too big",
	"too large",
};

/* What is wrong with the connection or the account, and passes. */
static const char *const target_words[] = {
	"authenticated but not connected",
	"bandwidth",
	"command limits",
	"command or",
	"simultaneous connections",
	"throttl",
	"too many connections",
};

static bool
words_hold(const char *words, const char *const *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strcasestr(words, list[i]) != NULL)
			return true;
	return false;
}
#define WORDS_HOLD(words, list) \
	words_hold(words, list, sizeof(list) / sizeof((list)[0]))

/* The words that mean "not now" to a log-in by POP3 mean it here. */
static bool
words_pass(const char *words)
{
	struct evpop_result result;

	evpop_result_set(
	    &result, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN, "%s", words);
	evpop_refusal_by_words(&result);
	return result.error == EVPOP_ERROR_REFUSED;
}

void
imap_verdict_words(
    const struct imap_reply *reply, char words_r[EVPOP_TEXT_SIZE])
{
	const char *code = imap_code_name(reply->code);
	int length = 0;

	words_r[0] = '\0';
	if (code != NULL)
		length = snprintf(words_r, EVPOP_TEXT_SIZE, "[%s] ", code);
	if (reply->text.length > 0)
		(void)evpop_printable(words_r + length,
		    EVPOP_TEXT_SIZE - (size_t)length, reply->text.at,
		    reply->text.length);
	else if (length > 0)
		words_r[length - 1] = '\0';
	else
		(void)snprintf(
		    words_r, EVPOP_TEXT_SIZE, "the server gives no reason");
}

/* "Request is throttled. Suggested Backoff Time: 299961 milliseconds". */
static int64_t
words_backoff_ms(const char *words)
{
	static const char prefix[] = "Backoff Time:";
	const char *at = strcasestr(words, prefix);
	struct imap_span number;
	uint32_t ms;

	if (at == NULL)
		return 0;
	at += strlen(prefix);
	at += strspn(at, " ");
	number = (struct imap_span){ at, strlen(at) };
	if (!imap_span_number(&number, &ms) ||
	    strncasecmp(number.at, " milliseconds", 13) != 0)
		return 0;
	return ms < BACKOFF_MOST_MS ? ms : BACKOFF_MOST_MS;
}

static enum carried
verdict_by_words(const struct imap_reply *reply, const char *words)
{
	if (WORDS_HOLD(words, target_words))
		return CARRIED_DOWN;
	if (WORDS_HOLD(words, message_words))
		return CARRIED_REFUSED;
	if (words_pass(words))
		return CARRIED_LATER;
	/* A command that is wrong stays so; of all else it is not known. */
	return reply->condition == IMAP_BAD ? CARRIED_REFUSED : CARRIED_LATER;
}

static enum carried
verdict_by_code(const struct imap_reply *reply, const char *words)
{
	switch (reply->code) {
	case IMAP_CODE_CANNOT:
	case IMAP_CODE_TOOBIG:
		return CARRIED_REFUSED;
	case IMAP_CODE_OVERQUOTA:
		/* Gmail has no other code for commands and octets a day. */
		return WORDS_HOLD(words, target_words) ? CARRIED_DOWN
						       : CARRIED_LATER;
	case IMAP_CODE_CORRUPTION:
	case IMAP_CODE_INUSE:
	case IMAP_CODE_LIMIT:
	case IMAP_CODE_SERVERBUG:
		return CARRIED_LATER;
	case IMAP_CODE_THROTTLED:
	case IMAP_CODE_UNAVAILABLE:
		return CARRIED_DOWN;
	case IMAP_CODE_AUTHENTICATIONFAILED:
	case IMAP_CODE_AUTHORIZATIONFAILED:
	case IMAP_CODE_CONTACTADMIN:
	case IMAP_CODE_EXPIRED:
	case IMAP_CODE_PRIVACYREQUIRED:
		return CARRIED_WRONG;
	default:
		return reply->condition == IMAP_BYE
			   ? CARRIED_DOWN
			   : verdict_by_words(reply, words);
	}
}

void
imap_verdict_message(
    const struct imap_reply *reply, struct imap_verdict *verdict_r)
{
	imap_verdict_words(reply, verdict_r->answer);
	verdict_r->outcome = verdict_by_code(reply, verdict_r->answer);
	verdict_r->retry_after_ms = words_backoff_ms(verdict_r->answer);
}

void
imap_verdict_folder(const struct imap_reply *reply, const char *folder,
    bool is_only, struct imap_verdict *verdict_r)
{
	char words[EVPOP_TEXT_SIZE];

	imap_verdict_message(reply, verdict_r);
	imap_verdict_words(reply, words);
	if (verdict_r->outcome == CARRIED_REFUSED ||
	    (verdict_r->outcome == CARRIED_LATER &&
		reply->code != IMAP_CODE_INUSE &&
		reply->code != IMAP_CODE_OVERQUOTA &&
		reply->code != IMAP_CODE_SERVERBUG && !words_pass(words)))
		verdict_r->outcome = is_only ? CARRIED_WRONG : CARRIED_LATER;
	(void)snprintf(verdict_r->answer, sizeof(verdict_r->answer),
	    "The server does not take mail for folder \"%.80s\": %.*s", folder,
	    EVPOP_TEXT_SIZE - 160, words);
}

bool
imap_verdict_login_passes(const struct imap_reply *reply)
{
	char words[EVPOP_TEXT_SIZE];

	switch (reply->code) {
	case IMAP_CODE_AUTHENTICATIONFAILED:
	case IMAP_CODE_AUTHORIZATIONFAILED:
	case IMAP_CODE_CONTACTADMIN:
	case IMAP_CODE_EXPIRED:
	case IMAP_CODE_PRIVACYREQUIRED:
		return false;
	case IMAP_CODE_INUSE:
	case IMAP_CODE_LIMIT:
	case IMAP_CODE_SERVERBUG:
	case IMAP_CODE_THROTTLED:
	case IMAP_CODE_UNAVAILABLE:
		return true;
	default:
		imap_verdict_words(reply, words);
		return words_pass(words) || WORDS_HOLD(words, target_words);
	}
}

bool
imap_verdict_is_missing(const struct imap_reply *reply)
{
	return reply->code == IMAP_CODE_TRYCREATE ||
	       reply->code == IMAP_CODE_NONEXISTENT;
}
