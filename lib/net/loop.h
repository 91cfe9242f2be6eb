/*
 * What all clients of one event_base share: the buffer that they read into, and
 * the threads that derive keys (derive.h).
 * The core consumes a span at once, so one buffer serves thousands of
 * sessions; a session keeps bytes of its own only while its sink has paused.
 *
 * Loops are found in a list of the calling thread, which by the manners of
 * <evpop/client.h> is the thread that runs the base; so no lock is needed.
 */
#ifndef EVPOP_LIB_NET_LOOP_H
#define EVPOP_LIB_NET_LOOP_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct evpop_derive;
struct evpop_loop;

/* Four TLS records, or what a socket gives in one go on a fast line. */
#define EVPOP_LOOP_BUFFER ((size_t)65536)

/* The loop of this base with one more reference, or NULL without memory. */
struct evpop_loop *evpop_loop_get(struct event_base *);
/* Drops a reference; the last one frees. */
void evpop_loop_put(struct evpop_loop *);

struct event_base *evpop_loop_base(const struct evpop_loop *);
/* EVPOP_LOOP_BUFFER octets, good until the caller returns to the loop. */
unsigned char *evpop_loop_buffer(struct evpop_loop *);
/*
 * How much a stream reads at once: little at first, and after a pause of any
 * stream of the loop; twice as much whenever all of it was taken.  What a pause
 * leaves over must be kept, by each of thousands, and where one had to pause,
 * others may have to with what they read next.
 */
struct evpop_share {
	size_t octets; /* 0: not known yet */
	unsigned int pauses;
};
#define EVPOP_SHARE_FIRST ((size_t)8192)

size_t evpop_loop_share(const struct evpop_loop *, struct evpop_share *);
void evpop_loop_share_taken(struct evpop_share *);
/* A stream of the loop is paused. */
void evpop_loop_note_pause(struct evpop_loop *);

/* Where its clients have keys derived; NULL without memory. */
struct evpop_derive *evpop_loop_derive(struct evpop_loop *);

#endif
