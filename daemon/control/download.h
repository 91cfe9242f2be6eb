/*
 * Bytes that have an entity tag, and of which a client may ask for a part (RFC
 * 9110 sections 13 and 14): what of them is to be sent, or the answer without
 * them.
 */
#ifndef CONTROL_DOWNLOAD_H
#define CONTROL_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/control/range.h"

struct exchange;

struct download {
	uint64_t whole;     /* octets */
	struct range range; /* of them, to be sent */
	bool is_part;
};

/*
 * Say that they have this tag (strong, in quotes) and take ranges.  False,
 * after answering, where the client has them already or asks for what is not
 * there.
 */
bool download_choose(struct exchange *, const char *etag, uint64_t octets,
    struct download *download_r) __attribute__((warn_unused_result));

/* Begin the stream of what was chosen; false as exchange_stream(). */
bool download_begin(struct exchange *, const char *content_type,
    const struct download *) __attribute__((warn_unused_result));

#endif
