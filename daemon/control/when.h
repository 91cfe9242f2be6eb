/*
 * Points in time as people and programs write them: ISO 8601, or how long ago.
 */
#ifndef CONTROL_WHEN_H
#define CONTROL_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "2024-02-29T12:34:56.789Z" and the final NUL. */
#define WHEN_SIZE 25

/*
 * Write Unix time in milliseconds as ISO 8601 UTC.  False, and an empty
 * string, outside the years 1 to 9999: a Date header may claim anything.
 */
bool when_format(int64_t time_ms, char text_r[WHEN_SIZE])
    __attribute__((warn_unused_result));

/*
 * Read "2024-02-29", "2024-02-29T12:34", with seconds, a fraction and "Z" or
 * an offset ("+02:00"), UTC where none is given; a blank may stand for the T.
 * Or how long before now_ms: "90s", "30m", "24h", "7d", "2w"; or seconds of
 * Unix time, with nine digits or more.
 */
bool when_parse(const char *text, int64_t now_ms, int64_t *time_ms_r)
    __attribute__((warn_unused_result));

#endif
