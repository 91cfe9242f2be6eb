/*
 * What the writer does between transactions, a step at a time so that no
 * commit waits for it longer than some milliseconds: checkpoints, cleaning up
 * after bodies that came to nothing, the indexes, what is left of deleted mail.
 */
#ifndef STORE_CHORES_H
#define STORE_CHORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/status.h"

struct sql_patience;
struct sql_db;
struct store_index;
struct store_place;
struct store_removal;

struct store_chores {
	struct sql_db *db;
	struct store_place *place;
	struct sql_patience *patience;
	struct store_index *index;
	struct store_removal *removal;
	int64_t turn_ms;      /* when they had their turn last */
	bool is_removal_turn; /* it is the removal's, not the index's */
	int64_t removed_ms;   /* when the removal had its turn last */

	int64_t log_written_ms; /* when a commit went into it last */
	int log_pages;          /* in it; 0 where nothing new is */
	int log_stuck;          /* of them, when a checkpoint got no further */

	int64_t *orphans; /* bodies to remove */
	size_t orphan_count, orphan_room;
};

/* All stays the caller's, and must outlive it. */
void store_chores_init(struct store_chores *, struct sql_db *,
    struct store_place *, struct sql_patience *, struct store_index *,
    struct store_removal *);
void store_chores_free(struct store_chores *);

/* Before the writer begins: make sure of what an earlier log holds. */
enum store_status store_chores_begin(struct store_chores *, bool has_old_log)
    __attribute__((warn_unused_result));

/*
 * A step of what is due; `is_idle` says that nobody waits, `worked_ms` when
 * somebody's operation was done last.  *wake_ms_r is when to come back, as
 * store_queue_take() takes it.  A failure means that the file cannot be
 * written.
 */
enum store_status store_chores_step(struct store_chores *, bool is_idle,
    int64_t worked_ms, int64_t *wake_ms_r) __attribute__((warn_unused_result));

/*
 * Before the writer ends: a file that needs no log, and, where it can be
 * written, holds no remnants.
 */
void store_chores_end(struct store_chores *, bool is_well);

/* Before it: remove all bodies that an earlier run left unfinished. */
enum store_status store_chores_sweep(struct sql_db *)
    __attribute__((warn_unused_result));

/* Remove the pieces of a body, later. */
void store_chores_remove_body(struct store_chores *, int64_t body);

/* Copy the log into the file, as far as no reader is in the way. */
enum store_status store_chores_empty_log(struct store_chores *)
    __attribute__((warn_unused_result));

/* When the last commit went into the log; monotonic. */
int64_t store_chores_log_written_ms(const struct store_chores *);

#endif
