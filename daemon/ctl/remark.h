/*
 * Short phrases about one thing, put into one line.
 */
#ifndef CTL_REMARK_H
#define CTL_REMARK_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/notify/tally.h"

/* A server's error message is the longest. */
#define REMARK_SIZE 1024
struct remark {
	char text[REMARK_SIZE]; /* "" where there is nothing to say */
	size_t length;
};

/* Begin with nothing. */
void remark_begin(struct remark *remark_r);

/* Append a phrase, with a comma before all but the first; cut if too long. */
void remark_add(struct remark *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A figure of a poll, from JSON, with its words; nothing where it is 0. */
void remark_figure(struct remark *, const json_t *figures, enum tally_figure);

/* "3 what" unless there are none. */
void remark_count(struct remark *, uint64_t count, const char *what);

#endif
