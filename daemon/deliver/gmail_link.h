/*
 * Requests to Gmail's API, one at a time, each with a token; one whose token is
 * refused is made once more with another.
 */
#ifndef DELIVER_GMAIL_LINK_H
#define DELIVER_GMAIL_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/deliver/gmail_answer.h"

struct gmail_link;

struct gmail_link_handler {
	/* As those of web.h. */
	void (*more)(void *arg);
	void (*rewind)(void *arg);
	/* Borrowed until it returns; another request may begin in it. */
	void (*done)(const struct gmail_reply *, void *arg);
};

/* All is borrowed.  NULL without memory. */
struct gmail_link *gmail_link_new(
    const struct carrier_setup *, const struct gmail_link_handler *, void *arg)
    __attribute__((warn_unused_result));

/* `done` is never called from inside these; the path is copied. */
void gmail_link_get(struct gmail_link *, const char *path);
void gmail_link_post_json(
    struct gmail_link *, const char *path, const json_t *);
/* With a body as `more` gives it by these two. */
void gmail_link_post(struct gmail_link *, const char *path,
    const char *content_type, uint64_t octets);
void gmail_link_write(struct gmail_link *, const void *octets, size_t length);
void gmail_link_abort(struct gmail_link *);

/* Sets the pointer to NULL, which it may be. */
void gmail_link_free(struct gmail_link **);

#endif
