/* What an answer to a POST means for the message and for its target. */
#ifndef DELIVER_HTTP_ANSWER_H
#define DELIVER_HTTP_ANSWER_H

#include "daemon/deliver/carrier.h"
#include "daemon/http/web.h"

#define HTTP_ANSWER_TEXT 512

enum carried http_answer_outcome(const struct web_answer *);

/* In words, for people. */
void http_answer_text(
    const struct web_answer *, const char *host, char text_r[HTTP_ANSWER_TEXT]);

#endif
