/* Numbers with a unit behind them: durations and sizes, read and written. */
#ifndef EVPOP_BASE_UNIT_H
#define EVPOP_BASE_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVPOP_SECOND_MS INT64_C(1000)
#define EVPOP_MINUTE_MS (60 * EVPOP_SECOND_MS)
#define EVPOP_HOUR_MS   (60 * EVPOP_MINUTE_MS)
#define EVPOP_DAY_MS    (24 * EVPOP_HOUR_MS)

struct evpop_unit {
	const char *suffix; /* NULL ends a list */
	int64_t factor;
};

/* The largest first, and each that is written before those only read. */
extern const struct evpop_unit evpop_unit_none[];
extern const struct evpop_unit evpop_unit_durations[]; /* ms: d h m s ms */
extern const struct evpop_unit evpop_unit_ages[];      /* ms: w d h m s */
extern const struct evpop_unit evpop_unit_sizes[];     /* bytes: G M K */
extern const struct evpop_unit evpop_unit_bytes[];     /* for people: " MiB" */

/* Digits and a unit; false if it is neither that nor within 63 bits. */
bool evpop_unit_parse(
    const char *text, const struct evpop_unit *units, int64_t *value_r);

/* "90s", "5m", "8M": in the largest unit that needs no fraction. */
void evpop_unit_text(
    int64_t value, const struct evpop_unit *units, char *text_r, size_t size);

/* For people, cut to what matters: "512 B", "1.5 KiB", "12 MiB". */
#define EVPOP_UNIT_SIZE 32
const char *evpop_unit_size(uint64_t bytes, char text_r[EVPOP_UNIT_SIZE]);

/* Likewise: "2 d 3 h", "5 min 10 s"; or in the largest unit alone, "5 min". */
const char *evpop_unit_span(int64_t seconds, char text_r[EVPOP_UNIT_SIZE]);
const char *evpop_unit_about(int64_t seconds, char text_r[EVPOP_UNIT_SIZE]);

#endif
