/*
 * Faults that maildropd commits on purpose, by chance but repeatably: bodies
 * that break off or stop, or have nothing in them, and QUITs that are obeyed
 * and never answered.
 */

#ifndef MAILDROPD_FAULTS_H
#define MAILDROPD_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

struct evbuffer;

/* In percent; zeroed, nothing goes wrong. */
struct faults {
	unsigned cut_bodies;
	unsigned drop_quits;
	unsigned empty_bodies;
	bool stalls; /* every body, after so many octets: */
	uint64_t stall_after;
	uint64_t state;   /* of the generator; the seed to begin with */
	uint64_t emptied; /* bodies, so far */
};

/*
 * Whether to break off an answer of so many OCTETS, or to stop within it;
 * *after_r is then how many of them are sent, from none to all but one.
 */
bool faults_cut_body(struct faults *, uint64_t octets, uint64_t *after_r);

/* Whether a RETR is to be answered with nothing; then it is. */
bool faults_empty_body(struct faults *, struct evbuffer *out);

/* Whether to close instead of answering a QUIT. */
bool faults_drop_quit(struct faults *);

#endif
