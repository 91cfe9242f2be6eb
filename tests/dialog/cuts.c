#include "tests/dialog/cuts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t
cuts_piece(const struct cuts *cuts, size_t delivered, size_t left)
{
	size_t piece = left, i;

	if (cuts->singly)
		piece = delivered < CUTS_SINGLY ? 1 : CUTS_PIECE;
	for (i = 0; i < 2; i++)
		if (cuts->at[i] > delivered && cuts->at[i] - delivered < piece)
			piece = cuts->at[i] - delivered;
	return piece < left ? piece : left;
}

/* The place of the cut with this index, of `most`, in `octets`. */
static size_t
place(size_t index, size_t most, size_t octets)
{
	size_t first = most / 2, last = most / 4, between = most - first - last;

	if (octets - 1 <= most || index < first)
		return index + 1;
	if (index >= most - last)
		return octets - (most - index);
	return first + 1 +
	       (index - first) * (octets - 1 - first - last) / between;
}

struct cuts *
cuts_all(size_t octets, size_t most, size_t pairs, size_t *count_r)
{
	size_t places = octets < 2 ? 0 : octets - 1, i, count = 2, a, b;
	/* The same pairs at every run: a generator of our own, MINSTD. */
	uint64_t random = octets + 1;
	struct cuts *all;

	if (places > most)
		places = most;
	all = calloc(places + pairs + 2, sizeof *all);
	if (all == NULL)
		abort();
	if (octets == 0)
		count = 1;
	else
		all[1].singly = true;
	for (i = 0; i < places; i++)
		all[count++].at[0] = place(i, most, octets);
	for (i = 0; i < pairs && octets >= 3; i++) {
		random = random * 48271 % 2147483647;
		a = 1 + (size_t)(random % (octets - 1));
		random = random * 48271 % 2147483647;
		b = 1 + (size_t)(random % (octets - 1));
		if (a == b)
			continue;
		all[count].at[0] = a < b ? a : b;
		all[count++].at[1] = a < b ? b : a;
	}
	*count_r = count;
	return all;
}

void
cuts_name(const struct cuts *cuts, char *text, size_t size)
{
	if (cuts->singly)
		snprintf(text, size, "bytes");
	else if (cuts->at[0] == 0)
		snprintf(text, size, "whole");
	else if (cuts->at[1] == 0)
		snprintf(text, size, "cut:%zu", cuts->at[0]);
	else
		snprintf(text, size, "cut:%zu,%zu", cuts->at[0], cuts->at[1]);
}

bool
cuts_by_name(const char *name, struct cuts *cuts)
{
	char *end;

	memset(cuts, 0, sizeof *cuts);
	if (strcmp(name, "whole") == 0)
		return true;
	cuts->singly = strcmp(name, "bytes") == 0;
	if (cuts->singly)
		return true;
	if (strncmp(name, "cut:", 4) != 0)
		return false;
	cuts->at[0] = strtoul(name + 4, &end, 10);
	if (*end == ',')
		cuts->at[1] = strtoul(end + 1, &end, 10);
	return *end == '\0' && cuts->at[0] > 0;
}
