/*
 * Takes an input apart: settings off its front, and the rest in pieces whose
 * sizes the input decides.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct fuzz_input {
	const unsigned char *at;
	size_t left;
};

/* The next octet; 0 at the end. */
unsigned char fuzz_octet(struct fuzz_input *);

/*
 * What stands before the next `end`, which is passed over; all that is left
 * where there is none.
 */
struct fuzz_input fuzz_up_to(struct fuzz_input *, unsigned char end);

/*
 * A copy in a block of exactly its size, so that a sanitizer sees the first
 * octet read behind it; for free().  Never NULL.
 */
unsigned char *fuzz_copy(const void *bytes, size_t length);

/* The same with a NUL behind it. */
char *fuzz_string(const void *bytes, size_t length);

/* How to cut: 0 not at all, 1 between all octets, else by chance. */
struct fuzz_cuts {
	uint32_t seed;
	size_t most; /* octets of a piece cut by chance */
};
#define FUZZ_WHOLE ((struct fuzz_cuts){ .seed = 0 })

/* Cuts by the next octet: a digit stands for itself. */
struct fuzz_cuts fuzz_take_cuts(struct fuzz_input *);

/* The length of the next piece: from 1 to `left`, which is not 0. */
size_t fuzz_piece(struct fuzz_cuts *, size_t left);

#endif
