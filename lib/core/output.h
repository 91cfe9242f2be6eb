/*
 * Bytes on their way out.  What held a secret is wiped once it is written, and
 * when the buffer moves.
 */
#ifndef EVPOP_CORE_OUTPUT_H
#define EVPOP_CORE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed, it is empty. */
struct evpop_output {
	char *bytes;
	size_t start, end, room;
	bool secret;
};

/* Room for `length` more octets, to be confirmed; NULL without memory. */
char *evpop_output_reserve(struct evpop_output *, size_t length);
void evpop_output_commit(struct evpop_output *, size_t length, bool secret);

/* The first `length` octets were written. */
void evpop_output_drain(struct evpop_output *, size_t length);

void evpop_output_clear(struct evpop_output *);

#endif
