/*
 * Who decides, wherever the model of the world has a choice: a generator with a
 * seed, or the octets of a fuzz target's input.  Where the octets have run out
 * everything goes well, so that a short input is a session without a fault.
 */
#ifndef FUZZ_MODEL_CHOICE_H
#define FUZZ_MODEL_CHOICE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct model_choice {
	const unsigned char *at;
	size_t left;
	uint64_t state; /* of the generator; 0: the octets decide */
	unsigned rate;  /* the generator lets one thing in so many go wrong */
	uint64_t made;
	FILE *record; /* takes the octets that choose the same; or NULL */
};

struct model_choice model_choice_seed(uint64_t seed, unsigned rate);
struct model_choice model_choice_octets(const void *octets, size_t length);

/* One of so many, from 0, each as likely as the others. */
unsigned model_pick(struct model_choice *, unsigned count);

/* The same where 0 is the right way, and mostly taken. */
unsigned model_fault(struct model_choice *, unsigned count);

#endif
