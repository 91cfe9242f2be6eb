/*
 * How long things took: counts of durations, by the same bounds wherever
 * durations are counted, and their sum.  A plain value: it is copied, and
 * zeroed it is empty.
 */
#ifndef NOTIFY_HISTOGRAM_H
#define NOTIFY_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* From a millisecond, a good commit, to ten minutes, a long poll. */
#define HISTOGRAM_BOUNDS 17

struct histogram {
	/* By the first bound that is not below; the last is above them all. */
	uint64_t counts[HISTOGRAM_BOUNDS + 1];
	uint64_t sum_us;
};

/* A duration; one below 0 counts as 0. */
void histogram_add(struct histogram *, int64_t duration_us);

/* The upper bound of counts[index], included, in words: seconds as "0.005". */
const char *histogram_bound(size_t index);

/* All that was counted. */
uint64_t histogram_count(const struct histogram *);

#endif
