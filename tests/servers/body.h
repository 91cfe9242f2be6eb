/*
 * The bytes of one message, either a file in memory or a synthetic text made
 * from a shared pattern, and their way onto the wire: dot-stuffed, cut short
 * for TOP, line ends converted when asked, terminated.
 */

#ifndef MAILDROPD_BODY_H
#define MAILDROPD_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/buffer.h>

/* TOP's number of lines that means the whole message. */
#define BODY_ALL_LINES UINT64_MAX

/* A message's bytes as a sequence of spans. */
struct body {
	unsigned char *file; /* its bytes, or NULL */
	size_t file_size;
	char header[768]; /* a synthetic message's header */
	size_t header_size;
	size_t pattern_offset; /* where in the pattern the text goes on */
	size_t left;           /* octets not yet handed out */
	bool header_given;
};

/* One multi-line answer that is under way. */
struct body_transfer {
	struct body body;
	const unsigned char *span;
	size_t span_size;
	uint64_t lines_left; /* of the text; BODY_ALL_LINES for RETR */
	size_t line_size;    /* octets of the current line so far */
	bool at_line_start;  /* at the beginning, or after CRLF */
	bool after_cr;       /* the last octet was CR */
	bool to_crlf;
	bool in_header;
	bool cut; /* TOP has had its lines */
};

/*
 * Loads the file at PATH.  Returns -1 with errno set when it cannot be read.
 */
int body_open_file(struct body *, const char *path);

/*
 * Makes message SERIAL (from 1) of USER, of about MEAN_SIZE octets, with or
 * without the EMPTY_LINE that ends the header; the same arguments always give
 * the same bytes.
 */
void body_make_synthetic(struct body *, const char *user, uint32_t serial,
    size_t mean_size, bool empty_line);

/* Octets that a synthetic message of these arguments has. */
uint64_t body_synthetic_size(
    const char *user, uint32_t serial, size_t mean_size, bool empty_line);

/*
 * Octets that the file at PATH has once on the wire and unstuffed again, in
 * *size_r.  Reads the whole file only when TO_CRLF.  Returns -1 with errno set.
 */
int body_file_size(const char *path, bool to_crlf, uint64_t *size_r);

/* Lets go of the file, if there is one. */
void body_close(struct body *);

/* A stable hash of a text and a number, for choices that look random. */
uint32_t body_hash(const char *text, uint32_t number);

/*
 * Begins to send the body in TRANSFER->body: its header and LINES lines of its
 * text.
 */
void body_transfer_begin(struct body_transfer *, uint64_t lines, bool to_crlf);

/*
 * Appends to OUT until it holds LIMIT octets or the message and its terminator
 * are complete.  Returns true when complete; the body is then closed.
 */
bool body_transfer_pump(
    struct body_transfer *, struct evbuffer *out, size_t limit);

#endif
