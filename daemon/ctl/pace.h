/*
 * How far long work on many messages is, how fast it goes, and how long it
 * still takes: a line on a terminal, redrawn a few times a second.
 */
#ifndef CTL_PACE_H
#define CTL_PACE_H

#include <stdint.h>

#include "daemon/ctl/ctl.h"
#include "lib/base/unit.h"

struct pace {
	const struct ctl *ctl;
	int64_t begun_ms, shown_ms; /* monotonic */
	uint64_t messages, bytes;   /* to be done; 0: nobody knows */
	uint64_t messages_done, bytes_done;
	bool is_shown;
};

void pace_begin(struct pace *pace_r, const struct ctl *);
/* There is so much more to do. */
void pace_expect(struct pace *, uint64_t messages, uint64_t bytes);
void pace_advance(struct pace *, uint64_t messages, uint64_t bytes);
/* Where standard output is a terminal, if the line is old enough. */
void pace_show(struct pace *, const char *doing);
/* Before other words. */
void pace_clear(struct pace *);

/* "1,204" */
#define PACE_COUNT_SIZE 32
const char *pace_count(uint64_t count, char text_r[PACE_COUNT_SIZE]);

/* The line after so many milliseconds; for tests. */
void pace_text(const struct pace *, const char *doing, int64_t elapsed_ms,
    char *text_r, size_t size);

#endif
