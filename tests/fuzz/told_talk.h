/*
 * A dialogue of a carrier's (daemon/deliver/talk.h) whose other side says what
 * the fuzz target gives it, and what is said on it is looked at by the target.
 */
#ifndef FUZZ_TOLD_TALK_H
#define FUZZ_TOLD_TALK_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/deliver/talk.h"
#include "tests/fuzz/input.h"

struct event_base;

/* ---- what the target does ---- */

/* Whether there is one, which lines can be said on. */
bool told_is_open(void);
bool told_exists(void);
/* What is being sent; NULL: nothing. */
const struct parcel *told_parcel(void);

/* Let the loop turn; a dialogue that was begun, or secured, opens. */
void told_turn(struct event_base *);
/* All of the parcel is on its way, or it cannot be read. */
void told_sent(bool is_whole);
/* The connection breaks. */
void told_break(void);
/* The other side says a line, or octets that are no line. */
void told_line(const char *line, size_t length);
void told_literal(const struct fuzz_input *octets);
/* Octets that are awaited and no line; 0: a line is. */
size_t told_awaits(void);

/* ---- what the target defines ---- */

/* It was written; no parcel is being sent. */
void told_wrote(const char *text);
void told_sends(struct parcel *, enum talk_form);
/* It ends, with these words; NULL: without any. */
void told_ends(const char *goodbye);

#endif
