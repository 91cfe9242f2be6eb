/*
 * A web server on the test's own loop that answers as it is told, well or
 * badly, and keeps what it was asked.
 */
#ifndef TESTS_DELIVER_WEB_H
#define TESTS_DELIVER_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct evconnlistener;

enum deliver_web_manner {
	WEB_ANSWERS = 0,
	WEB_HANGS_UP,       /* when it has read the request */
	WEB_IS_SILENT,      /* then */
	WEB_ANSWERS_EARLY,  /* when it has read the header */
	WEB_CLOSES_QUIETLY, /* behind its answer, without a word of it */
	WEB_SPEAKS_FOREVER  /* its answer, and then "x" again and again */
};

struct deliver_web {
	struct event_base *base;
	struct evconnlistener *listener;
	uint16_t port;
	enum deliver_web_manner manner;
	const char *answer;  /* octets */
	char *request;       /* the last; header and body */
	size_t length, body; /* its octets; where its body begins */
	unsigned connections, requests;
};

struct deliver_web *deliver_web_new(struct event_base *);
void deliver_web_free(struct deliver_web *);

/* Whether the last request has this line in its header. */
bool deliver_web_has(const struct deliver_web *, const char *line);
/* The value of a header's field, borrowed until the next call; or NULL. */
const char *deliver_web_value(const struct deliver_web *, const char *name);

#endif
