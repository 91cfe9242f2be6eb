/*
 * One Received line (RFC 5321 section 4.4), as the servers of the wild write
 * it: Postfix, Exim, Sendmail, qmail, Exchange and their kin agree on the
 * words, not on where they put a name and an address.
 */
#ifndef DELIVER_RECEIVED_H
#define DELIVER_RECEIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/deliver/trace.h"

/* Room for an IPv4 or IPv6 address as text. */
#define RECEIVED_ADDRESS 48

/* A text is "" where the line does not say it. */
struct received {
	char helo[TRACE_HOST]; /* the client's word for itself */
	char name[TRACE_HOST]; /* what the server found for its address */
	char address[RECEIVED_ADDRESS];
	char by[TRACE_HOST]; /* the server */
	char by_address[RECEIVED_ADDRESS];
	char with[32];                 /* the protocol */
	char recipient[TRACE_ADDRESS]; /* "for" */
	char sender[TRACE_ADDRESS];    /* "envelope-from" */
	bool has_from, has_sender, has_date;
	bool is_address_vague; /* nothing but the word behind "from" says it */
	int64_t date_ms;
};

/* From a field's value, folded as it came. */
void received_read(
    const char *value, size_t length, struct received *received_r);

/*
 * An address of mail as it stands in a field, with or without angle brackets
 * and route.  False where it is none that an SMTP command can carry: longer
 * than TRACE_ADDRESS, not ASCII, with blanks or brackets within it.  "<>" is
 * one, and gives "".
 */
bool received_address_read(
    const char *text, size_t length, char address_r[TRACE_ADDRESS]);

#endif
