/*
 * What the writer does between transactions, a step at a time so that no
 * commit waits for it longer than some milliseconds.
 */
#ifndef STORE_CHORES_H
#define STORE_CHORES_H

#include <stdbool.h>
#include <stdint.h>

struct store_db;
struct store_writer;

/*
 * A step of what is due; `idle` says that nobody waits.  Returns when to come
 * back, as store_queue_take() takes it.
 */
int64_t store_chores(struct store_writer *, bool idle);

/* Before the writer begins: make sure of what the log holds. */
void store_chores_first(struct store_writer *);

/* Before the writer ends: a file that needs no log and holds no remnants. */
void store_chores_last(struct store_writer *);

#endif
