/*
 * A piece of a message's text around what was looked for, for people to see
 * why it was found.  Pure: text in, a piece and places in it out.
 */
#ifndef STORE_SNIPPET_H
#define STORE_SNIPPET_H

#include "daemon/store/index/query.h"

/* Characters that a piece has, about, and places that it names. */
#define SNIPPET_CHARACTERS 160
#define SNIPPET_HITS_MAX   16

struct snippet {
	const char *text; /* begins and ends in "..." where it was cut */
	struct snippet_hit {
		unsigned start, length; /* in characters */
	} hits[SNIPPET_HITS_MAX];
	size_t count;
};

/*
 * Of text that mail_text_clean() made; without a hit it is the beginning.
 * False without memory.
 */
bool snippet_make(struct snippet *snippet_r, struct evpop_arena *,
    const char *text, const struct query_node *)
    __attribute__((warn_unused_result));

#endif
