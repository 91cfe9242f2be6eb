#include "tests/fuzz/input.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Pieces cut by chance are short, so that many cuts fall inside of lines; or
 * long, for what looks at many octets at a time.
 */
#define SHORT_MOST 16
#define LONG_MOST  200

unsigned char
fuzz_octet(struct fuzz_input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

struct fuzz_input
fuzz_up_to(struct fuzz_input *input, unsigned char end)
{
	struct fuzz_input part = *input;
	const unsigned char *found;

	found = part.left == 0 ? NULL : memchr(part.at, end, part.left);
	if (found == NULL) {
		input->at += input->left;
		input->left = 0;
		return part;
	}
	part.left = (size_t)(found - part.at);
	input->at += part.left + 1;
	input->left -= part.left + 1;
	return part;
}

unsigned char *
fuzz_copy(const void *bytes, size_t length)
{
	unsigned char *copy = malloc(length > 0 ? length : 1);

	assert(copy != NULL);
	if (length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

char *
fuzz_string(const void *bytes, size_t length)
{
	char *copy = malloc(length + 1);

	assert(copy != NULL);
	if (length > 0)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

struct fuzz_cuts
fuzz_take_cuts(struct fuzz_input *input)
{
	uint32_t seed = fuzz_octet(input) & 0x0f;

	return (struct fuzz_cuts){
		.seed = seed,
		.most = seed < 8 ? SHORT_MOST : LONG_MOST,
	};
}

size_t
fuzz_piece(struct fuzz_cuts *cuts, size_t left)
{
	size_t piece;

	assert(left > 0);
	if (cuts->seed == 0)
		return left;
	if (cuts->seed == 1)
		return 1;
	cuts->seed = cuts->seed * 1664525 + 1013904223;
	piece = 1 + (cuts->seed >> 16) % cuts->most;
	/* Chance must not make it one of the two special values. */
	cuts->seed |= 2;
	return piece < left ? piece : left;
}
