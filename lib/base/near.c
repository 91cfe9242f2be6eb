#include "lib/base/near.h"

#include <string.h>

/* Longer than any word of ours; what is longer still is no slip of a finger. */
#define NEAR_LENGTH_MAX 32

static unsigned
near_least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours. */
static unsigned
near_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned rows[3][NEAR_LENGTH_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2], *spare;

	for (size_t j = 0; j <= b_length; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = near_least(near_least(last[j], row[j - 1]) + 1,
			    last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = near_least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[b_length];
}

void
evpop_near_consider(
    struct evpop_near *near, const char *typed, const char *candidate)
{
	size_t typed_length = strlen(typed), length = strlen(candidate);
	unsigned far;

	if (typed_length == 0 || typed_length > NEAR_LENGTH_MAX ||
	    length > NEAR_LENGTH_MAX)
		return;
	far = near_distance(typed, typed_length, candidate, length);
	/* A third of the word may be wrong, and one letter of a short one. */
	if (far > (length < 6 ? 1 : length / 3))
		return;
	if (near->word == NULL || far < near->distance) {
		near->word = candidate;
		near->distance = far;
	}
}
