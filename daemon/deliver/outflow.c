#include "daemon/deliver/outflow.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/deliver/parcel.h"

/* A piece is asked for while less than this waits. */
#define OUTFLOW_LOW ((size_t)64 * 1024)
/* Kept from message to message; more is given back. */
#define OUTFLOW_KEPT ((size_t)128 * 1024)

#define OUTFLOW_GRAIN ((size_t)4096)

struct outflow {
	void (*grown)(void *arg);
	void *arg;
	unsigned char *octets;
	size_t start, end, room;
	bool is_secret, lacks_memory;

	struct parcel *parcel; /* NULL: none is under way */
	enum talk_form form;
	enum outflow_state state;
	bool is_asking, is_inside; /* parcel_next(), and its call */
	uint64_t counted;
	unsigned char last; /* octet of the message */
};

struct outflow *
outflow_new(void (*grown)(void *arg), void *arg)
{
	struct outflow *flow = calloc(1, sizeof *flow);

	if (flow == NULL)
		return NULL;
	flow->grown = grown;
	flow->arg = arg;
	return flow;
}

static void
outflow_wipe(struct outflow *flow)
{
	if (flow->is_secret && flow->octets != NULL)
		explicit_bzero(flow->octets, flow->room);
	flow->is_secret = false;
}

void
outflow_free(struct outflow **flow_p)
{
	struct outflow *flow = *flow_p;

	*flow_p = NULL;
	if (flow == NULL)
		return;
	if (flow->is_asking)
		parcel_stop(flow->parcel);
	outflow_wipe(flow);
	free(flow->octets);
	free(flow);
}

/* ---- the octets ---- */

static void
outflow_move(struct outflow *flow, unsigned char *octets, size_t room)
{
	size_t length = flow->end - flow->start;

	if (length > 0)
		memcpy(octets, flow->octets + flow->start, length);
	/* What was moved may be a password as well. */
	if (flow->is_secret)
		explicit_bzero(flow->octets, flow->room);
	free(flow->octets);
	flow->octets = octets;
	flow->room = room;
	flow->start = 0;
	flow->end = length;
}

/* Room for so many more; false without memory. */
static bool
outflow_reserve(struct outflow *flow, size_t length)
{
	size_t used = flow->end - flow->start, room;
	unsigned char *octets;

	if (flow->lacks_memory)
		return false;
	if (flow->room - flow->end >= length)
		return true;
	room =
	    (used + length + OUTFLOW_GRAIN - 1) / OUTFLOW_GRAIN * OUTFLOW_GRAIN;
	octets = malloc(room);
	if (octets == NULL) {
		flow->lacks_memory = true;
		return false;
	}
	outflow_move(flow, octets, room);
	return true;
}

void
outflow_add(
    struct outflow *flow, const void *octets, size_t length, bool is_secret)
{
	if (!outflow_reserve(flow, length))
		return;
	memcpy(flow->octets + flow->end, octets, length);
	flow->end += length;
	flow->is_secret |= is_secret;
}

void
outflow_lack(struct outflow *flow)
{
	flow->lacks_memory = true;
}

const unsigned char *
outflow_octets(const struct outflow *flow, size_t *length_r)
{
	*length_r = flow->end - flow->start;
	return flow->octets + flow->start;
}

void
outflow_taken(struct outflow *flow, size_t length)
{
	flow->start += length;
	if (flow->start < flow->end)
		return;
	outflow_wipe(flow);
	flow->start = flow->end = 0;
	if (flow->room <= OUTFLOW_KEPT || flow->parcel != NULL)
		return;
	free(flow->octets);
	flow->octets = NULL;
	flow->room = 0;
}

/* ---- a message ---- */

/*
 * RFC 5321 section 4.5.2.  A lone LF is made a line's end (section 2.3.8): a
 * server that takes it for one would find the end of the message, and commands
 * behind it, where we saw text.
 */
static void
outflow_add_dotted(
    struct outflow *flow, const unsigned char *octets, size_t length)
{
	unsigned char *at, last = flow->last;
	size_t i;

	if (!outflow_reserve(flow, 2 * length))
		return;
	at = flow->octets + flow->end;
	for (i = 0; i < length; i++) {
		if (octets[i] == '\n' && last != '\r')
			*at++ = '\r';
		else if (octets[i] == '.' && last == '\n')
			*at++ = '.';
		*at++ = last = octets[i];
	}
	flow->end = (size_t)(at - flow->octets);
	flow->last = last;
}

static void
outflow_end_dotted(struct outflow *flow)
{
	if (flow->last == '\r')
		outflow_add(flow, "\n", 1, false);
	else if (flow->last != '\n')
		outflow_add(flow, "\r\n", 2, false);
	outflow_add(flow, ".\r\n", 3, false);
}

static void
outflow_end(struct outflow *flow)
{
	flow->state = OUTFLOW_ENDED;
	if (flow->form == TALK_DOTTED)
		outflow_end_dotted(flow);
	else if (flow->counted != flow->parcel->octets)
		flow->state = OUTFLOW_UNREADABLE;
}

static void
outflow_take(struct outflow *flow, const unsigned char *octets, size_t length)
{
	flow->counted += length;
	if (flow->form == TALK_DOTTED)
		outflow_add_dotted(flow, octets, length);
	else if (flow->counted > flow->parcel->octets)
		/* The server would read what follows as commands. */
		flow->state = OUTFLOW_UNREADABLE;
	else
		outflow_add(flow, octets, length, false);
}

static void
outflow_piece(enum parcel_read read, const unsigned char *octets, size_t length,
    void *arg)
{
	struct outflow *flow = arg;

	flow->is_asking = false;
	if (read == PARCEL_PIECE)
		outflow_take(flow, octets, length);
	else if (read == PARCEL_END)
		outflow_end(flow);
	else
		flow->state = OUTFLOW_UNREADABLE;
	if (!flow->is_inside)
		flow->grown(flow->arg);
}

void
outflow_begin(struct outflow *flow, struct parcel *parcel, enum talk_form form)
{
	assert(flow->parcel == NULL);
	flow->parcel = parcel;
	flow->form = form;
	flow->state = OUTFLOW_BUSY;
	flow->counted = 0;
	flow->last = '\n';
}

enum outflow_state
outflow_fill(struct outflow *flow)
{
	enum outflow_state state;

	while (flow->state == OUTFLOW_BUSY && !flow->is_asking &&
	       !flow->lacks_memory && flow->end - flow->start < OUTFLOW_LOW) {
		flow->is_asking = flow->is_inside = true;
		parcel_next(flow->parcel, outflow_piece, flow);
		flow->is_inside = false;
	}
	if (flow->lacks_memory)
		return OUTFLOW_NO_MEMORY;
	state = flow->state;
	if (state == OUTFLOW_ENDED || state == OUTFLOW_UNREADABLE) {
		flow->parcel = NULL;
		flow->state = OUTFLOW_IDLE;
	}
	return state;
}

bool
outflow_is_busy(const struct outflow *flow)
{
	return flow->parcel != NULL;
}
