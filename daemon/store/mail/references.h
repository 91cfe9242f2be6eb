/*
 * The messages that a header names: itself, what it answers, and what went
 * before (RFC 5322, section 3.6.4).
 */
#ifndef STORE_MAIL_REFERENCES_H
#define STORE_MAIL_REFERENCES_H

#include <stddef.h>

/*
 * The most that one message can name.  A long list is the first ones, by which
 * a conversation began, and the last ones.
 */
#define MAIL_REFERENCES_MAX   32
#define MAIL_REFERENCES_FIRST 8

/* Ids without their brackets, which are in the header. */
struct mail_references {
	struct mail_reference {
		const char *id; /* not terminated */
		size_t length;
	} items[MAIL_REFERENCES_MAX];
	size_t count;
};

/* Its own is the first, if it has one; none is empty. */
void mail_references_read(
    const char *header, size_t length, struct mail_references *references_r);

#endif
