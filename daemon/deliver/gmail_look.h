/*
 * Looks for a message that may be there from an earlier attempt.  Gmail finds
 * messages by their Message-ID, or by their date; the line that we have put in
 * front tells whether one of them is it.
 */
#ifndef DELIVER_GMAIL_LOOK_H
#define DELIVER_GMAIL_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/deliver/gmail_link.h"

struct config_target;
struct parcel;

#define GMAIL_LOOK_QUERY 512
#define GMAIL_LOOK_PAGE  256
#define GMAIL_LOOK_IDS   100 /* of a page */
#define GMAIL_LOOK_ID    32

struct gmail_look {
	char query[GMAIL_LOOK_QUERY], page[GMAIL_LOOK_PAGE];
	unsigned pages;
	char ids[GMAIL_LOOK_IDS][GMAIL_LOOK_ID];
	size_t count, at;
	bool is_listing;
};

enum gmail_looked {
	GMAIL_LOOK_GOES_ON = 0, /* another request is under way */
	GMAIL_LOOK_FOUND,       /* ids[at] is it */
	GMAIL_LOOK_MISSED,      /* it is not there */
	GMAIL_LOOK_FAILED       /* as the reply says */
};

/* The header is that of the message, without our lines in front. */
void gmail_look_begin(struct gmail_look *, struct gmail_link *,
    const struct config_target *, const struct parcel *, const char *header,
    size_t length);
/* What the last request has brought. */
enum gmail_looked gmail_look_reply(struct gmail_look *, struct gmail_link *,
    const struct config_target *, const struct parcel *,
    const struct gmail_reply *);

/*
 * What is put in front of a message that has no Message-ID, so that it can be
 * found: a line, or "".
 */
#define GMAIL_LOOK_LINE 128
void gmail_look_line(const struct parcel *, const char *header, size_t length,
    char line_r[GMAIL_LOOK_LINE]);

#endif
