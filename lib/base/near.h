/* Finds the word that a mistyped one was meant to be. */
#ifndef EVPOP_BASE_NEAR_H
#define EVPOP_BASE_NEAR_H

#include <stddef.h>

/* The word closest so far; begin with a zeroed one. */
struct evpop_near {
	const char *word; /* NULL: nothing is near enough */
	unsigned distance;
};

/* Consider a candidate for what was typed. */
void evpop_near_consider(
    struct evpop_near *, const char *typed, const char *candidate);

#endif
