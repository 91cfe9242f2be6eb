/*
 * The body of an import: multipart/related, with the labels in JSON, and the
 * message, a line of ours in front of it where it needs one.
 */
#ifndef DELIVER_GMAIL_BODY_H
#define DELIVER_GMAIL_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GMAIL_BODY_TYPE 128
#define GMAIL_BODY_TEXT 2048

struct gmail_body {
	char type[GMAIL_BODY_TYPE]; /* its Content-Type */
	char front[GMAIL_BODY_TEXT], back[GMAIL_BODY_TYPE];
};

/*
 * `label` is an id or NULL; with `archived` the message is not in the inbox.
 * False without memory.
 */
bool gmail_body_make(struct gmail_body *, const char *label, bool archived,
    const char *line) __attribute__((warn_unused_result));

#endif
