/*
 * The writer: the one thread that changes the file.  It puts all that waits
 * into one transaction (group commit).  Between transactions it does its
 * chores, and after a failure it tries again every few seconds.
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/db.h"
#include "daemon/store/op.h"

struct store_attempts;
struct store_calendar;
struct store_counter;
struct store_index;
struct store_removal;
struct store_routing;
struct store_scan_held;
struct store_targets_counter;
struct store_writer;

/*
 * Start on an open, migrated database, which is the writer's from then on
 * (also to close); has_log: it had a log when it was opened.  NULL without
 * memory or threads; then it stays the caller's.
 */
struct store_writer *store_writer_new(struct sql_db *, const char *path,
    bool has_log, struct store_queue *, struct store_mailbox *)
    __attribute__((warn_unused_result));

/* How the last write went, and how long commits took. */
void store_writer_told(struct store_writer *, struct store_error *health_r,
    struct histogram *commits_r);

/* The state of the clock. */
void store_writer_clock(struct store_writer *, struct store_clock *clock_r);

/*
 * Do what is queued, checkpoint, end the thread, close the database.  While
 * another process holds the file that takes a few seconds at the most, and what
 * is queued comes back with STORE_BUSY.
 */
void store_writer_stop(struct store_writer *);

/* After it was stopped. */
void store_writer_free(struct store_writer *);

/* ---- for operations, on the writer's thread ---- */

struct sql_db *store_writer_db(struct store_writer *);
enum store_status store_writer_health(const struct store_writer *);
struct store_calendar *store_writer_calendar(struct store_writer *);
struct store_index *store_writer_index(struct store_writer *);
struct store_removal *store_writer_removal(struct store_writer *);
struct store_attempts *store_writer_attempts(struct store_writer *);
/* The counters of the open transaction. */
struct store_counter *store_writer_counter(struct store_writer *);
struct store_targets_counter *store_writer_targets(struct store_writer *);
/* Where new messages go. */
struct store_routing *store_writer_routing(struct store_writer *);
/* Headers of bodies under way. */
struct store_scan_held *store_writer_headers(struct store_writer *);

/* The body has pieces and will not become a message: remove them, later. */
void store_writer_remove_body(struct store_writer *, int64_t body);

/*
 * Find out whether the file can be written, before there is anything to lose:
 * write something into the transaction, whose commit then tells.  Nothing is
 * written where a commit has just gone well.
 */
enum store_status store_writer_try(struct store_writer *)
    __attribute__((warn_unused_result));

#endif
