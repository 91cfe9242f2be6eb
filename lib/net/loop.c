#include <sys/queue.h>

#include <assert.h>
#include <stdlib.h>

#include "lib/net/derive.h"
#include "lib/net/loop.h"

struct evpop_loop {
	LIST_ENTRY(evpop_loop) entry;
	struct event_base *base;
	size_t references;
	unsigned int pauses;         /* of its streams; may wrap */
	struct evpop_derive *derive; /* NULL: never needed */
	unsigned char buffer[EVPOP_LOOP_BUFFER];
};

/*
 * The one mutable variable of the library: per thread, holding a loop only as
 * long as there are clients on it.
 */
static _Thread_local LIST_HEAD(, evpop_loop) loops;

struct evpop_loop *
evpop_loop_get(struct event_base *base)
{
	struct evpop_loop *loop;

	LIST_FOREACH(loop, &loops, entry) {
		if (loop->base == base) {
			loop->references++;
			return loop;
		}
	}
	loop = malloc(sizeof(*loop));
	if (loop == NULL)
		return NULL;
	loop->base = base;
	loop->references = 1;
	loop->pauses = 0;
	loop->derive = NULL;
	LIST_INSERT_HEAD(&loops, loop, entry);
	return loop;
}

void
evpop_loop_put(struct evpop_loop *loop)
{
	assert(loop->references > 0);
	if (--loop->references > 0)
		return;
	LIST_REMOVE(loop, entry);
	evpop_derive_free(loop->derive);
	free(loop);
}

struct event_base *
evpop_loop_base(const struct evpop_loop *loop)
{
	return loop->base;
}

unsigned char *
evpop_loop_buffer(struct evpop_loop *loop)
{
	return loop->buffer;
}

size_t
evpop_loop_share(const struct evpop_loop *loop, struct evpop_share *share)
{
	if (share->octets == 0 || share->pauses != loop->pauses)
		share->octets = EVPOP_SHARE_FIRST;
	share->pauses = loop->pauses;
	return share->octets;
}

void
evpop_loop_share_taken(struct evpop_share *share)
{
	if (share->octets < EVPOP_LOOP_BUFFER)
		share->octets *= 2;
}

void
evpop_loop_note_pause(struct evpop_loop *loop)
{
	loop->pauses++;
}

struct evpop_derive *
evpop_loop_derive(struct evpop_loop *loop)
{
	if (loop->derive == NULL)
		loop->derive = evpop_derive_new(loop->base);
	return loop->derive;
}
