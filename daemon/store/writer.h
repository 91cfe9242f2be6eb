/*
 * The writer: the one thread that changes the file.  It puts all that waits
 * into one transaction, and between transactions does what may be done later:
 * checkpoints, cleaning up after bodies that came to nothing, the full-text
 * index, trying again after a failure.
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/calendar.h"
#include "daemon/store/counter.h"
#include "daemon/store/db.h"
#include "daemon/store/op.h"
#include "daemon/store/place.h"
#include "daemon/store/queue.h"
#include "daemon/store/scan.h"

struct store_ahead;
struct store_mailbox;

struct store_writer {
	struct store_db db;
	const char *path;
	struct store_queue queue;
	struct store_mailbox *mailbox;
	pthread_t thread;

	/* The thread's own. */
	enum store_status health;
	struct sql_patience patience;
	int64_t stop_ms;     /* when it waits no longer; 0: it goes on */
	int64_t probe_ms;    /* when to try again */
	int64_t watch_ms;    /* when to look where the file is */
	int64_t worked_ms;   /* when anybody's operation was done last */
	int64_t chores_ms;   /* when chores were done last */
	int64_t log_idle_ms; /* when the log was last written */
	int log_pages;       /* in the log; 0 where nothing new is */
	int log_stuck;       /* of them, when a checkpoint got no further */
	bool has_old_log;    /* an earlier process's */
	struct store_calendar calendar;
	struct store_place place;
	struct store_counter counter;   /* of the open transaction */
	struct store_scan_held headers; /* of bodies under way */
	struct store_ahead *ahead;      /* or NULL */
	bool index_behind;
	bool index_asked;    /* whoever reads ahead knows of it */
	bool index_outdated; /* of an earlier version */
	bool index_damaged, index_restarted; /* once is enough */
	int64_t index_retry_ms;
	bool may_have_failures; /* rows of `failure` */
	int64_t *orphans;       /* bodies to remove */
	size_t orphan_count, orphan_room;

	/* What the loop asks for. */
	pthread_mutex_t told_mutex;
	struct store_error told_health;
	struct store_clock told_clock;
	uint64_t told_commits;
};

/*
 * Start on an open, migrated database, which is the writer's from then on
 * (also to close); has_log: it had a log when it was opened.  NULL without
 * memory or threads; then it stays the caller's.
 */
struct store_writer *store_writer_new(const struct store_db *, const char *path,
    bool has_log, struct store_mailbox *) __attribute__((warn_unused_result));

struct store_queue *store_writer_queue(struct store_writer *);

/* How the last write went, and how many transactions were committed. */
void store_writer_told(
    struct store_writer *, struct store_error *health_r, uint64_t *commits_r);

/* What is known of the clock. */
void store_writer_clock(struct store_writer *, struct store_clock *clock_r);

/*
 * Do what is queued, checkpoint, end the thread, close the database.  While
 * another process holds the file that takes a few seconds at the most, and what
 * is queued comes back with STORE_BUSY.
 */
void store_writer_stop(struct store_writer *);

/* After it was stopped. */
void store_writer_free(struct store_writer *);

/* ---- for the writer's thread ---- */

/* Remember a failure, or that all is well again, and tell the loop. */
void store_writer_set_health(struct store_writer *, enum store_status);

/*
 * What the thread does next waits no longer than this while another process
 * holds the file; and not at all while the store is known to fail.
 */
void store_writer_wait(struct store_writer *, int64_t busy_ms);

/* The next try is due some seconds from now. */
void store_writer_probe_later(struct store_writer *);

/* The body has pieces and will not become a message: remove them, later. */
void store_writer_orphan(struct store_writer *, int64_t body);

/* Leave the transaction without a trace, as far as that can be done. */
void store_writer_undo(struct store_writer *);

#endif
