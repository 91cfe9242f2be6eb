#include "daemon/deliver/gmail_answer.h"

#include <stdio.h>
#include <string.h>

#include "daemon/control/when.h"
#include "lib/base/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct gmail_reason {
	unsigned status; /* 0: any */
	const char *reason;
	enum carried outcome;
	const char *advice; /* in words; or NULL */
};

#define SCOPE                        \
	"the token needs the scope " \
	"https://www.googleapis.com/auth/gmail.modify"

/* https://developers.google.com/workspace/gmail/api/guides/handle-errors */
static const struct gmail_reason gmail_reasons[] = {
	{ 0, "userRateLimitExceeded", CARRIED_DOWN, NULL },
	{ 0, "rateLimitExceeded", CARRIED_DOWN, NULL },
	{ 0, "dailyLimitExceeded", CARRIED_DOWN,
	    "the project's quota is used up until midnight in California" },
	{ 0, "quotaExceeded", CARRIED_DOWN, NULL },
	{ 0, "limitExceeded", CARRIED_DOWN, NULL },
	{ 0, "concurrentLimitExceeded", CARRIED_DOWN, NULL },
	{ 0, "RATE_LIMIT_EXCEEDED", CARRIED_DOWN, NULL },
	{ 0, "RESOURCE_EXHAUSTED", CARRIED_DOWN, NULL },
	{ 0, "backendError", CARRIED_LATER, NULL },
	{ 0, "domainPolicy", CARRIED_WRONG,
	    "the administrator of this domain does not let programs use Gmail; "
	    "ask for this one to be allowed" },
	{ 0, "insufficientPermissions", CARRIED_WRONG, SCOPE },
	{ 0, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", CARRIED_WRONG, SCOPE },
	{ 0, "accessNotConfigured", CARRIED_WRONG,
	    "enable the Gmail API in the project of the client id" },
	{ 0, "SERVICE_DISABLED", CARRIED_WRONG,
	    "enable the Gmail API in the project of the client id" },
	{ 0, "delegationDenied", CARRIED_WRONG,
	    "the token is not for the mailbox of \"user\"" },
	{ 0, "authError", CARRIED_WRONG, "the token is not taken" },
	/* Of a mailbox that has no Gmail, and never of a message. */
	{ 400, "failedPrecondition", CARRIED_WRONG,
	    "the account of the token has no Gmail" },
};

/* RFC 9110 section 15; what has a reason is judged by that. */
static enum carried
answer_of_status(unsigned status)
{
	switch (status) {
	case 400: /* Bad Request: an attachment, a line of the header */
	case 413: /* Content Too Large */
	case 422: /* Unprocessable Content */
		return CARRIED_REFUSED;
	case 408: /* Request Timeout */
	case 409: /* Conflict */
		return CARRIED_LATER;
	case 429: /* Too Many Requests */
	case 503: /* Service Unavailable */
		return CARRIED_DOWN;
	default:
		break;
	}
	if (status / 100 == 2)
		return CARRIED_DELIVERED;
	return status / 100 == 5 ? CARRIED_LATER : CARRIED_WRONG;
}

/*
 * Where a page in HTML would be taken for a message's end: it is there, or it
 * is refused.  What is too large may be stopped by whatever stands before the
 * API.
 */
static bool
answer_must_be_json(unsigned status)
{
	return status / 100 == 2 || status == 400 || status == 422;
}

const char *
gmail_answer_text(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL ? text : "";
}

static const struct gmail_reason *
answer_find(unsigned status, const char *reason)
{
	for (size_t i = 0; i < COUNT(gmail_reasons); i++)
		if (strcmp(gmail_reasons[i].reason, reason) == 0 &&
		    (gmail_reasons[i].status == 0 ||
			gmail_reasons[i].status == status))
			return &gmail_reasons[i];
	return NULL;
}

/* Old and new errors of Google keep their reasons at three places. */
static const struct gmail_reason *
answer_reason(unsigned status, const json_t *error)
{
	static const char *const lists[] = { "errors", "details" };
	const struct gmail_reason *found = NULL;

	for (size_t i = 0; i < COUNT(lists) && found == NULL; i++) {
		const json_t *list = json_object_get(error, lists[i]);

		for (size_t at = 0; at < json_array_size(list) && found == NULL;
		     at++)
			found = answer_find(
			    status, gmail_answer_text(
					json_array_get(list, at), "reason"));
	}
	if (found == NULL)
		found = answer_find(status, gmail_answer_text(error, "status"));
	return found;
}

/* "User-rate limit exceeded.  Retry after 2026-01-02T03:04:05.678Z" */
static int64_t
answer_retry_after_ms(const char *message, int64_t now_ms)
{
	static const char words[] = "Retry after ";
	const char *at = strstr(message, words);
	char text[WHEN_SIZE + 8];
	int64_t time_ms;

	if (at == NULL)
		return 0;
	snprintf(text, sizeof(text), "%s", at + strlen(words));
	text[strcspn(text, " ,;()")] = '\0';
	if (!when_parse(text, now_ms, &time_ms) || time_ms <= now_ms)
		return 0;
	return time_ms - now_ms;
}

static void
answer_explain(const struct web_answer *answer, const char *host,
    const char *message, const char *advice, char text[GMAIL_ANSWER_TEXT])
{
	size_t length = strlen(message);

	while (length > 0 && message[length - 1] == '.')
		length--;
	snprintf(text, GMAIL_ANSWER_TEXT, "%.100s says %.100s%s%.*s%s%s", host,
	    answer->text, length > 0 ? ": " : "",
	    (int)(length < 200 ? length : 200), message,
	    advice != NULL ? "; " : "", advice != NULL ? advice : "");
	(void)evpop_text_printable(text, GMAIL_ANSWER_TEXT, text, strlen(text));
}

/* Somebody else answers, or what came of the answer is not all of it. */
static void
answer_not_gmail(const struct web_answer *answer, const char *host,
    char text[GMAIL_ANSWER_TEXT], struct gmail_reply *reply)
{
	reply->outcome = CARRIED_LATER;
	reply->may_be_done = answer->status / 100 == 2;
	answer_explain(answer, host, "",
	    "that is no answer of Gmail's API; see whether url or proxy leads "
	    "elsewhere",
	    text);
}

static void
answer_judge_status(const struct web_answer *answer, const char *host,
    int64_t now_ms, char text[GMAIL_ANSWER_TEXT], struct gmail_reply *reply)
{
	const json_t *error = json_object_get(reply->json, "error");
	const char *message = gmail_answer_text(error, "message");
	const struct gmail_reason *reason;
	int64_t retry_after_ms = answer_retry_after_ms(message, now_ms);

	reply->outcome = answer_of_status(answer->status);
	if (answer_must_be_json(answer->status) &&
	    !json_is_object(answer->status / 100 == 2 ? reply->json : error)) {
		answer_not_gmail(answer, host, text, reply);
		return;
	}
	if (reply->outcome == CARRIED_DELIVERED) {
		snprintf(text, GMAIL_ANSWER_TEXT, "%s", answer->text);
		return;
	}
	reason = answer_reason(answer->status, error);
	/* What Gmail itself has broken is not put right by a person. */
	if (reason != NULL && answer->status / 100 == 4)
		reply->outcome = reason->outcome;
	reply->may_be_done = answer->status / 100 == 5 || answer->status == 408;
	reply->retry_after_ms = answer->retry_after_ms > retry_after_ms
				    ? answer->retry_after_ms
				    : retry_after_ms;
	answer_explain(answer, host, message,
	    reason != NULL ? reason->advice : NULL, text);
}

void
gmail_answer_judge(const struct web_answer *answer, const json_t *json,
    const char *host, int64_t now_ms, char text[GMAIL_ANSWER_TEXT],
    struct gmail_reply *reply_r)
{
	*reply_r = (struct gmail_reply){
		.status = answer->status, .text = text, .json = json
	};
	snprintf(text, GMAIL_ANSWER_TEXT, "%s", answer->text);
	switch (answer->end) {
	case WEB_ANSWERED:
		answer_judge_status(answer, host, now_ms, text, reply_r);
		break;
	case WEB_FAILED:
		reply_r->outcome = CARRIED_DOWN;
		break;
	case WEB_UNANSWERED:
		reply_r->outcome = CARRIED_LATER;
		reply_r->may_be_done = true;
		break;
	case WEB_FORBIDDEN:
	case WEB_MISTRUSTED:
		reply_r->outcome = CARRIED_WRONG;
		break;
	}
}
