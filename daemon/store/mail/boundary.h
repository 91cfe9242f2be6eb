/*
 * The multiparts that are open within each other, and the lines that separate
 * and end their parts (RFC 2046, section 5.1.1).
 */
#ifndef STORE_MAIL_BOUNDARY_H
#define STORE_MAIL_BOUNDARY_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/mail/part.h"

/* Mail for people nests three deep. */
#define MAIL_BOUNDARY_DEPTH 16

struct mail_boundary {
	char *text;
	size_t length;
	bool is_digest;
	unsigned enclosed; /* messages around it */
};

/* The innermost is the last; zeroed at first. */
struct mail_boundaries {
	unsigned depth;
	struct mail_boundary levels[MAIL_BOUNDARY_DEPTH];
};

/* Open one; there must be room for it.  Returns false without memory. */
bool mail_boundary_push(struct mail_boundaries *, const struct mail_part *,
    unsigned enclosed) __attribute__((warn_unused_result));

/* Close those above the depth. */
void mail_boundary_pop(struct mail_boundaries *, unsigned depth);

/*
 * The open multipart whose boundary the line is, NULL where it is none;
 * *is_last_r tells that it ends there.
 */
const struct mail_boundary *mail_boundary_match(const struct mail_boundaries *,
    const char *line, size_t length, bool *is_last_r);

#endif
