/*
 * The header of a message that goes to Gmail, without our lines in front of it.
 */
#ifndef DELIVER_GMAIL_HEADER_H
#define DELIVER_GMAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/deliver/parcel.h"

enum gmail_header_end {
	GMAIL_HEADER_READ = 0,
	GMAIL_HEADER_UNREAD, /* parcel_next() failed */
	GMAIL_HEADER_NO_MEMORY
};
typedef void (*gmail_header_cb)(enum gmail_header_end, void *arg);

/* Zeroed, there is none. */
struct gmail_header {
	char *octets; /* NULL: not read */
	size_t length;
	struct parcel *parcel;
	gmail_header_cb cb;
	void *arg;
	/* The parcel is read in a loop, and not one call within another. */
	bool is_inside, is_again;
};

/*
 * Read it; of a long one the first 256 KiB.  The callback runs once, maybe from
 * inside the call; then the parcel may be rewound.
 */
void gmail_header_read(
    struct gmail_header *, struct parcel *, gmail_header_cb, void *arg);
/* It is empty then. */
void gmail_header_clear(struct gmail_header *);

#endif
