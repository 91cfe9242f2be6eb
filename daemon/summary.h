/* What evpopd --once says at its end. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stdint.h>
#include <stdio.h>

struct deliver;
struct poller;

/*
 * "3 accounts: 2 ok, 1 failed; 14 messages fetched (1.2 MiB), 14 delivered, in
 * 2.3 s", and for each account and target that failed why, and what to do.
 */
void summary_print(
    FILE *, const struct poller *, const struct deliver *, int64_t took_ms);

#endif
