/*
 * Finds what a mistyped word was meant to be.
 */
#ifndef CONFIG_NEAR_H
#define CONFIG_NEAR_H

#include <stddef.h>

/* The word closest so far; begin with a zeroed one. */
struct config_near {
	const char *word; /* NULL: nothing is near enough */
	unsigned distance;
};

/* Consider a candidate for what was typed. */
void config_near_consider(
    struct config_near *, const char *typed, const char *candidate);

#endif
