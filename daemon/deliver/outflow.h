/*
 * What is to be written to a server: commands, and a message behind them a
 * piece at a time, in the form that the protocol wants, so that its size never
 * matters.  Passwords among it are wiped once they are taken.
 */
#ifndef DELIVER_OUTFLOW_H
#define DELIVER_OUTFLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/deliver/talk.h"

struct outflow;

/* A piece has come, or the end: from the loop.  NULL without memory. */
struct outflow *outflow_new(void (*grown)(void *arg), void *arg)
    __attribute__((warn_unused_result));
/* Wipes; sets the pointer to NULL, which it may be. */
void outflow_free(struct outflow **);

/* What finds no memory is told by outflow_state(). */
void outflow_add(
    struct outflow *, const void *octets, size_t length, bool is_secret);

/* There is no memory for something that is to be written. */
void outflow_lack(struct outflow *);

/* Not while one is under way. */
void outflow_begin(struct outflow *, struct parcel *, enum talk_form);

enum outflow_state {
	OUTFLOW_IDLE = 0, /* no parcel is under way */
	OUTFLOW_BUSY,
	OUTFLOW_ENDED, /* all of a parcel was added; once */
	OUTFLOW_UNREADABLE,
	OUTFLOW_NO_MEMORY
};
/* Ask for the next piece where there is room; how far the parcel is. */
enum outflow_state outflow_fill(struct outflow *);
bool outflow_is_busy(const struct outflow *);

/* The octets to write next, and how many of them were taken. */
const unsigned char *outflow_octets(const struct outflow *, size_t *length_r);
void outflow_taken(struct outflow *, size_t length);

#endif
