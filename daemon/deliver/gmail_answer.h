/*
 * What an answer of Gmail's API means for the message and for its target.
 * Errors are JSON, with a reason that says more than the status does.
 */
#ifndef DELIVER_GMAIL_ANSWER_H
#define DELIVER_GMAIL_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "daemon/deliver/carrier.h"
#include "daemon/http/web.h"

#define GMAIL_ANSWER_TEXT 512

struct gmail_reply {
	enum carried outcome; /* CARRIED_DELIVERED: it was done */
	unsigned status;      /* of HTTP; 0: none */
	/* It may have been done, whatever the answer says. */
	bool may_be_done;
	int64_t retry_after_ms;
	const char *text;   /* in words, for people */
	const json_t *json; /* what was answered; NULL: nothing that is JSON */
};

/* `json` is the answer's body, or NULL; borrowed, as is the text. */
void gmail_answer_judge(const struct web_answer *, const json_t *json,
    const char *host, int64_t now_ms, char text[GMAIL_ANSWER_TEXT],
    struct gmail_reply *reply_r);

/* A text of a JSON object; "" where it has none of this name. */
const char *gmail_answer_text(const json_t *, const char *name);

#endif
