/*
 * Lines of bytes that come in pieces of any size.
 */
#ifndef STORE_MAIL_LINE_H
#define STORE_MAIL_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* RFC 5322, section 2.1.1: 998 characters, and CRLF. */
#define MAIL_LINE_SIZE 1000

/* The line under way; zeroed at first. */
struct mail_line {
	bool is_long; /* more than fits of it has gone */
	size_t length;
	char bytes[MAIL_LINE_SIZE];
};

/*
 * Gets a line, or its first MAIL_LINE_SIZE octets if it is longer; then, with
 * is_rest, what follows of it.
 */
typedef void (*mail_line_take)(
    void *arg, const char *bytes, size_t length, bool is_rest);

/* Bytes of one line; `ends` tells that these are its last. */
void mail_line_add(struct mail_line *, const char *bytes, size_t length,
    bool ends, mail_line_take, void *arg);

/* What is left of a line that does not end. */
void mail_line_finish(struct mail_line *, mail_line_take, void *arg);

#endif
