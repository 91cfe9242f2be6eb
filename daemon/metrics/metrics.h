/*
 * What the daemon has done since its start, in figures for a monitoring system:
 * it counts what others publish and asks nobody.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <evpop/error.h>

#include "daemon/notify/histogram.h"
#include "daemon/notify/tally.h"

struct metrics;
struct notify;

struct metrics_figures {
	uint64_t polls; /* that have ended; dry runs do not count */
	uint64_t failures[EVPOP_ERROR_COUNT]; /* of them, by class */
	uint64_t tally[TALLY_COUNT];          /* of all of them together */
	struct histogram poll_duration;
};

/* NULL without memory. */
struct metrics *metrics_new(struct notify *)
    __attribute__((warn_unused_result));

/* Sets the pointer to NULL; NULL is allowed. */
void metrics_free(struct metrics **);

/* Borrowed, and kept up to date. */
const struct metrics_figures *metrics_figures(const struct metrics *);

#endif
