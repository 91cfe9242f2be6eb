/*
 * Counts the attachments of a message as its bytes pass, however large it is:
 * the parts that have a file name or that disposition.
 */
#ifndef STORE_ATTACHMENT_H
#define STORE_ATTACHMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 2046, section 5.1.1: a boundary has at most 70 characters. */
#define STORE_BOUNDARY_SIZE 71
/* Mail for people nests three deep; what lies deeper is not counted. */
#define STORE_BOUNDARY_DEPTH 8
/* RFC 5322, section 2.1.1: 998 characters; the rest of a line is dropped. */
#define STORE_LINE_SIZE 1000
/* The Content- fields of one part. */
#define STORE_FIELDS_SIZE 4096

/* Zeroed but for in_header, which is true before the first byte. */
struct store_attachments {
	bool in_header, keeping;
	uint32_t count;
	size_t depth, line_length, fields_length;
	char boundaries[STORE_BOUNDARY_DEPTH][STORE_BOUNDARY_SIZE];
	char line[STORE_LINE_SIZE]; /* begun in an earlier piece */
	char fields[STORE_FIELDS_SIZE];
};

void store_attachments_init(struct store_attachments *);
void store_attachments_feed(
    struct store_attachments *, const char *bytes, size_t length);

#endif
