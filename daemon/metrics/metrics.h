/*
 * What the daemon has done since its start, in figures for a monitoring system:
 * it counts what others publish and asks nobody.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <evpop/telemetry.h>

#include <stdbool.h>

#include "daemon/notify/histogram.h"
#include "daemon/notify/tally.h"

struct certificates;
struct metrics;
struct notify;

/* How sessions were protected. */
enum metrics_tls {
	METRICS_TLS_NONE = 0,
	METRICS_TLS_1_2,
	METRICS_TLS_1_3,
	METRICS_TLS_COUNT
};

/* "none", "TLSv1.2". */
const char *metrics_tls_name(enum metrics_tls);

struct metrics_figures {
	uint64_t polls; /* that have ended; dry runs do not count */
	uint64_t failures[EVPOP_ERROR_COUNT]; /* of them, by class */
	uint64_t tally[TALLY_COUNT];          /* of all of them together */
	struct histogram poll_duration;

	uint64_t reloads, reload_failures;
	bool has_last_reload_failed;

	/* Of sessions; a poll may have several. */
	uint64_t sessions;                            /* that are over */
	uint64_t session_failures[EVPOP_PHASE_COUNT]; /* by where they failed */
	/* That went well. */
	uint64_t logins[EVPOP_MECHANISM_COUNT][METRICS_TLS_COUNT];
	struct histogram steps[EVPOP_PHASE_COUNT]; /* that went well */
	struct histogram commands[EVPOP_COMMAND_COUNT];
	/* Until the reply began, of those with several lines. */
	struct histogram first_octets[EVPOP_COMMAND_COUNT];
};

/* NULL without memory. */
struct metrics *metrics_new(struct notify *)
    __attribute__((warn_unused_result));

/* Sets the pointer to NULL; NULL is allowed. */
void metrics_free(struct metrics **);

/* What sessions are to tell; borrowed. */
const struct evpop_telemetry *metrics_telemetry(const struct metrics *);

/* Those of the servers that sessions met. */
struct certificates *metrics_certificates(const struct metrics *);

/* Borrowed, and kept up to date. */
const struct metrics_figures *metrics_figures(const struct metrics *);

#endif
