/*
 * What people type to find messages: words, "phrases", fields such as
 * from:anna, -without, begin*, OR, and groups in parentheses.  What is not
 * understood is an error that names the place; nothing is passed over.
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a point in time as people write it. */
typedef bool (*store_query_time)(
    const char *text, int64_t now_ms, int64_t *time_ms_r);

struct store_query_problem {
	size_t position; /* of the word that is wrong: characters, from 1 */
	char message[192];
	char hint[192]; /* "" where there is nothing to add */
};

/* Whether it can be understood; and if not, why. */
bool store_query_check(const char *text, store_query_time, int64_t now_ms,
    struct store_query_problem *problem_r) __attribute__((warn_unused_result));

#endif
