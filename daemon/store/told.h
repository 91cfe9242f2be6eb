/*
 * What the writer tells the loop of itself, without an operation: how it goes,
 * how long commits took, and the state of the clock.
 */
#ifndef STORE_TOLD_H
#define STORE_TOLD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/notify/histogram.h"
#include "daemon/store/store.h"

/* For the functions below only. */
struct store_told {
	pthread_mutex_t mutex;
	struct store_error health;
	struct store_clock clock;
	struct histogram commits;
};

bool store_told_init(struct store_told *) __attribute__((warn_unused_result));
void store_told_destroy(struct store_told *);

void store_told_set_health(struct store_told *, const struct store_error *);
void store_told_add_commit(struct store_told *, int64_t duration_us);
void store_told_set_clock(struct store_told *, struct store_clock);

void store_told_look(struct store_told *, struct store_error *health_r,
    struct histogram *commits_r);
struct store_clock store_told_clock(struct store_told *);

#endif
