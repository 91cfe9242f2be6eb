/*
 * The last lines of a session, as its trace tells them (secrets struck out),
 * for whoever must find out why a message cannot be fetched.
 */
#ifndef POLL_TRANSCRIPT_H
#define POLL_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>

/* Enough for the commands and replies around one message. */
#define TRANSCRIPT_SIZE 2048
/* A longer line is cut. */
#define TRANSCRIPT_LINE 256

/* Zeroed, it is empty. */
struct transcript {
	char bytes[TRANSCRIPT_SIZE]; /* a ring of lines, each with its end */
	size_t begin, length;
};

/* Add a line; the oldest ones make room. */
void transcript_add(struct transcript *, bool from_server, const char *line);

/* All lines, "C: RETR 1\nS: +OK\n"; text_r takes TRANSCRIPT_SIZE + 1 octets. */
void transcript_text(const struct transcript *, char *text_r);

#endif
