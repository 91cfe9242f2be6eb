/* Challenges of AUTH (RFC 5034 section 4), and commands they swallow. */
#ifndef EVPOP_CORE_CHALLENGE_H
#define EVPOP_CORE_CHALLENGE_H

#include <evpop/proto.h>

/*
 * Whether a line is a challenge of the current command, which may be any; its
 * base64 lies at *text_r then.
 */
bool evpop_challenge_parse(const struct evpop_proto *,
    const unsigned char *line, size_t length, const unsigned char **text_r,
    size_t *text_length_r);

/*
 * Mark the command behind the AUTH in front as taken for its answer; false
 * where nothing was sent behind it.
 */
bool evpop_challenge_swallow_next(struct evpop_proto *);

#endif
