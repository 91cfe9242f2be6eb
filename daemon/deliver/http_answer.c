#include "daemon/deliver/http_answer.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

/* Of what an answer says in its body. */
#define HTTP_ANSWER_WORDS 200

/* RFC 9110 section 15, and what Standard Webhooks makes of it. */
static enum carried
http_answer_of_status(unsigned status)
{
	switch (status) {
	case 408: /* Request Timeout */
	case 425: /* Too Early */
		return CARRIED_LATER;
	case 429: /* Too Many Requests */
	case 503: /* Service Unavailable */
		return CARRIED_DOWN;
	case 401: /* Unauthorized */
	case 402: /* Payment Required */
	case 403: /* Forbidden */
	case 404: /* Not Found */
	case 405: /* Method Not Allowed */
	case 407: /* Proxy Authentication Required */
	case 410: /* Gone: it wants nothing any more */
	case 421: /* Misdirected Request */
	case 501: /* Not Implemented */
	case 505: /* HTTP Version Not Supported */
		return CARRIED_WRONG;
	default:
		break;
	}
	if (status / 100 == 2)
		return CARRIED_DELIVERED;
	if (status / 100 == 4)
		return CARRIED_REFUSED;
	/*
	 * Not followed: whoever answers could send mail anywhere.  Of a fault,
	 * the message may be the cause.
	 */
	return status / 100 == 3 ? CARRIED_WRONG : CARRIED_LATER;
}

enum carried
http_answer_outcome(const struct web_answer *answer)
{
	switch (answer->end) {
	case WEB_ANSWERED:
		return http_answer_of_status(answer->status);
	case WEB_FAILED:
		return CARRIED_DOWN;
	case WEB_UNANSWERED:
		/* The message may be the cause of this, too. */
		return CARRIED_LATER;
	case WEB_FORBIDDEN:
	case WEB_MISTRUSTED:
		break;
	}
	return CARRIED_WRONG;
}

/* The first line of text that it says; pages for people say nothing here. */
static size_t
http_answer_words(const struct web_answer *answer, const char **words_r)
{
	const char *words = answer->body + strspn(answer->body, " \t\r\n");
	size_t length = strcspn(words, "\r\n");

	*words_r = words;
	if (words[0] == '<')
		return 0;
	return length < HTTP_ANSWER_WORDS ? length : HTTP_ANSWER_WORDS;
}

void
http_answer_text(const struct web_answer *answer, const char *host,
    char text_r[HTTP_ANSWER_TEXT])
{
	const char *words;
	size_t length;

	if (answer->end != WEB_ANSWERED || answer->status / 100 == 2) {
		snprintf(text_r, HTTP_ANSWER_TEXT, "%s", answer->text);
		return;
	}
	length = http_answer_words(answer, &words);
	if (answer->redirect != NULL)
		snprintf(text_r, HTTP_ANSWER_TEXT,
		    "%.100s says %.100s and points to %.200s; redirects are "
		    "not followed: write where it leads as \"url\"",
		    host, answer->text, answer->redirect);
	else
		snprintf(text_r, HTTP_ANSWER_TEXT, "%.100s says %.100s%s%.*s",
		    host, answer->text, length > 0 ? ": " : "", (int)length,
		    words);
	(void)evpop_text_printable(
	    text_r, HTTP_ANSWER_TEXT, text_r, strlen(text_r));
}
