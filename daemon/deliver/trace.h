/*
 * How a message came to the server that it was fetched from, as the outermost
 * lines of its header tell: Return-Path and Received (RFC 5321 section 4.4).
 */
#ifndef DELIVER_TRACE_H
#define DELIVER_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 5321 section 4.5.3.1 and what is beyond it in the wild. */
#define TRACE_ADDRESS 512
#define TRACE_HOST    256

struct trace {
	/* Of the envelope, without angle brackets; "" also where it is <>. */
	char sender[TRACE_ADDRESS];
	bool has_sender; /* known, maybe as <> */
	/* Who handed it to the first server that is not inside: */
	char helo[TRACE_HOST]; /* its own word for itself; "" */
	char name[TRACE_HOST]; /* what the server found for its address; "" */
	char address[48];      /* IPv4 or IPv6, as text; "" */
	char recipient[TRACE_ADDRESS]; /* "for <...>"; "" */
	bool has_date;
	int64_t date_ms; /* of the outermost Received line: Unix time */
};

/* From the first octets of a message, its header, or as much as there is. */
void trace_read(const unsigned char *, size_t length, struct trace *trace_r);

#endif
