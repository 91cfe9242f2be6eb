#include "daemon/notify/histogram.h"

#include <assert.h>

/* As the formats that show them write numbers. */
static const struct {
	int64_t us;
	const char *seconds;
} bounds[HISTOGRAM_BOUNDS] = {
	{ 1000, "0.001" },
	{ 2500, "0.0025" },
	{ 5000, "0.005" },
	{ 10000, "0.01" },
	{ 25000, "0.025" },
	{ 50000, "0.05" },
	{ 100000, "0.1" },
	{ 250000, "0.25" },
	{ 500000, "0.5" },
	{ 1000000, "1.0" },
	{ 2500000, "2.5" },
	{ 5000000, "5.0" },
	{ 10000000, "10.0" },
	{ 30000000, "30.0" },
	{ 60000000, "60.0" },
	{ 180000000, "180.0" },
	{ 600000000, "600.0" },
};

void
histogram_add(struct histogram *histogram, int64_t duration_us)
{
	size_t index = 0;

	if (duration_us < 0)
		duration_us = 0;
	while (index < HISTOGRAM_BOUNDS && duration_us > bounds[index].us)
		index++;
	histogram->counts[index]++;
	histogram->sum_us += (uint64_t)duration_us;
}

const char *
histogram_bound(size_t index)
{
	assert(index <= HISTOGRAM_BOUNDS);
	return index == HISTOGRAM_BOUNDS ? "+Inf" : bounds[index].seconds;
}

uint64_t
histogram_count(const struct histogram *histogram)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i <= HISTOGRAM_BOUNDS; i++)
		count += histogram->counts[i];
	return count;
}
